/** Errors of providers as they may stand in a log. @module */

const DEEPEST = 4;
const LONGEST = 300;

const textAt = (error: object, name: string): string | null => {
  const value: unknown = Reflect.get(error, name);
  return typeof value === "string" && value !== "" ? value : null;
};
const statusAt = (error: object, name: string): string | null => {
  const value: unknown = Reflect.get(error, name);
  return Number.isSafeInteger(value) ? `status ${value}` : null;
};

/**
 * What kind of error it is: `code` of Node and openid-client; `error` and its description of a provider (RFC 6749, 5.2); the status of its answer. A parser quotes what it could not read, and that may be
 * a token.
 */
function wordsOf(error: object): string {
  if (error instanceof SyntaxError) return "it could not be parsed";
  const texts = ["message", "code", "error", "error_description"].map((name) => textAt(error, name));
  const words = [...texts, ...["status", "statusCode"].map((name) => statusAt(error, name))];
  return [...new Set(words.filter((word) => word !== null))].join(": ").slice(0, LONGEST);
}

/** What lies under an error; strategies keep what the client told them as `oauthError`, which need be no error. */
const causeOf = (error: object): unknown => Reflect.get(error, "cause") ?? Reflect.get(error, "oauthError");

const framesOf = (error: object): string[] => (textAt(error, "stack") ?? "").split("\n").filter((line) => line.startsWith("    at "));

/**
 * What went wrong and where, and nothing of what was sent or said besides: openid-client keeps claims, and what was expected in their place, with its errors; strategies keep whole answers.
 */
export function withoutData(error: unknown, depth = 0): Error {
  if (typeof error !== "object" || error === null)
    return new Error(`what was thrown is no error: ${error === null ? "null" : typeof error}`);
  const cause = causeOf(error);
  const inner = typeof cause === "object" && cause !== null && depth < DEEPEST ? { cause: withoutData(cause, depth + 1) } : {};
  const told = new Error(wordsOf(error), inner);
  told.name = textAt(error, "name") ?? "Error";
  told.stack = [`${told.name}: ${told.message}`, ...framesOf(error)].join("\n");
  return told;
}
