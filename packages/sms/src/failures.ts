/** What may be told of a failed sending. @module */

const DEEPEST = 4;

/**
 * The error for a log, without `words` (a code, a number) that whoever threw it may have quoted, and without its other properties: those of an HTTP client hold the request, with its
 * credentials and its text.
 */
export function withoutWords(error: unknown, words: readonly string[], depth = 0): Error {
  const clean = (text: string): string =>
    words.reduce((rest, word) => rest.replaceAll(word, "…").replaceAll(encodeURIComponent(word), "…"), text);
  if (!(error instanceof Error)) return new Error(`something was thrown that is no error: ${clean(String(error))}`);
  const { name, message, stack, cause } = error;
  const deeper = cause !== undefined && depth < DEEPEST;
  const told = new Error(clean(String(message)), deeper ? { cause: withoutWords(cause, words, depth + 1) } : undefined);
  told.name = clean(String(name));
  if (typeof stack === "string") told.stack = clean(stack);
  return told;
}
