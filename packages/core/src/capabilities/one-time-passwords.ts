/** One-time passwords: a few secrets that a user made beforehand, each of them good for one sign-in in place of the password. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs } from "./capability.ts";

export interface OneTimePasswordOperations {
  /**
   * Stores one more, only while the user is of `epoch` and has fewer than `max` live ones, in one atomic step: of any number of parallel calls no more are stored than there was room for. Live: made under
   * the epoch that the user is of now; after a change of password all earlier ones are dead. `hash` is a SHA-256 as base64url text, of a secret of at least 128 random bits. Answers how many are live with
   * it, or `null` when it was not stored.
   */
  addOneTimePassword(pid: string, epoch: number, hash: string, max: number): Promise<number | null>;
  /** How many are live. */
  countOneTimePasswords(pid: string): Promise<number>;
  /** Spends the live one with this hash; of any number of parallel calls exactly one answers `true`. `false` for none, and for another user's. */
  consumeOneTimePassword(pid: string, hash: string): Promise<boolean>;
  /** Removes all of the user's. Answers how many were live. */
  clearOneTimePasswords(pid: string): Promise<number>;
}

export type OneTimePasswordServerStorer = Needs<User, OneTimePasswordOperations>;

export const oneTimePasswords: Capability<User, OneTimePasswordOperations> = defineCapability<User, OneTimePasswordOperations>(
  "one-time-passwords",
  {
    user: {},
    operations: { addOneTimePassword: true, countOneTimePasswords: true, consumeOneTimePassword: true, clearOneTimePasswords: true },
  },
);
