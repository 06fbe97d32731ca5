/** Signing out. @module */

import {
  type Context,
  type Core,
  defineModule,
  defineView,
  html,
  type Module,
  page,
  type Reply,
  redirect,
  type ServerStorer,
  type Texts,
  type View,
} from "@castellan/core";
import type { Request } from "express";

export interface LogoutOptions {
  /** Where a sign-out leads: a path of the application. @default "/" */
  readonly afterLogout?: string;
  /**
   * Also signs out on GET, so that any page, mail or prefetching browser can sign people out. @default false
   */
  readonly dangerouslyAllowGet?: boolean;
}

const DEFAULTS = { afterLogout: "/", dangerouslyAllowGet: false } as const satisfies Required<LogoutOptions>;

/** What an application can do without the routes. */
export interface LogoutApi {
  /** Signs out the browser that sent `req`. Answers a reply when a guard refused, `null` when it is done. The application answers. */
  logout(req: Request): Promise<Reply | null>;
}

const texts: Texts = {
  "logout.title": "Sign out",
  "logout.submit": "Sign out",
  "logout.question": "Do you want to sign out on this device?",
  "reason.signed_out": "You are signed out.",
};

/** Asks before it signs out: a link may lead here, and a GET changes nothing. */
export const logoutView: View<object> = defineView<object>("logout/confirm", {
  title: "logout.title",
  body: (_data, { t, form }) => html`<p>${t("logout.question")}</p>${form({ action: "/logout", fields: {}, submit: "logout.submit" })}`,
});

/** The module: POST and DELETE `/logout`, and GET for the question. */
export function logout(options: LogoutOptions = {}): Module<ServerStorer, LogoutApi> {
  const settings = { ...DEFAULTS, ...options };
  return defineModule({
    name: "logout",
    requires: [],
    reasons: ["signed_out"],
    texts,
    start: (core: Core) => start(core, settings),
  });
}

function start(core: Core, { afterLogout, dangerouslyAllowGet }: Required<LogoutOptions>): LogoutApi {
  const signOut = async (ctx: Context): Promise<Reply> => {
    const refused = await core.logout(ctx);
    if (refused) return refused;
    // Whatever the browser kept of signed-in pages goes too. Cookies are not named: that would reach sibling hosts.
    ctx.res.setHeader("clear-site-data", '"cache", "storage"');
    return redirect(ctx.redir ?? afterLogout, { reason: "signed_out" });
  };
  core.route("GET", "/logout", (ctx) => (dangerouslyAllowGet ? signOut(ctx) : page(logoutView, {})));
  core.route("POST", "/logout", signOut);
  core.route("DELETE", "/logout", signOut);
  return {
    async logout(req) {
      await core.ready();
      return core.logout(core.contextOf(req));
    },
  };
}
