/** Leads to what has to be done first. @module */
import { type Context, type Core, type Reply, redirect, refuse } from "@castellan/core";

/** A browser is sent there and told why; a JSON client gets 403 with the place in `location`. */
export function detour(core: Core, ctx: Context, path: string, reason: string): Reply {
  const location = core.path(path);
  return ctx.json ? refuse(403, reason, { location }) : redirect(location, { reason, flash: "failure" });
}
