/** The options of the module, with their defaults. @module */
import { ConfigError, type Duration, isDuration, minutes, seconds, type User } from "@castellan/core";

export interface SmsCommonOptions {
  /** A number that the set-up form proposes, for example from the user's profile. @default none */
  readonly numberFor?: (user: User) => string | null;
  /** How long a code works: ten minutes at most (NIST SP 800-63B-4, 3.1.3.2). @default minutes(5) */
  readonly lasts?: Duration;
  /** How many answers one code may be tried with; a new code while it works gets no new ones. @default 5 */
  readonly tries?: number;
  /** How many messages go out in a day, to everybody together: what an attacker can cost you. Also `limits["sms/everybody"]`. @default 1000 */
  readonly dailyCap?: number;
  /** How long the sender may take, before the person is told that it did not work. @default seconds(15) */
  readonly patience?: Duration;
}

export interface SmsCountriesOptions extends SmsCommonOptions {
  /** Where numbers may be from, as ISO 3166-1 alpha-2 codes: `["CH", "DE"]`. Only where your people are: messages to elsewhere are what fraud lives on. */
  readonly countries: readonly string[];
  readonly dangerouslyAllowAllCountries?: false;
}

export interface SmsAllCountriesOptions extends SmsCommonOptions {
  readonly countries?: undefined;
  /** In place of `countries`: numbers of every country, the most expensive ones included. @default false */
  readonly dangerouslyAllowAllCountries: true;
}

export type SmsOptions = SmsCountriesOptions | SmsAllCountriesOptions;

export interface SmsSettings {
  /** `null` for all. */
  readonly countries: readonly string[] | null;
  readonly numberFor: (user: User) => string | null;
  readonly lasts: Duration;
  readonly tries: number;
  readonly dailyCap: number;
  readonly patience: Duration;
}

const DEFAULTS = {
  numberFor: () => null,
  lasts: minutes(5),
  tries: 5,
  dailyCap: 1000,
  patience: seconds(15),
} as const satisfies Required<SmsCommonOptions>;

const LONGEST = minutes(10);
const MOST_TRIES = 20;

const names = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" });

/** Codes that have a name and no telephone numbers: unions, places that are made up, none. */
const NO_COUNTRIES: ReadonlySet<string> = new Set(["EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"]);

/** What is wrong with a country code, or `null`. A code that no number belongs to would shut everybody out, and nobody would know why. */
function problemOfCountry(code: unknown): string | null {
  if (typeof code !== "string" || !/^[A-Z]{2}$/.test(code) || names.of(code) === undefined || NO_COUNTRIES.has(code))
    return `sms: \`countries\`: ${JSON.stringify(code) ?? "undefined"} is no country: write ISO 3166-1 alpha-2 codes, for example "CH"`;
  const { region } = new Intl.Locale(`und-${code}`);
  return region === code ? null : `sms: \`countries\`: "${code}" is not the code of ISO 3166-1: write "${region}"`;
}

function problemsOfCountries({
  countries,
  dangerouslyAllowAllCountries: all = false,
}: Partial<Record<keyof SmsOptions, unknown>>): string[] {
  if (typeof all !== "boolean") return ["sms: `dangerouslyAllowAllCountries` must be true or false"];
  if (all) return countries === undefined ? [] : ["sms: give `countries` or `dangerouslyAllowAllCountries`, not both"];
  if (!Array.isArray(countries) || countries.length === 0)
    return [
      'sms: say where numbers may be from, for example countries: ["CH", "DE"] (ISO 3166-1 alpha-2): messages cost money, and more elsewhere',
    ];
  return countries.map(problemOfCountry).filter((problem) => problem !== null);
}

/** In plain JavaScript an option may be anything; what is wrong is told at start-up. */
export function settingsFrom(options: SmsOptions): SmsSettings {
  // In plain JavaScript they may be forgotten.
  const given = options ?? {};
  const { countries = null, numberFor, lasts, tries, dailyCap, patience } = { ...DEFAULTS, ...given };
  const problems = problemsOfCountries(given);
  if (typeof numberFor !== "function") problems.push("sms: `numberFor` must be a function of the user");
  if (!(isDuration(lasts) && lasts <= LONGEST)) problems.push("sms: `lasts` must be a duration of at most 10 minutes");
  if (!(isDuration(patience) && patience <= LONGEST)) problems.push("sms: `patience` must be a duration, for example seconds(15)");
  if (!Number.isSafeInteger(tries) || tries < 1 || tries > MOST_TRIES)
    problems.push(`sms: \`tries\` must be a whole number from 1 to ${MOST_TRIES}`);
  if (!Number.isSafeInteger(dailyCap) || dailyCap < 1) problems.push("sms: `dailyCap` must be a whole number, at least 1");
  if (problems.length > 0) throw new ConfigError(problems);
  return { countries, numberFor, lasts, tries, dailyCap, patience };
}
