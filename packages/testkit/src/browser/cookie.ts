/** One cookie: read from a Set-Cookie header as RFC 6265bis says, with the reason where a browser would refuse it. @module */

export type SameSite = "strict" | "lax" | "none";

export interface Cookie {
  readonly name: string;
  readonly value: string;
  /** The host, or the domain if `hostOnly` is false. */
  readonly domain: string;
  readonly hostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  /** `lax` where the header says nothing. */
  readonly sameSite: SameSite;
  /** `null` for one that ends with the browser. */
  readonly expiresAt: Date | null;
}

/** Where a cookie comes from. */
export interface CookieSource {
  readonly host: string;
  readonly path: string;
  /** Whether the browser takes the connection for a secure one. */
  readonly secure: boolean;
  readonly now: Date;
}

const LONGEST_PAIR = 4_096;
const LONGEST_LIFE_MS = 400 * 86_400_000;
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** The path of a cookie that names none: everything up to the last slash of the request's path (RFC 6265bis, 5.1.4). */
const defaultPath = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/";

/** Whether `host` is `domain` or below it. */
export const domainMatches = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`);

/** Whether a cookie of `cookiePath` goes with a request for `path` (RFC 6265bis, 5.1.4). */
export const pathMatches = (path: string, cookiePath: string): boolean =>
  path === cookiePath || (path.startsWith(cookiePath) && (cookiePath.endsWith("/") || path[cookiePath.length] === "/"));

const split = (text: string, separator: string): readonly [string, string | null] => {
  const position = text.indexOf(separator);
  return position < 0 ? [text.trim(), null] : [text.slice(0, position).trim(), text.slice(position + 1).trim()];
};

/** The end of a cookie's life: Max-Age wins over Expires, and nothing lives longer than 400 days. */
function endOf(maxAge: string | undefined, expires: string | undefined, now: Date): Date | null {
  const latest = now.getTime() + LONGEST_LIFE_MS;
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) {
    const seconds = Number(maxAge);
    return new Date(seconds <= 0 ? 0 : Math.min(now.getTime() + seconds * 1_000, latest));
  }
  const moment = expires === undefined ? Number.NaN : Date.parse(expires);
  return Number.isNaN(moment) ? null : new Date(Math.min(moment, latest));
}

const sameSiteOf = (text: string | undefined): SameSite => {
  const word = text?.toLowerCase();
  return word === "strict" || word === "none" ? word : "lax";
};

/** Why a browser would not take the cookie; `null` if it would. */
function refusal(cookie: Cookie, source: CookieSource, attributes: ReadonlyMap<string, string>): string | null {
  const { name, value, domain, secure, sameSite } = cookie;
  const prefix = name.toLowerCase();
  if (name === "" && value === "") return "it has neither name nor value";
  if (Buffer.byteLength(name + value) > LONGEST_PAIR) return `name and value are longer than ${LONGEST_PAIR} bytes`;
  if (CONTROL.test(name + value)) return "it has control characters";
  if (!domainMatches(source.host, domain)) return `its Domain ${domain} is not that of ${source.host}`;
  if (secure && !source.secure) return "it is Secure, and the connection is not";
  if (sameSite === "none" && !secure) return "SameSite=None needs Secure";
  if (prefix.startsWith("__secure-") && !secure) return "__Secure- needs Secure";
  if (prefix.startsWith("__host-") && !(secure && attributes.get("path") === "/" && !attributes.has("domain"))) {
    return "__Host- needs Secure, Path=/ and no Domain";
  }
  return null;
}

/** Reads a Set-Cookie header. */
export function readSetCookie(header: string, source: CookieSource): { readonly cookie: Cookie; readonly refused: string | null } {
  const [pair = "", ...rest] = header.split(";");
  const [left, right] = split(pair, "=");
  const [name, value] = right === null ? ["", left] : [left, right];
  const attributes = new Map(
    rest.map((part) => {
      const [attribute, text] = split(part, "=");
      return [attribute.toLowerCase(), text ?? ""];
    }),
  );
  const domain = attributes.get("domain")?.replace(/^\./, "").toLowerCase();
  const path = attributes.get("path");
  const cookie: Cookie = {
    name,
    value,
    domain: domain || source.host,
    hostOnly: !domain,
    path: path?.startsWith("/") ? path : defaultPath(source.path),
    secure: attributes.has("secure"),
    httpOnly: attributes.has("httponly"),
    sameSite: sameSiteOf(attributes.get("samesite")),
    expiresAt: endOf(attributes.get("max-age"), attributes.get("expires"), source.now),
  };
  return { cookie, refused: refusal(cookie, source, attributes) };
}
