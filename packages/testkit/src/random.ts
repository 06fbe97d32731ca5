/** Chance that repeats itself: the same seed, the same bytes. For tests only. @module */
import { createHash } from "node:crypto";
import type { Random } from "@castellan/core";

/** Makes a source of bytes that follow from `seed` alone: SHA-256 of the seed and a counter, block after block. */
export function seededRandom(seed: string): Random {
  let blocks = 0;
  const block = () => createHash("sha256").update(`${seed}\0${blocks++}`).digest();
  return {
    bytes: (count) => {
      const parts = Array.from({ length: Math.ceil(count / 32) }, block);
      return new Uint8Array(Buffer.concat(parts).subarray(0, count));
    },
  };
}
