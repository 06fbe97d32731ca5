/** The channels of second factors. @module */
import { type Context, defineChannel, type User } from "@castellan/core";

export interface FactorEvent {
  /** Before the change as it was, after it as it is. */
  readonly user: User;
  /** For example `"totp"`. */
  readonly method: string;
  /** `null` when a script asks. */
  readonly ctx: Context | null;
}

/** Around the set-up of a second factor. Guards may refuse it. */
export const addFactor = defineChannel<FactorEvent>("addFactor");
/** Around the removal of a second factor. Guards may refuse it, but not {@link TwoFactorApi.reset}. */
export const removeFactor = defineChannel<FactorEvent>("removeFactor");
/** A recovery code was used. Only `record` and `notify`. */
export const useRecoveryCode = defineChannel<{
  readonly user: User;
  readonly ctx: Context;
  /** How many are left. */
  readonly left: number;
}>("useRecoveryCode");
