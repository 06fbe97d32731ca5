/** Users with a time-based one-time password (RFC 6238) as second factor. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs, nullableDate } from "./capability.ts";

export interface TotpUser extends User {
  /** Since when codes are asked for; `null` when they are not. */
  readonly totpEnabledAt: Date | null;
}

export interface NewTotp {
  /** The secret, sealed by the key ring; at most 400 characters. A storer compares it as text. */
  readonly secret: string;
  /** The time step of the code that confirmed it: accepted, and so used up. */
  readonly step: number;
  readonly enabledAt: Date;
}

export interface TotpOperations {
  /**
   * Turns the factor on and advances the epoch, only while the user is of `epoch` and has no secret, in one atomic step: of any number of parallel calls one wins. With `recoveryCodes`, these hashes take
   * the place of all that the user had, in the same step; `null` leaves the codes alone. Whatever was made under the earlier epoch, without this factor, is dead. Answers the new epoch, or `null` when
   * nothing changed.
   */
  enableTotp(pid: string, epoch: number, totp: NewTotp, recoveryCodes: readonly string[] | null): Promise<number | null>;
  /** The sealed secret; `null` where there is none. */
  totpSecretOf(pid: string): Promise<string | null>;
  /**
   * Accepts a time step, only while `secret` is still the user's and `step` is greater than every one that was accepted before, in one atomic step: of any number of parallel calls with one step exactly
   * one answers `true`, and steps only ever go up.
   */
  acceptTotpStep(pid: string, secret: string, step: number): Promise<boolean>;
  /** Puts the same secret, sealed anew, in place of `from`, while that is still what is stored. The accepted step stays. Answers whether it was replaced. */
  resealTotp(pid: string, from: string, to: string): Promise<boolean>;
  /** Turns the factor off and advances the epoch, only while the user is of `epoch` and has it, in one atomic step. Recovery codes stay. Answers the new epoch, or `null` when nothing changed. */
  disableTotp(pid: string, epoch: number): Promise<number | null>;
}

export type TotpServerStorer = Needs<TotpUser, TotpOperations>;

export const totpable: Capability<TotpUser, TotpOperations> = defineCapability<TotpUser, TotpOperations>("totp", {
  user: { totpEnabledAt: nullableDate },
  operations: { enableTotp: true, totpSecretOf: true, acceptTotpStep: true, resealTotp: true, disableTotp: true },
});
