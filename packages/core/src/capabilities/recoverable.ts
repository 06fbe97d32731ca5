/** Users who can choose a new password by a mailed link. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type FieldCheck, type Needs, nullableText } from "./capability.ts";
import type { MailedToken, TokenProof } from "./mailed-tokens.ts";

export interface RecoverableUser extends User {
  readonly email: string | null;
}

/** Optional: more addresses that a link may be mailed to, each in a mail of its own. */
export interface RecoverableUserWithSecondaryEmails extends RecoverableUser {
  readonly secondaryEmails: readonly string[];
}

export interface RecoverOperations {
  /** Stores the tokens of one request in place of all older ones of the same user: only the newest links work. One for each address; all of one user. */
  startRecovery(tokens: readonly MailedToken[]): Promise<void>;
  /** The user of a live token, which stays. Live: `now` before `expiresAt`, and the user is of the token's epoch. */
  findRecovery(proof: TokenProof, now: Date): Promise<{ readonly pid: string; readonly destination: string } | null>;
  /**
   * Spends the token, stores the new password's hash and advances the epoch, in one atomic step: all of it or nothing, and of any number of parallel calls one gets the
   * answer, the others `null`. The other tokens of the user end with it.
   */
  finishRecovery(
    proof: TokenProof,
    passwordHash: string,
    now: Date,
  ): Promise<{ readonly pid: string; readonly epoch: number; readonly destination: string } | null>;
}

export type RecoveringServerStorer = Needs<RecoverableUser, RecoverOperations>;

export const recoverable: Capability<RecoverableUser, RecoverOperations> = defineCapability<RecoverableUser, RecoverOperations>(
  "recoverable",
  {
    user: { email: nullableText },
    operations: { startRecovery: true, findRecovery: true, finishRecovery: true },
  },
);

const textList: FieldCheck = {
  expected: "an array of strings",
  accepts: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
};

export interface SecondaryEmailOperations {
  /** Replaces the user's secondary addresses. Answers whether there is such a user. */
  setSecondaryEmails(pid: string, addresses: readonly string[]): Promise<boolean>;
}

export const secondaryEmails: Capability<RecoverableUserWithSecondaryEmails, SecondaryEmailOperations> = defineCapability<
  RecoverableUserWithSecondaryEmails,
  SecondaryEmailOperations
>("secondary-emails", { user: { email: nullableText, secondaryEmails: textList }, operations: { setSecondaryEmails: true } });
