/**
 * Recovery codes: what a person has on paper for the day that the second factor is lost. @module
 *
 * They come with the first factor: the operation that turns a factor on stores them in the same step (`enableTotp`, `enableSms`), so that nobody is ever left without a way back. They outlive every
 * epoch: a new password must not take the way back away. A hash is a SHA-256 as base64url text, of a secret of at least 128 random bits.
 */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs } from "./capability.ts";

export interface RecoveryCodeOperations {
  /**
   * Stores these codes in place of all that the user had, only while the user is of `epoch`, in one atomic step: of any number of parallel calls the codes of exactly one are left, all of them. Answers
   * whether they were stored.
   */
  replaceRecoveryCodes(pid: string, epoch: number, hashes: readonly string[]): Promise<boolean>;
  /**
   * Spends the code with this hash and answers how many are left, in one atomic step: of any number of parallel calls with one code exactly one gets a number, and parallel calls with different codes each
   * count themselves. `null` for a code that the user does not have.
   */
  consumeRecoveryCode(pid: string, hash: string): Promise<number | null>;
  /** How many are left. */
  countRecoveryCodes(pid: string): Promise<number>;
}

export type RecoveryCodeServerStorer = Needs<User, RecoveryCodeOperations>;

export const recoveryCodes: Capability<User, RecoveryCodeOperations> = defineCapability<User, RecoveryCodeOperations>("recovery-codes", {
  user: {},
  operations: { replaceRecoveryCodes: true, consumeRecoveryCode: true, countRecoveryCodes: true },
});
