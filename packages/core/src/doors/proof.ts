/** Proofs and verdicts: what the checks of secrets answer, and the only thing that the sign-in doors accept. @module */
import type { Reply } from "../replies.ts";
import type { User } from "../users.ts";

/** That somebody proved to be a user, how, when, and under which epoch. Made by the door `attempt` alone. */
export class Proof {
  readonly pid: string;
  readonly epoch: number;
  readonly method: string;
  readonly at: Date;
  // Keeps look-alike objects out at compile time; at run time the doors ask `instanceof`.
  readonly #genuine = true;

  constructor(user: User, method: string, at: Date) {
    this.pid = user.pid;
    this.epoch = user.epoch;
    this.method = method;
    this.at = at;
  }

  static isGenuine(value: unknown): value is Proof {
    return value instanceof Proof && value.#genuine;
  }
}

/** What a check of a secret came to. */
export type Verdict = { readonly ok: Proof } | { readonly refused: Reply };

/** What a door came to. */
export type Outcome<Result> = { readonly ok: Result } | { readonly refused: Reply };

/** What a sign-in is wanted for: survives every detour (a wrong password, a second factor, a provider). */
export interface Intent {
  /** A path of the application, checked by `safeTarget`. */
  readonly to: string;
  /** Whether the browser is to be remembered. */
  readonly remember: boolean;
}
