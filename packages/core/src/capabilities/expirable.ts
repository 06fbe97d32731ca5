/** Sign-ins whose end is noticed. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs } from "./capability.ts";
import type { SignIn } from "./server-storer.ts";

export interface ExpireOperations {
  /**
   * Removes the sign-in under `key` if its time is over (`now` is not before `idleEndsAt` or `endsAt`) and answers it, in one atomic step: of any number of parallel calls one gets it, the others
   * `null`. Leaves a live one alone. `null` too for one of another epoch than its user, or of a user who is gone: that one was ended, it did not expire. Whoever comes after `sweep` finds nothing.
   */
  takeExpiredSignIn(key: string, now: Date): Promise<SignIn | null>;
}

export type ExpiringServerStorer = Needs<User, ExpireOperations>;

export const expirable: Capability<User, ExpireOperations> = defineCapability<User, ExpireOperations>("expirable", {
  user: {},
  operations: { takeExpiredSignIn: true },
});
