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
  /**
   * Stores the tokens of one request in place of all older ones of the same user, in one atomic step: only the newest links work, and of any number of parallel calls the tokens of exactly one are live,
   * all of them. One for each address, at least one; all of one user and epoch, made at one moment, with one end. The user need not exist.
   */
  startRecovery(tokens: readonly MailedToken[]): Promise<void>;
  /** The user of a live token, and where it was mailed to. The token stays as it is. */
  findRecovery(proof: TokenProof, now: Date): Promise<{ readonly pid: string; readonly destination: string } | null>;
  /**
   * Spends the token, stores the new password's hash and advances the epoch, in one atomic step: all of it or nothing, and of any number of parallel calls one gets the
   * answer (with the new epoch), the others `null`. Only while the token is live. The epoch ends this token and every other of the user, whatever its purpose.
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
  /** Replaces the user's secondary addresses, in the given order. A new user has none. Answers whether there is such a user. */
  setSecondaryEmails(pid: string, addresses: readonly string[]): Promise<boolean>;
}

export const secondaryEmails: Capability<RecoverableUserWithSecondaryEmails, SecondaryEmailOperations> = defineCapability<
  RecoverableUserWithSecondaryEmails,
  SecondaryEmailOperations
>("secondary-emails", { user: { email: nullableText, secondaryEmails: textList }, operations: { setSecondaryEmails: true } });
