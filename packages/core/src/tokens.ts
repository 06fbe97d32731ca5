/** Makes and reads the tokens that go out by mail or live in cookies: a selector to find the row, a verifier to prove it. @module */
import { digest } from "./keys.ts";
import type { Random } from "./random.ts";

const SELECTOR_BYTES = 16;
const VERIFIER_BYTES = 32;
const TOKEN = /^[A-Za-z0-9_-]{64}$/;

/** What is stored of a token. Neither part opens anything. */
export interface TokenRow {
  /** 128 random bits as base64url text: a unique index finds the row by it. */
  readonly selector: string;
  /** SHA-256 of purpose and verifier as base64url text. */
  readonly verifierHash: string;
}

export interface TokenMaker {
  /** A new token for one purpose: `token` is shown once to whom it is for, the rest is stored. */
  make(purpose: string): TokenRow & { readonly token: string };
  /** A new verifier for the selector that a series keeps. */
  rotate(purpose: string, selector: string): TokenRow & { readonly token: string };
  /** The row to look for; `null` when `token` is not of the right form. A token of another purpose has another hash. */
  parse(purpose: string, token: string): TokenRow | null;
}

export function tokenMaker(random: Random): TokenMaker {
  const rowOf = (purpose: string, bytes: Buffer): TokenRow => ({
    selector: bytes.subarray(0, SELECTOR_BYTES).toString("base64url"),
    verifierHash: digest(`token:${purpose}`, bytes.subarray(SELECTOR_BYTES).toString("base64url")),
  });
  return {
    make(purpose) {
      const bytes = Buffer.from(random.bytes(SELECTOR_BYTES + VERIFIER_BYTES));
      return { ...rowOf(purpose, bytes), token: bytes.toString("base64url") };
    },
    rotate(purpose, selector) {
      const bytes = Buffer.concat([Buffer.from(selector, "base64url"), random.bytes(VERIFIER_BYTES)]);
      return { ...rowOf(purpose, bytes), token: bytes.toString("base64url") };
    },
    parse: (purpose, token) => (TOKEN.test(token) ? rowOf(purpose, Buffer.from(token, "base64url")) : null),
  };
}
