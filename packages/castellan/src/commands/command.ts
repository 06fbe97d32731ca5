/** What a command is. @module */

/** What a command sees of the process. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** To standard output: what was asked for. */
  readonly print: (text: string) => void;
  /** To standard error: what a person may want to know. */
  readonly tell: (text: string) => void;
}

export interface Command {
  /** A few lines of plain text, the last ended. */
  readonly usage: string;
  /** Answers the exit code. Throws a {@link UsageError} for arguments that cannot be. */
  run(args: readonly string[], surroundings: Surroundings): Promise<number>;
}

export class UsageError extends Error {
  override readonly name = "UsageError";
}
