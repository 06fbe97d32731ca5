/** Reads the session cookies of nim-httpauth, for a site that moves from there: its people stay signed in until their first visit here. @module */
import { ConfigError } from "@castellan/core";

const KEY_BYTES = 32;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const LONGEST = 4096;
const SIGN = "session|";
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const MISSING = "readHttpauthCookie needs a package that knows XSalsa20-Poly1305: run `npm install @noble/ciphers`";

/**
 * Whom a cookie of nim-httpauth names: XSalsa20-Poly1305 with a random nonce in front, as base64url text, of `session|` and the name. `key`: its `session_key`, 32 bytes. `null` for whatever is not one; never
 * throws for what a browser brings. Such a cookie has no end and cannot be taken back: give whoever brings one a sign-in of ours, and remove it. Throws a {@link ConfigError} for a wrong key, or when
 * `@noble/ciphers` is not installed.
 */
export async function readHttpauthCookie(value: string | null | undefined, key: string | Uint8Array): Promise<string | null> {
  const bytes = typeof key === "string" ? Buffer.from(key) : key;
  if (bytes?.length !== KEY_BYTES)
    throw new ConfigError([`readHttpauthCookie: the key must have ${KEY_BYTES} bytes, as nim-httpauth's \`session_key\` has`]);
  const { xsalsa20poly1305 } = await import("@noble/ciphers/salsa.js").catch(() => {
    throw new ConfigError([MISSING]);
  });
  if (typeof value !== "string" || value.length > LONGEST || !/^[\w-]+={0,2}$/.test(value)) return null;
  const sealed = Buffer.from(value, "base64url");
  if (sealed.length < NONCE_BYTES + TAG_BYTES + SIGN.length) return null;
  try {
    // Strictly: two names that are no UTF-8 must not become one.
    const text = UTF8.decode(xsalsa20poly1305(bytes, sealed.subarray(0, NONCE_BYTES)).decrypt(sealed.subarray(NONCE_BYTES)));
    // Its mailed tokens are sealed by the same key: they are no sessions.
    return text.startsWith(SIGN) && text.length > SIGN.length ? text.slice(SIGN.length) : null;
  } catch {
    // The tag does not fit (damaged, made up, of another key), or it is no text.
    return null;
  }
}
