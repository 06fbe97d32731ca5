/** Users with codes by text message as second factor. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs, nullableText } from "./capability.ts";

export interface SmsUser extends User {
  /** The proved number that codes are sent to, in the form of E.164; `null` when none are asked for. */
  readonly smsNumber: string | null;
}

export interface SmsOperations {
  /**
   * Turns the factor on with this number and advances the epoch, only while the user is of `epoch` and has none, in one atomic step: of any number of parallel calls one wins. With `recoveryCodes`, these
   * hashes take the place of all that the user had, in the same step; `null` leaves the codes alone. Whatever was made under the earlier epoch, without this factor, is dead. Answers the new epoch, or
   * `null` when nothing changed.
   */
  enableSms(pid: string, epoch: number, number: string, recoveryCodes: readonly string[] | null): Promise<number | null>;
  /** Turns the factor off and advances the epoch, only while the user is of `epoch` and has it, in one atomic step. Recovery codes stay. Answers the new epoch, or `null` when nothing changed. */
  disableSms(pid: string, epoch: number): Promise<number | null>;
}

export type SmsServerStorer = Needs<SmsUser, SmsOperations>;

export const smsable: Capability<SmsUser, SmsOperations> = defineCapability<SmsUser, SmsOperations>("sms", {
  user: { smsNumber: nullableText },
  operations: { enableSms: true, disableSms: true },
});
