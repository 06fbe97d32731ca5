/** The one grammar for e-mail addresses: strict, so that no two parsers can disagree about where mail goes. @module */
import { domainToASCII, domainToUnicode } from "node:url";

/** A dot-atom of RFC 5322 in ASCII: no quotes, no comments, no route. */
const LOCAL_PART = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i;
/** RFC 1123 labels, at least two; the last one begins with a letter, so that no address of a machine passes. */
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The address with its domain in ASCII and lower case (IDNA, RFC 5891), its local part untouched; `null` for anything that is not exactly
 * one address. At most 64 characters before the `@` and 254 in all (RFC 5321, 4.5.3.1). Linear in the length of `text`.
 */
export function parseAddress(text: string): string | null {
  if (text.length > 254) return null;
  const at = text.indexOf("@");
  if (at < 1 || at > 64 || at !== text.lastIndexOf("@")) return null;
  const local = text.slice(0, at);
  // Some mail software decodes an encoded word (RFC 2047) here, and then reads another address.
  if (/=\?[^?]*\?[bq]\?/i.test(local)) return null;
  // A letter that IDNA maps to ASCII is fine; what is not a letter, digit, dot or hyphen could end the domain early.
  if (/[\s\u0000-\u002c\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f]/.test(text.slice(at + 1))) return null;
  const domain = domainToASCII(text.slice(at + 1));
  if (domain === "" || domain.length + at + 1 > 254) return null;
  return LOCAL_PART.test(local) && DOMAIN.test(domain) && isSpelledOneWay(domain) ? `${local}@${domain}` : null;
}

/**
 * Whether each `xn--` label stands for letters, and these for it. Newer versions of Node let through what stands for none, and older ones what is
 * another domain once it is read: `xn--a-.com` for `a.com`.
 */
function isSpelledOneWay(domain: string): boolean {
  const readable = domainToUnicode(domain);
  return domainToASCII(readable) === domain && !readable.split(".").some((label) => label.startsWith("xn--"));
}
