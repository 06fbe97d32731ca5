/** What somebody had typed into a form that was not carried out because a proof was too old: shown again when they come back, and never replayed. @module */
import { after, minutes } from "../time.ts";
import type { Context } from "./context.ts";

const COOKIE = "form";
const LASTS = minutes(15);
/** A cookie of more than 4,096 bytes is dropped by browsers; sealing makes a third more of it. */
const LONGEST = 2_400;

interface Kept {
  readonly path: string;
  readonly pid: string;
  readonly values: Readonly<Record<string, string>>;
  /** In milliseconds since 1970. A browser may keep a cookie for longer than it was told. */
  readonly until: number;
}

/** Keeps `values` for the form at `path`, for this user alone, in the place of what was kept. Too much of it is not kept at all. Never to be given a secret. */
export function keepForm(ctx: Context, path: string, pid: string, values: Readonly<Record<string, string>>): void {
  const kept: Kept = { path, pid, values, until: after(ctx.now(), LASTS).getTime() };
  const text = JSON.stringify(kept);
  if (Object.keys(values).length > 0 && Buffer.byteLength(text) <= LONGEST) ctx.cookies.put(COOKIE, text, { maxAge: LASTS / 1000 });
  else if (ctx.cookies.get(COOKIE) !== null) ctx.cookies.delete(COOKIE);
}

/** What was kept for the form at the path of this request, once. Nothing for anybody else. */
export async function takeForm(ctx: Context): Promise<Readonly<Record<string, string>>> {
  const text = ctx.cookies.get(COOKIE);
  if (text === null) return {};
  const kept = JSON.parse(text) as Kept; // sealed by `keepForm`
  if (kept.path !== pathOf(ctx.req.originalUrl)) return {};
  ctx.cookies.delete(COOKIE);
  if (ctx.now().getTime() >= kept.until) return {};
  return kept.pid === (await ctx.current())?.user.pid ? kept.values : {};
}

/** A path without its query. */
export const pathOf = (target: string): string => target.replace(/[?#].*$/s, "");
