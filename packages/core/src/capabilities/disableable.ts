/** Users that an administrator can put out and let in again. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs, nullableDate } from "./capability.ts";

export interface DisableableUser extends User {
  /** Since when nobody may sign in as this user; `null` when everybody may try. */
  readonly disabledAt: Date | null;
}

export interface DisableOperations {
  /**
   * Disables the user and advances the epoch, in one atomic step: every sign-in ends, and one that is under way is refused. Keeps the first `disabledAt`
   * of a user who is disabled already. Answers whether there is such a user.
   */
  disableUser(pid: string, now: Date): Promise<boolean>;
  /** Lets the user sign in again. What ended stays ended. Answers whether there is such a user. */
  enableUser(pid: string): Promise<boolean>;
}

export type DisablingServerStorer = Needs<DisableableUser, DisableOperations>;

export const disableable: Capability<DisableableUser, DisableOperations> = defineCapability<DisableableUser, DisableOperations>(
  "disableable",
  {
    user: { disabledAt: nullableDate },
    operations: { disableUser: true, enableUser: true },
  },
);
