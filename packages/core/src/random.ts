/** Where chance comes from: the operating system's generator, or a repeatable one in tests. @module */
import { randomBytes } from "node:crypto";

export interface Random {
  /** `count` bytes that nobody can guess. */
  bytes(count: number): Uint8Array;
}

export const systemRandom: Random = { bytes: (count) => randomBytes(count) };

/** `count` random bytes as base64url text without padding (RFC 4648, section 5). */
export const randomText = (random: Random, count: number): string => Buffer.from(random.bytes(count)).toString("base64url");
