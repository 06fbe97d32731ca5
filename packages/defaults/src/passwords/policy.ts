/** Which passwords may be chosen: length and guessability (NIST SP 800-63B-4, 3.1.1.2), and no rules about kinds of characters. @module */
import type { PasswordPolicy } from "@castellan/core";
import { commonPasswords } from "./common-passwords.ts";
import { read, unitLength } from "./predictable.ts";

/** Passwords that must not be chosen. A `Set` will do; so will something that asks a store of leaked passwords. */
export interface Blocklist {
  has(password: string): boolean | Promise<boolean>;
}

export interface PasswordPolicyOptions {
  /** The least number of code points, 8 or more. 8 is enough only where a second factor is always asked. @default 15 */
  readonly minLength?: number;
  /** Asked for the password as it was typed, and in lower case if that differs. @default none beside the built-in list */
  readonly blocklist?: Blocklist;
  /** The service's and the company's names, for every check. @default [] */
  readonly words?: readonly string[];
}

const DEFAULTS = { minLength: 15, blocklist: new Set<string>(), words: [] } as const satisfies Required<PasswordPolicyOptions>;
/** NIST SP 800-63B-4 allows no less, whatever else is asked. */
const FLOOR = 8;
/** What core takes in one field. */
const MOST_BYTES = 1024;
/** So many digits or signs do not make a common password another one: `password!`, `dragon2024`. */
const LEFT_OVER = 4;
const LEAST_WORD = 3;
/** The longest address. What is longer and no repetition is beyond any guesser, and reading it would hold up everybody else. */
const MOST_READ = 256;
/** Nobody has more names than this; a longer list would only cost time. */
const MOST_WORDS = 64;

const folded = (text: string): string => text.normalize("NFKC").toLowerCase();

/** The words of `text`, and what stands before and after an `@`. */
const wordsOf = (text: string): string[] => [text, ...text.split("@"), ...text.split(/[^\p{L}\p{N}]+/u)];

function contextOf(about: { readonly login: string; readonly words: readonly string[] }, words: readonly string[]): string[] {
  const all = [about.login, ...about.words, ...words].flatMap((text) => wordsOf(folded(text.slice(0, MOST_BYTES))));
  return [...new Set(all)].filter(({ length }) => length >= LEAST_WORD).slice(0, MOST_WORDS);
}

/** To say a short password twice does not make it long, nor do a few characters after it. */
const repeatsLessThan = (minLength: number, text: string): boolean =>
  Array.from({ length: LEFT_OVER + 1 }, (_, cut) => unitLength(text.slice(0, text.length - cut))).some(
    (length, cut) => length < minLength && length < text.length - cut,
  );

async function isListed(blocklist: Blocklist, password: string): Promise<boolean> {
  if (await blocklist.has(password)) return true;
  const lower = password.toLowerCase();
  return lower !== password && (await blocklist.has(lower));
}

/** Long passwords of any kind, but none that a guesser tries early. What is stored is never trimmed, cut or folded. */
export function passwordPolicy(options: PasswordPolicyOptions = {}): PasswordPolicy {
  const { minLength, blocklist, words } = { ...DEFAULTS, ...options };
  if (!Number.isSafeInteger(minLength) || minLength < FLOOR) {
    throw new RangeError(`minLength is a whole number of at least ${FLOOR}, not ${minLength}`);
  }
  return {
    minLength,
    async check(password, about) {
      if (Buffer.byteLength(password) > MOST_BYTES) return { reason: "password_too_long", parameters: { maxBytes: MOST_BYTES } };
      if ([...password].length < minLength) return { reason: "password_too_short", parameters: { minLength } };
      const text = folded(password);
      if (repeatsLessThan(minLength, text) || (await isListed(blocklist, password))) return { reason: "password_too_common" };
      if (text.length > MOST_READ) return null;
      const reading = read(text, contextOf(about, words), await commonPasswords());
      if (Math.min(reading.runs, reading.common) <= LEFT_OVER) return { reason: "password_too_common" };
      return Number.isFinite(Math.min(reading.context, reading.contextAndCommon)) ? { reason: "password_has_context" } : null;
    },
  };
}
