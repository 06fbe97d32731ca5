/** Users, and logins that nobody has, that are locked for a while after too many attempts. @module */
import type { Duration } from "../time.ts";
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs, nullableDate, nullableText } from "./capability.ts";
import type { MailedToken, TokenProof } from "./mailed-tokens.ts";

export interface LockableUser extends User {
  /**
   * When the lock of the user's own subject (`pid:` and the pid) ends or ended; `null` when there is none. A lock that has run out stands there until the next attempt, a complete sign-in or an unlocking takes
   * it away, or `sweep` does. Every look-up of a user (`load`, `findByLogin`, `findSignIn`) fills it in.
   */
  readonly lockedUntil: Date | null;
  /** Who locked: `"attempts"` or `"administrator"`; `null` when there is no lock. */
  readonly lockedBy: string | null;
}

export interface LockPolicy {
  /** How many attempts are admitted within `window`. At least 1. */
  readonly after: number;
  /** Starts with the first attempt; is not moved by later ones. Attempts at its very end count anew. */
  readonly window: Duration;
  /** How long the first lock lasts. Each further one by attempts lasts twice as long as the one before. */
  readonly lasts: Duration;
  /** No lock lasts longer. */
  readonly longest: Duration;
  /** When no lock by attempts has run for so long, the next one is a first one again. */
  readonly forgets: Duration;
}

/** Whether the secret may be checked. `lockedNow` is true for the one call that began the lock. */
export type LockAdmission =
  | { readonly admitted: true }
  | { readonly admitted: false; readonly lockedUntil: Date; readonly lockedNow: boolean };

export interface LockOperations {
  /**
   * Counts one attempt and says whether the secret may be checked, in one atomic step: of any number of parallel calls inside `policy.window`, exactly `policy.after` are
   * admitted. The call that passes the limit starts a lock and is told so; it is the only one. While a lock runs, be it by attempts or by an administrator, no call is admitted, and the lock is not
   * extended. It is over exactly at `lockedUntil`: then the count begins anew. `subject` is at most 200 characters; counts for known and unknown subjects alike, and for each by itself. A storer may ask
   * once more after a refusal, for `lockedUntil`: a flood that is turned away should write nothing.
   */
  admitAttempt(subject: string, policy: LockPolicy, now: Date): Promise<LockAdmission>;
  /**
   * A right secret that is not yet a sign-in: takes one attempt back, so that one more is admitted, without moving the window. Never below none, and nothing at all when the window is over or while a
   * lock stands, run out or not.
   */
  takeBackAttempt(subject: string, now: Date): Promise<void>;
  /** A complete sign-in: forgets the counted attempts, how long the last lock was, and a lock that is over. While a lock runs, changes nothing at all. */
  clearAttempts(subject: string, now: Date): Promise<void>;
  /**
   * Locks the user's own subject until `until` (by `"administrator"`), in place of any lock that runs, be it longer. How long the next lock by attempts lasts stays as it was. Nothing else of the user
   * changes, the epoch neither. Answers whether there is such a user.
   */
  lockUser(pid: string, until: Date): Promise<boolean>;
  /** Ends the lock of the user's own subject, whoever made it, and forgets what was counted for that subject and how long the last lock was. Answers whether there is such a user. */
  unlockUser(pid: string): Promise<boolean>;
  /** Stores the token of a mailed unlock link in place of an older one of the same user, in one atomic step, like `startConfirmation`. */
  startUnlock(token: MailedToken): Promise<void>;
  /**
   * Spends the token and does what `unlockUser` does, in one atomic step: of any number of parallel calls one gets the pid, the others `null`. Only while the token is live, and only for the lock by attempts
   * that it was made for (one that began no later than the token, and still stands, run out or not): worthless for a later lock, for an administrator's, and for none.
   */
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
