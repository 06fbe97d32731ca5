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

/** With a token in its query, a GET of `path` is answered by the same address without it. `null` where there is none. */
export function takeTokenAway(ctx: Context, path: string): Reply | null {
  const token = ctx.query("token");
  if (token === null) return null;
  // Whoever is asked for pictures or links of the page that follows shall not read the address.
  ctx.res.setHeader("referrer-policy", "no-referrer");
  const kept: Kept = { path, token: token.slice(0, LONGEST) };
  ctx.cookies.put(COOKIE, JSON.stringify(kept), { maxAge: SECONDS });
  return redirect(path);
}

/** The token that the form of `path` sent, or that was taken out of the address before. */
export function tokenOfLink(ctx: Context, path: string): string | null {
  const sent = ctx.body.get("token");
  if (typeof sent === "string" && sent !== "") return sent;
  const text = ctx.cookies.get(COOKIE);
  if (text === null) return null;
  const kept = JSON.parse(text) as Kept; // sealed by `takeTokenAway`
  return kept.path === path ? kept.token : null;
}

/** It was spent, or is worthless. */
export const forgetLink = (ctx: Context): void => ctx.cookies.delete(COOKIE);
