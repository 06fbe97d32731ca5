/** The cookies of a browser: which it keeps, and which it sends where. @module */
import { type Clock, systemClock } from "@castellan/core";
import { type Cookie, domainMatches, pathMatches, readSetCookie } from "./cookie.ts";

export interface CookieJarOptions {
  /**
   * Whether Secure cookies are kept and sent though the address begins with `http:`, as if TLS ended in front of the application.
   * @default false
   */
  readonly secureOrigin?: boolean;
  /** What cookies expire by. @default systemClock */
  readonly clock?: Clock;
}

/** How a request came about, as far as SameSite asks. */
export interface SendContext {
  /** Whether another site's page caused it. */
  readonly crossSite?: boolean;
  /** Whether it loads a page by GET or HEAD, so that Lax cookies go with it from another site too. */
  readonly safeNavigation?: boolean;
}

export interface CookieJar {
  /** The cookies that are alive, in the order in which they were first set. */
  readonly cookies: readonly Cookie[];
  /** The Set-Cookie headers that a browser would have refused, with the reason. */
  readonly refused: readonly { readonly header: string; readonly reason: string }[];
  /** The living cookie `name`, of whatever host and path. */
  get(name: string): Cookie | null;
  /** Takes in the Set-Cookie headers of an answer from `url`. */
  store(url: URL, headers: readonly string[]): void;
  /** The Cookie header of a request to `url`; `null` when none goes with it. */
  headerFor(url: URL, context?: SendContext): string | null;
  /** Puts a cookie in as it is: one that was stolen, or made up. Replaces one of the same name, domain and path. */
  put(cookie: Cookie): void;
  /** Removes every cookie `name`. */
  delete(name: string): void;
  /** Removes all that end with the browser, as closing it does. */
  closeBrowser(): void;
  /** A jar of its own with the same cookies. */
  copy(): CookieJar;
}

const identity = ({ name, domain, path }: Cookie): string => [domain, path, name].join("\n");

export const isSecureUrl = (url: URL): boolean => url.protocol === "https:";

export function cookieJar(options: CookieJarOptions = {}): CookieJar {
  const { secureOrigin = false, clock = systemClock } = options;
  const kept = new Map<string, Cookie>();
  const refused: { header: string; reason: string }[] = [];
  const isSecure = (url: URL) => secureOrigin || isSecureUrl(url);
  const isAlive = ({ expiresAt }: Cookie) => expiresAt === null || expiresAt > clock.now();
  const alive = () => [...kept.values()].filter(isAlive);
  const removeWhere = (condition: (cookie: Cookie) => boolean) => {
    for (const [key, cookie] of kept) if (condition(cookie)) kept.delete(key);
  };

  /** An insecure connection must not write over a Secure cookie of the same name (RFC 6265bis, 5.7). */
  const hidesSecure = (cookie: Cookie, url: URL) =>
    !isSecure(url) &&
    alive().some(
      (other) =>
        other.secure &&
        other.name === cookie.name &&
        (domainMatches(other.domain, cookie.domain) || domainMatches(cookie.domain, other.domain)) &&
        pathMatches(cookie.path, other.path),
    );

  const goesWith = (cookie: Cookie, url: URL, { crossSite = false, safeNavigation = false }: SendContext) => {
    const { domain, hostOnly, path, secure, sameSite } = cookie;
    if (hostOnly ? url.hostname !== domain : !domainMatches(url.hostname, domain)) return false;
    if (!pathMatches(url.pathname, path) || (secure && !isSecure(url))) return false;
    return !crossSite || sameSite === "none" || (sameSite === "lax" && safeNavigation);
  };

  const jar: CookieJar = {
    get cookies() {
      return alive();
    },
    get refused() {
      return [...refused];
    },
    get: (name) => alive().find((cookie) => cookie.name === name) ?? null,
    store: (url, headers) => {
      for (const header of headers) {
        const source = { host: url.hostname, path: url.pathname, secure: isSecure(url), now: clock.now() };
        const read = readSetCookie(header, source);
        const reason = read.refused ?? (hidesSecure(read.cookie, url) ? "a Secure cookie of that name is there" : null);
        if (reason) refused.push({ header, reason });
        else jar.put(read.cookie);
      }
    },
    headerFor: (url, context = {}) => {
      const sent = alive().filter((cookie) => goesWith(cookie, url, context));
      // Longer paths first; among equals the older first, which sorting leaves as it is.
      sent.sort((one, other) => other.path.length - one.path.length);
      return sent.length === 0 ? null : sent.map(({ name, value }) => (name === "" ? value : `${name}=${value}`)).join("; ");
    },
    put: (cookie) => {
      if (isAlive(cookie)) kept.set(identity(cookie), cookie);
      else kept.delete(identity(cookie));
    },
    delete: (name) => removeWhere((cookie) => cookie.name === name),
    closeBrowser: () => removeWhere(({ expiresAt }) => expiresAt === null),
    copy: () => {
      const other = cookieJar(options);
      for (const cookie of kept.values()) other.put(cookie);
      return other;
    },
  };
  return jar;
}
