/** bcrypt (Provos and Mazières, 1999), as npm's `bcrypt` computes it. @module */
import type { Random, Unhashable } from "@castellan/core";
import type { Comparison, HashScheme } from "./scheme.ts";

export interface BcryptOptions {
  /** The binary logarithm of the number of rounds, 10 to 15. One more doubles the time. @default 12 */
  readonly cost?: number;
}

const DEFAULTS = { cost: 12 } as const satisfies Required<BcryptOptions>;
/** What `hash()` may cost: below it is too weak (OWASP), above it one sign-in takes seconds. */
const OPTION = { lowest: 10, highest: 15 } as const;
/** What a stored hash may cost. A planted hash of cost 31 would keep a core busy for days. */
const STORED = { lowest: 10, highest: 16 } as const;
/** bcrypt reads no further; what comes after would not count. */
const LONGEST = 72;

const STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** `$2x$` is left out on purpose: it marks hashes of a faulty implementation, in which several passwords match. */
const FORM = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** bcrypt's own base 64, which has another order of digits than RFC 4648. */
const encode = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString("base64")
    .replace(/=+$/, "")
    .replace(/./g, (digit) => ALPHABET.charAt(STANDARD.indexOf(digit)));

const decoyOf = (random: Random, cost: number): string =>
  `$2b$${String(cost).padStart(2, "0")}$${encode(random.bytes(16))}${encode(random.bytes(23))}`;

function costOf(hash: string): number | null {
  const digits = FORM.exec(hash)?.[1];
  const cost = Number(digits);
  return digits !== undefined && cost >= STORED.lowest && cost <= STORED.highest ? cost : null;
}

/** Passwords by bcrypt: the one that everybody has. Takes at most 72 bytes. */
export function bcrypt(options: BcryptOptions = {}): HashScheme {
  const { cost } = { ...DEFAULTS, ...options };
  if (!Number.isInteger(cost) || cost < OPTION.lowest || cost > OPTION.highest) {
    throw new RangeError(`the cost of bcrypt is a whole number from ${OPTION.lowest} to ${OPTION.highest}, not ${cost}`);
  }
  const compared = (hash: string): Comparison => ({ scheme: "bcrypt", hash });
  return {
    making: { scheme: "bcrypt", cost },
    recognises: (hash) => costOf(hash) !== null,
    unhashable: (password): Unhashable => {
      if (password.includes(0)) return "password_has_nul";
      return password.length > LONGEST ? "password_too_long" : null;
    },
    isOutdated: (hash) => costOf(hash) !== cost,
    decoy: (random, like) => decoyOf(random, (like !== undefined && costOf(like)) || cost),
    comparisons(hash, random) {
      // PHP's `$2y$` is `$2b$` under another name, which npm's bcrypt does not know.
      const comparisons = [compared(hash.replace(/^\$2y/, "$2b"))];
      // 2^c + (2^c + 2^(c+1) + … + 2^(cost-1)) = 2^cost: together as much as one hash of the current cost.
      for (let lower = costOf(hash) ?? cost; lower < cost; lower += 1) comparisons.push(compared(decoyOf(random, lower)));
      return comparisons;
    },
  };
}
