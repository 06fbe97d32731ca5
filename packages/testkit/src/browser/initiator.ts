/** What a browser says about where a request comes from: Origin, Referer and Fetch Metadata. @module */
import type { HeaderLines } from "./exchange.ts";

/** The page that causes a request. */
export interface Initiator {
  /** For example `https://app.example.com`; `"null"` for a page without an origin, such as a sandboxed frame. */
  readonly origin: string;
  /** The page's address, `null` if it is not known. */
  readonly url: string | null;
  /** The page's Referrer-Policy; `""` for the browser's own. */
  readonly referrerPolicy: string;
}

/** How a request is made: by going somewhere, by a script of a page, or by a program that is no browser. */
export type Mode = "navigate" | "fetch" | "bare";

export type Site = "none" | "same-origin" | "same-site" | "cross-site";

const isBelow = (one: string, other: string): boolean => one === other || one.endsWith(`.${other}`);

/** How two origins stand to each other. Without the list of public suffixes, a host and the hosts below it count as one site. */
function relation(from: string, to: URL): Site {
  if (from === to.origin) return "same-origin";
  if (from === "null") return "cross-site";
  const source = new URL(from);
  const related = isBelow(source.hostname, to.hostname) || isBelow(to.hostname, source.hostname);
  return related && source.protocol === to.protocol ? "same-site" : "cross-site";
}

const DISTANCE: Readonly<Record<Site, number>> = { none: 0, "same-origin": 0, "same-site": 1, "cross-site": 2 };

/** The value of Sec-Fetch-Site after all hops of a chain of redirects: the farthest counts. */
export function siteOf(initiator: Initiator | null, hops: readonly URL[]): Site {
  if (initiator === null) return "none";
  const relations = hops.map((hop) => relation(initiator.origin, hop));
  return relations.reduce((farthest, next) => (DISTANCE[next] > DISTANCE[farthest] ? next : farthest), "same-origin");
}

/** Browsers send Fetch Metadata to addresses that they trust only. */
const isTrustworthy = ({ protocol, hostname }: URL): boolean =>
  protocol === "https:" || hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");

export function fetchMetadata(mode: Mode, site: Site, url: URL): HeaderLines {
  if (!isTrustworthy(url)) return [];
  if (mode === "fetch") {
    return [
      ["Sec-Fetch-Site", site],
      ["Sec-Fetch-Mode", "cors"],
      ["Sec-Fetch-Dest", "empty"],
    ];
  }
  return [
    ["Sec-Fetch-Site", site],
    ["Sec-Fetch-Mode", "navigate"],
    ["Sec-Fetch-User", "?1"],
    ["Sec-Fetch-Dest", "document"],
  ];
}

/**
 * The Origin header of an unsafe request. A page whose policy is `no-referrer` sends `null`, to its own origin too: that is
 * what the Fetch standard says ("append a request Origin header") and what surprises many checks.
 */
export function originHeader(initiator: Initiator, mode: Mode, url: URL): string {
  const { origin, referrerPolicy } = initiator;
  if (mode === "fetch") return origin;
  if (referrerPolicy === "no-referrer") return "null";
  const leaves = origin !== url.origin;
  if (leaves && referrerPolicy === "same-origin") return "null";
  return leaves && origin.startsWith("https:") && url.protocol === "http:" ? "null" : origin;
}

/** The Referer header; `null` for none. */
export function refererHeader({ origin, url: from, referrerPolicy }: Initiator, url: URL): string | null {
  const isSame = origin === url.origin;
  if (referrerPolicy === "no-referrer" || origin === "null" || (referrerPolicy === "same-origin" && !isSame)) return null;
  if (origin.startsWith("https:") && url.protocol === "http:") return null;
  const short = !isSame || referrerPolicy === "origin" || referrerPolicy === "strict-origin";
  return short || from === null ? `${origin}/` : (from.split("#")[0] ?? null);
}
