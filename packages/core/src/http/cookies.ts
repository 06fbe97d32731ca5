/** Reading and writing cookies (RFC 6265bis), for requests that mostly have none. @module */
import type { ServerResponse } from "node:http";

/**
 * The value of a cookie as it came; `null` when there is none, or when it came twice (a sibling host may have planted one). Values are our own
 * base64url and dots, so nothing is decoded.
 */
export function readCookie(header: string | undefined, name: string): string | null {
  if (!header?.includes(name)) return null;
  let found: string | null = null;
  for (let [start, end] = [0, 0]; start < header.length; start = end + 1) {
    const semicolon = header.indexOf(";", start);
    end = semicolon < 0 ? header.length : semicolon;
    const at = header.indexOf("=", start);
    if (at < 0 || at >= end || trimmed(header.slice(start, at)) !== name) continue;
    // Came twice: nobody can say which one is meant.
    if (found !== null) return null;
    found = unquoted(trimmed(header.slice(at + 1, end)));
  }
  return found;
}

/**
 * Without blanks around it, as browsers trim (RFC 6265bis, 5.6). `trim()` would take U+00A0 too: a sibling host could then plant a name that is no `__Host-` name to a
 * browser, and becomes one here.
 */
function trimmed(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isBlank(text[start])) start += 1;
  while (start < end && isBlank(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

const isBlank = (character: string | undefined): boolean => character === " " || character === "\t";

const unquoted = (value: string): string => (value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value);

export interface CookieAttributes {
  /** In seconds. Without it the cookie ends with the browser session; 0 removes it. */
  readonly maxAge?: number;
  readonly secure: boolean;
  readonly sameSite?: "Lax" | "Strict";
}

/** A Set-Cookie line: HttpOnly, `Path=/`, no Domain, `SameSite=Lax` unless said otherwise. */
export function cookieLine(name: string, value: string, { maxAge, secure, sameSite = "Lax" }: CookieAttributes): string {
  const parts = [`${name}=${value}`, "Path=/", "HttpOnly", `SameSite=${sameSite}`];
  if (secure) parts.push("Secure");
  if (maxAge !== undefined) parts.push(`Max-Age=${Math.floor(maxAge)}`);
  if (maxAge === 0) parts.push("Expires=Thu, 01 Jan 1970 00:00:00 GMT");
  return parts.join("; ");
}

/** Puts a cookie on the response, in place of one of the same name that was put there before. */
export function setCookie(res: ServerResponse, name: string, line: string): void {
  const before = res.getHeader("set-cookie");
  const lines =
    before === undefined ? [] : (Array.isArray(before) ? before : [String(before)]).filter((other) => !other.startsWith(`${name}=`));
  res.setHeader("set-cookie", [...lines, line]);
}
