/** What the world's failures become. @module */
import { ConfigError, Unavailable } from "@castellan/core";
import { WrongParameter } from "./values.ts";

/** LockTimeout, MaxTimeMSExpired, WriteConflict, ExceededTimeLimit. */
const BUSY = new Set([24, 50, 112, 262]);

const fieldOf = (error: object, name: string): unknown => (name in error ? Reflect.get(error, name) : undefined);

/**
 * The driver puts the command or its answer on its errors, and a server quotes what was to be stored (a duplicate key, a command that is not permitted): of what a server has said, only the number and its
 * name are told, to logs neither.
 */
function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const code = fieldOf(error, "code");
  const isAnswer = typeof code === "number";
  const name = fieldOf(error, "codeName");
  const cause = new Error(isAnswer ? `error ${code}${typeof name === "string" ? ` (${name})` : ""}` : error.message);
  cause.name = error.name;
  if (!isAnswer && error.stack !== undefined) cause.stack = error.stack;
  if (code !== undefined) Object.assign(cause, { code });
  return cause;
}

/** What an operation rejects with: a mistake of the caller or of the operator as it is, anything else as what it is, a failure. */
export function failure(error: unknown): Error {
  if (error instanceof WrongParameter || error instanceof ConfigError || error instanceof Unavailable) return error;
  const cause = causeOf(error);
  const code = fieldOf(cause, "code");
  const isBusy = typeof code === "number" && BUSY.has(code);
  return new Unavailable(`MongoDB failed: ${cause.message}`, { cause, ...(isBusy && { reason: "busy", retryAfter: 1 }) });
}
