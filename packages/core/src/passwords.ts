/** The seam for rules about new passwords. @module */
import type { TextParameters } from "./texts.ts";

/** Why a password is not acceptable: a reason word, with what its text needs. */
export interface PasswordProblem {
  readonly reason: string;
  readonly parameters?: TextParameters;
}

/** Says whether a new password is good enough. Never asked when somebody signs in. */
export interface PasswordPolicy {
  /** In code points. */
  readonly minLength: number;
  /** `about.words` are words that this application is known by. Answers `null` when the password is acceptable. */
  check(password: string, about: { readonly login: string; readonly words: readonly string[] }): Promise<PasswordProblem | null>;
}
