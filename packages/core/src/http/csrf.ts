/**
 * Protection against forged requests, in two layers. Layer 1 asks the browser where a request comes from (Fetch Metadata; Origin where it
 * is missing). Layer 2 asks for a token that only our own pages know. @module
 */
import type { IncomingMessage } from "node:http";
import { type KeyRing, sameText } from "../keys.ts";
import type { Random } from "../random.ts";

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Methods that must not change anything (RFC 9110, 9.2.1). TRACE is not among them here: nobody needs it. */
export const isSafe = (method: string | undefined): boolean => SAFE_METHODS.has(method ?? "GET");

/** `unknown`: neither header came, as from curl, a server or a phone. */
export type Provenance = "own" | "foreign" | "unknown";

/**
 * Layer 1: where an unsafe request comes from. Sec-Fetch-Site counts if it came (`same-origin`; `none` for a person's own navigation; anything else only
 * from a listed origin); else Origin must be ours or listed; `Origin: null` is foreign.
 */
export function provenance(req: IncomingMessage, origins: ReadonlySet<string>): Provenance {
  const site = req.headers["sec-fetch-site"];
  const origin = req.headers.origin;
  if (site !== undefined) {
    if (site === "same-origin") return "own";
    if (site === "none") return req.headers["sec-fetch-mode"] === "navigate" ? "own" : "foreign";
    return origin !== undefined && origins.has(origin) ? "own" : "foreign";
  }
  if (origin === undefined) return "unknown";
  return origins.has(origin) ? "own" : "foreign";
}

const TOKEN_BYTES = 32;

/**
 * Layer 2: a synchroniser token that is derived from what the browser's cookie binds it to (the session id, or a random value before there is a session), so that it is
 * renewed with it and needs no row.
 */
export class CsrfTokens {
  readonly #keys: KeyRing;
  readonly #random: Random;

  constructor(keys: KeyRing, random: Random) {
    this.#keys = keys;
    this.#random = random;
  }

  /** A token for this binding, masked anew each time, so that a compressed page does not give it away piece by piece (BREACH). */
  make(binding: string): string {
    const token = Buffer.from(this.#keys.mac("csrf", binding), "base64url");
    const mask = this.#random.bytes(TOKEN_BYTES);
    return Buffer.concat([mask, xor(token, mask)]).toString("base64url");
  }

  accepts(binding: string, masked: unknown): boolean {
    if (typeof masked !== "string" || masked.length > 100) return false;
    const bytes = Buffer.from(masked, "base64url");
    if (bytes.length !== 2 * TOKEN_BYTES || !sameText(bytes.toString("base64url"), masked)) return false;
    const token = xor(bytes.subarray(TOKEN_BYTES), bytes.subarray(0, TOKEN_BYTES));
    return this.#keys.recognises("csrf", binding, token.toString("base64url"));
  }
}

const xor = (one: Uint8Array, other: Uint8Array): Buffer => Buffer.from(one.map((byte, index) => byte ^ (other[index] ?? 0)));
