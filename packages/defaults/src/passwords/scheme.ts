/** What the hasher needs to know about one way of hashing passwords. @module */
import type { Random, Unhashable } from "@castellan/core";

/** How a new hash is made. Crosses to the worker, so it is plain data. */
export type Making =
  | { readonly scheme: "bcrypt"; readonly cost: number }
  | { readonly scheme: "argon2id"; readonly memory: number; readonly passes: number; readonly parallelism: number };

/** A hash that a password is compared with, and the scheme that can do it. */
export interface Comparison {
  readonly scheme: Making["scheme"];
  readonly hash: string;
}

/** One way of hashing passwords. */
export interface HashScheme {
  readonly making: Making;
  /** Whether `hash` is well-formed, of this scheme, and of a cost that this machine is willing to pay. */
  recognises(hash: string): boolean;
  /** What stands in the way of hashing these bytes as they are. */
  unhashable(password: Uint8Array): Unhashable;
  /** Whether a recognised hash was made at another cost than {@link making}. */
  isOutdated(hash: string): boolean;
  /** A well-formed hash of random bytes at the cost of `like`, by default of {@link making}. It was never computed, so no password is known to match it. */
  decoy(random: Random, like?: string): string;
  /** A recognised hash as the worker compares it, and after it the decoys that bring a lower cost up to that of {@link making}. */
  comparisons(hash: string, random: Random): readonly Comparison[];
}
