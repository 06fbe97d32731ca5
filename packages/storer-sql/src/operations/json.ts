/** What is kept as JSON text, looked at before it is believed: a row may have been changed by hand. @module */
import { Unavailable } from "@castellan/core";

/** What `text`, of `column`, says. Throws `Unavailable` for what this package has not written, and quotes none of it: it may be anybody's address. */
export function storedIn<T>(column: string, text: string, isRight: (value: unknown) => value is T): T {
  const value = parsed(text);
  if (isRight(value)) return value;
  throw new Unavailable(`a row holds in ${column} what @castellan/storer-sql has not written there: put right what was changed by hand`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((text) => typeof text === "string");

/** Core looks at the values where they are asked for. */
export const isProfile = (value: unknown): value is Record<string, string> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
