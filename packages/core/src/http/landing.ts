/** The landing of a mailed link: takes the token out of the address bar, and keeps it for the form that spends it. A GET changes nothing. @module */
import { type Reply, redirect } from "../replies.ts";
import { minutes } from "../time.ts";
import type { Context } from "./context.ts";

const COOKIE = "link";
const SECONDS = minutes(30) / 1000;
const LONGEST = 200;

interface Kept {
  readonly path: string;
  readonly token: string;
}

/** Whoever asks for what follows shall not learn the address, and no search engine is to keep it. */
function tellNobody(ctx: Context, hasToken: boolean): void {
  ctx.headers.set("x-robots-tag", "noindex");
  // A browser without Fetch Metadata would send `Origin: null` with the form of such a page, which stands for a foreign one. The page's own address is clean.
  if (hasToken || ctx.req.headers["sec-fetch-site"] !== undefined) ctx.headers.set("referrer-policy", "no-referrer");
}

/** With a token in its query, a GET of `path` is answered by the same address without it. `null` where there is none. */
export function takeTokenAway(ctx: Context, path: string): Reply | null {
  const { url } = ctx.req;
  const tokens = url.includes("?") ? new URLSearchParams(url.slice(url.indexOf("?"))).getAll("token") : [];
  tellNobody(ctx, tokens.length > 0);
  const [token] = tokens;
  if (token === undefined) return null;
  // Two of them are no link of ours, and must not stay in the address either.
  const kept: Kept = { path, token: tokens.length === 1 ? token.slice(0, LONGEST) : "" };
  ctx.cookies.put(COOKIE, JSON.stringify(kept), { maxAge: SECONDS });
  return redirect(path);
}

/** The token that the form of `path` sent, or that was taken out of the address before. */
export function tokenOfLink(ctx: Context, path: string): string | null {
  tellNobody(ctx, false);
  const sent = ctx.body.get("token");
  if (typeof sent === "string" && sent !== "") return sent;
  const text = ctx.cookies.get(COOKIE);
  if (text === null) return null;
  const kept = JSON.parse(text) as Kept; // sealed by `takeTokenAway`
  return kept.path === path && kept.token !== "" ? kept.token : null;
}

/** It was spent, or is worthless. */
export const forgetLink = (ctx: Context): void => ctx.cookies.delete(COOKIE);
