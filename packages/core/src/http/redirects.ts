/** The one function that accepts a redirect target from a request. @module */

const BASE = "http://castellan.invalid";
const LONGEST_TARGET = 2000;

/**
 * A path of this origin (with its query), as the URL parser of browsers reads it; `null` for anything else. The text must start with one `/`, hold no
 * backslash and no control character, and still be of the same origin when parsed (WHATWG URL).
 */
export function safeTarget(text: unknown): string | null {
  if (typeof text !== "string" || text.length > LONGEST_TARGET) return null;
  if (!text.startsWith("/") || text.startsWith("//") || /[\\\u0000-\u0020\u007f]/.test(text)) return null;
  const parsed = URL.canParse(text, BASE) ? new URL(text, BASE) : null;
  if (parsed?.origin !== BASE) return null;
  const target = parsed.pathname + parsed.search;
  // Dot segments may have brought two slashes to the front: that would be another host.
  return target.startsWith("//") ? null : target;
}
