/** What a log may hear of a mail that was not sent: mail servers repeat addresses and links in what they answer. @module */

const DEEPEST = 3;

/** Addresses, web addresses, and whatever is long enough to be a token. */
const PRIVATE = /[^\s<>"'(),;:]+@[^\s<>"'(),;]+|https?:\/\/\S+|[\w-]{32,}/g;

const withoutPrivate = (text: string): string => text.replace(PRIVATE, "[removed]");

/** The same error with neither address nor token in its words. Where it came from stays. */
export function discreet(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return withoutPrivate(String(error));
  const copy = new Error(withoutPrivate(String(error.message)));
  copy.name = withoutPrivate(String(error.name));
  copy.stack = typeof error.stack === "string" ? withoutPrivate(error.stack) : "";
  if (error.cause !== undefined && depth < DEEPEST) copy.cause = discreet(error.cause, depth + 1);
  return copy;
}
