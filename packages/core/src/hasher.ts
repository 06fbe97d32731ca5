/** The seam for password hashing. @module */

/** Why a password cannot be hashed by this scheme, as a reason word; `null` when it can. */
export type Unhashable = "password_too_long" | "password_has_nul" | null;

/**
 * Hashes passwords and checks them. Runs off the event loop and behind a bounded queue; when the queue is full, `hash` and
 * `verify` reject with `Unavailable` (reason `"busy"`).
 */
export interface PasswordHasher {
  /** What stands in the way of hashing `password` exactly as it is, without cutting anything off. Answers at once. */
  unhashable(password: string): Unhashable;
  /** A salted hash with scheme and cost in its text. Rejects with a RangeError when {@link unhashable} names a reason. */
  hash(password: string): Promise<string>;
  /**
   * Whether `password` is the one that `hash` was made of. A hash that is malformed, of an unknown scheme, or of a cost outside the
   * bounds never matches. Costs the same for a hash of a lower cost as for one of the current cost.
   */
  verify(password: string, hash: string): Promise<boolean>;
  /** Whether `hash` was made by an older scheme or at another cost than `hash()` would use now. */
  isOutdated(hash: string): boolean;
  /** A well-formed hash of the current cost that is made of random bytes: no password matches it. Checked when nobody is found. */
  readonly decoy: string;
  /** Ends worker threads. */
  close?(): Promise<void>;
}
