/** Users, and logins that nobody has, that are locked for a while after too many attempts. @module */
import type { Duration } from "../time.ts";
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs, nullableDate, nullableText } from "./capability.ts";
import type { MailedToken, TokenProof } from "./mailed-tokens.ts";

export interface LockableUser extends User {
  /** When the lock of the user's own subject (`pid:` and the pid) ends or ended; `null` when there is none. */
  readonly lockedUntil: Date | null;
  /** Who locked: `"attempts"` or `"administrator"`; `null` when there is no lock. */
  readonly lockedBy: string | null;
}

export interface LockPolicy {
  /** How many attempts are admitted within `window`. At least 1. */
  readonly after: number;
  /** Starts with the first attempt; is not moved by later ones. */
  readonly window: Duration;
  /** How long the first lock lasts. Each further one lasts twice as long as the one before. */
  readonly lasts: Duration;
  /** No lock lasts longer. */
  readonly longest: Duration;
  /** When no lock has run for so long, the next one is a first one again. */
  readonly forgets: Duration;
}

/** Whether the secret may be checked. `lockedNow` is true for the one call that began the lock. */
export type LockAdmission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly lockedUntil: Date; readonly lockedNow: boolean };

export interface LockOperations {
  /**
   * Counts one attempt and says whether the secret may be checked, in one atomic step: of any number of parallel calls inside `policy.window`, exactly `policy.after` are
   * admitted. The call that passes the limit starts a lock and is told so; it is the only one. While a lock runs, no call is admitted, and the lock is not extended. After a lock the count begins
   * anew. `subject` is at most 200 characters; counts for known and unknown subjects alike.
   */
  admitAttempt(subject: string, policy: LockPolicy, now: Date): Promise<LockAdmission>;
  /**
   * A right secret that is not yet a sign-in: takes one attempt back, and no more than one. Never below none, and nothing at all outside the window or while a lock runs.
   */
  takeBackAttempt(subject: string, now: Date): Promise<void>;
  /** A complete sign-in: forgets the counted attempts and how long the last lock was. Leaves a running lock in place. */
  clearAttempts(subject: string, now: Date): Promise<void>;
  /** Locks the user until `until` (by `"administrator"`), whatever was counted. Answers whether there is such a user. */
  lockUser(pid: string, until: Date): Promise<boolean>;
  /** Ends the lock and forgets what was counted for the user. Answers whether there is such a user. */
  unlockUser(pid: string): Promise<boolean>;
  /** Stores the token of a mailed unlock link in place of an older one of the same user. */
  startUnlock(token: MailedToken): Promise<void>;
  /** Spends the token and does what `unlockUser` does, in one atomic step: of any number of parallel calls one gets the pid. Only for a live token: see `finishConfirmation`. */
  finishUnlock(proof: TokenProof, now: Date): Promise<{ readonly pid: string } | null>;
}

export type LockingServerStorer = Needs<LockableUser, LockOperations>;

export const lockable: Capability<LockableUser, LockOperations> = defineCapability<LockableUser, LockOperations>("lockable", {
  user: { lockedUntil: nullableDate, lockedBy: nullableText },
  operations: {
    admitAttempt: true,
    takeBackAttempt: true,
    clearAttempts: true,
    lockUser: true,
    unlockUser: true,
    startUnlock: true,
    finishUnlock: true,
  },
});
