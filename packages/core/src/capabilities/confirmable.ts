/** Users whose address is to be proved by a mailed link. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs, nullableDate, nullableText } from "./capability.ts";
import type { MailedToken, TokenProof } from "./mailed-tokens.ts";

export interface ConfirmableUser extends User {
  readonly email: string | null;
  /** When the address was proved; `null` while it is not. */
  readonly confirmedAt: Date | null;
}

export interface ConfirmOperations {
  /**
   * Stores the token in place of an older one of the same user, in one atomic step: only the newest link works, and of any number of parallel calls exactly one leaves a live link. The user need not exist.
   */
  startConfirmation(token: MailedToken): Promise<void>;
  /**
   * Spends the token and confirms the user as of `now`, in one atomic step: of any number of parallel calls one gets the pid, the others `null`. Only while the token is live, the user is
   * not confirmed yet, and the user's address is still the token's destination.
   */
  finishConfirmation(proof: TokenProof, now: Date): Promise<{ readonly pid: string } | null>;
  /**
   * Confirms a user who proved `address` in another way, if it is still the user's. Keeps the date of one who is confirmed. Answers whether there is such a user with this very address: who
   * then is confirmed.
   */
  confirmUser(pid: string, address: string, now: Date): Promise<boolean>;
}

export type ConfirmingServerStorer = Needs<ConfirmableUser, ConfirmOperations>;

export const confirmable: Capability<ConfirmableUser, ConfirmOperations> = defineCapability<ConfirmableUser, ConfirmOperations>(
  "confirmable",
  {
    user: { email: nullableText, confirmedAt: nullableDate },
    operations: { startConfirmation: true, finishConfirmation: true, confirmUser: true },
  },
);
