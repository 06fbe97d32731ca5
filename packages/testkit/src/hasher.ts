/** A password hasher that costs nothing and counts what it does. For tests only: its hashes protect nothing. @module */
import { createHash } from "node:crypto";
import type { PasswordHasher } from "@castellan/core";

export interface CountingHasher extends PasswordHasher {
  /** How often each was asked. */
  readonly calls: { readonly hash: number; readonly verify: number };
  /** Waits before each check from now on, until the promise settles: to let something happen between a check and what follows. */
  pause(until: Promise<void> | null): void;
  /** Makes hashes of another cost from now on; the old ones are outdated. */
  raiseCost(): void;
}

const digestOf = (cost: number, password: string): string => `$test$${cost}$${createHash("sha256").update(password).digest("base64url")}`;
const costOf = (hash: string): number | null => Number(/^\$test\$(\d+)\$/.exec(hash)?.[1] ?? Number.NaN) || null;

/** Hashes by one round of SHA-256. Refuses what bcrypt refuses: more than 72 bytes, and NUL. */
export function countingHasher(): CountingHasher {
  const calls = { hash: 0, verify: 0 };
  let cost = 1;
  let waiting: Promise<void> | null = null;
  const unhashable: PasswordHasher["unhashable"] = (password) => {
    if (Buffer.byteLength(password) > 72) return "password_too_long";
    return password.includes("\0") ? "password_has_nul" : null;
  };
  return {
    calls,
    unhashable,
    async hash(password) {
      calls.hash += 1;
      const reason = unhashable(password);
      if (reason) throw new RangeError(reason);
      return digestOf(cost, password);
    },
    async verify(password, hash) {
      calls.verify += 1;
      const right = hash === digestOf(costOf(hash) ?? 0, password);
      await waiting;
      return right;
    },
    isOutdated: (hash) => costOf(hash) !== cost,
    decoy: "$test$1$nobody",
    pause: (until) => {
      waiting = until;
    },
    raiseCost: () => {
      cost += 1;
    },
  };
}
