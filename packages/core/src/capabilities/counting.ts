/** Counters for limits: shared by all processes where the storer has them, in memory otherwise. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs } from "./capability.ts";

export interface Count {
  /** Whether this use was within the limit. */
  readonly admitted: boolean;
  /** When the window ends and counting starts anew. */
  readonly resetsAt: Date;
}

export interface CountOperations {
  /**
   * Counts one use of `key` and says whether it was within `limit`, in one atomic step: of any number of parallel calls in one window, exactly
   * `limit` are admitted. A window of `windowMs` milliseconds starts with the first use, and is not moved by later ones. Uses that
   * were refused do not make the window longer. `key` is at most 200 characters.
   */
  countUse(key: string, limit: number, windowMs: number, now: Date): Promise<Count>;
  /** Takes one admitted use back (it turned out well), so that one more is admitted. Never below zero; does nothing when the window has ended. */
  takeBackUse(key: string, now: Date): Promise<void>;
  /** Forgets what was counted for `key`. */
  forgetUses(key: string): Promise<void>;
}

export type CountingServerStorer = Needs<User, CountOperations>;

export const counting: Capability<User, CountOperations> = defineCapability<User, CountOperations>("counting", {
  user: {},
  operations: { countUse: true, takeBackUse: true, forgetUses: true },
});
