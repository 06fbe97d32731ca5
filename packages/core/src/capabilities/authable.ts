/** Users with a password. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs, nullableText } from "./capability.ts";

export interface AuthableUser extends User {
  /** The password's hash in its string form, with scheme and cost; `null` for a user who has no password. */
  readonly passwordHash: string | null;
}

export interface AuthOperations {
  /**
   * Stores a new password's hash and advances the epoch, but only while the user is still of epoch `from`, in one atomic step: of two
   * parallel changes one wins. Answers the new epoch, or `null` when the epoch had moved on or there is no such user.
   */
  changePasswordHash(pid: string, from: number, passwordHash: string): Promise<number | null>;
  /** Stores a new password's hash and advances the epoch, whatever they were. Answers the new epoch, or `null` for no user. */
  setPasswordHash(pid: string, passwordHash: string): Promise<number | null>;
  /**
   * Replaces the hash `from` by a stronger one of the same password. The epoch stays. Only while `from` is still what is stored:
   * a change of password at the same time wins.
   */
  upgradePasswordHash(pid: string, from: string, passwordHash: string): Promise<boolean>;
}

export type AuthingServerStorer = Needs<AuthableUser, AuthOperations>;

export const authable: Capability<AuthableUser, AuthOperations> = defineCapability<AuthableUser, AuthOperations>("authable", {
  user: { passwordHash: nullableText },
  operations: { changePasswordHash: true, setPasswordHash: true, upgradePasswordHash: true },
});
