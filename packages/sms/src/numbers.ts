/** Telephone numbers: read as people write them, checked, kept as E.164, and shown masked. @module */
import type { CountryCode, NumberType } from "libphonenumber-js/max";

/** Signs that belong to a number as people write it. Letters, commas and line breaks do not: nothing is to be picked out of a text. */
const WRITTEN = /^[+0-9 ()./-]{4,40}$/;

/** Kinds that reach a mobile phone. Where the numbering plan does not tell mobile from fixed (as in the USA), both are one kind. */
const REACHED: ReadonlySet<NumberType> = new Set<NumberType>(["MOBILE", "FIXED_LINE_OR_MOBILE"]);

/** The number as E.164, or why it is not taken, as a reason. */
export type NumberAnswer =
  | { readonly ok: string }
  | { readonly problem: "phone_number_invalid" | "phone_number_country" | "phone_number_kind" };

/**
 * Digits of other keyboards (wide, Arabic, Persian) as ASCII, and hyphens as one sign. Contacts of telephones bring marks of direction and non-breaking spaces along; nobody sees them, and nobody could take
 * them away.
 */
export const plainText = (typed: string): string =>
  typed
    .normalize("NFKC")
    .replaceAll(/\p{Cf}/gu, "")
    .replaceAll(/[\u2010-\u2015\u2212]/g, "-")
    .replaceAll(/[\u0660-\u0669\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) & 15))
    .trim();

/**
 * Reads a number. The form without a country code is taken where one country is allowed and nobody has to guess. `countries`: ISO 3166-1 alpha-2 codes, `null` for all; what belongs to no country (satellites,
 * +800) is never taken.
 */
export async function readNumber(typed: string, countries: readonly string[] | null): Promise<NumberAnswer> {
  const written = plainText(typed);
  if (!WRITTEN.test(written)) return { problem: "phone_number_invalid" };
  // With all kinds of numbers, or a premium one passes for a telephone. Loaded here: most requests are about no number.
  const { parsePhoneNumberFromString, isSupportedCountry } = await import("libphonenumber-js/max");
  const [only, ...others] = countries ?? [];
  const home: CountryCode | undefined = only !== undefined && others.length === 0 && isSupportedCountry(only) ? only : undefined;
  const number = home
    ? parsePhoneNumberFromString(written, { extract: false, defaultCountry: home })
    : parsePhoneNumberFromString(written.replace(/^00/, "+"), { extract: false });
  if (!number?.isValid()) return { problem: "phone_number_invalid" };
  const { country } = number;
  if (country === undefined || !(countries?.includes(country) ?? true)) return { problem: "phone_number_country" };
  const type = number.getType();
  return type && REACHED.has(type) ? { ok: number.number } : { problem: "phone_number_kind" };
}

/** Country codes of one and two digits (ITU-T E.164); all others have three. */
const COUNTRY_CODE = /^\+(?:[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})/;

/** A number that is broken over two lines cannot be compared. */
const NO_BREAK = "\u00a0";

/** What tells its owner which one it is, and nobody else the number: `+41 ••• ••67`. */
export function maskNumber(number: string): string {
  const [code = "+"] = COUNTRY_CODE.exec(number) ?? [];
  return [code, "•••", `••${number.slice(-2)}`].join(NO_BREAK);
}
