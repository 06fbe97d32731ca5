/** Signing in with a password. @module */

import {
  type AuthingServerStorer,
  authable,
  type Context,
  type Core,
  type Duration,
  defineModule,
  flagField,
  type Module,
  minutes,
  type Outcome,
  page,
  type Reply,
  refuse,
  refuseFields,
  type Subject,
  secretField,
  showOn,
  textField,
  type User,
  type Verdict,
} from "@castellan/core";
import type { Request } from "express";
import { changePasswordRoutes, tellOfChanges } from "./change-password.ts";
import { tellOfNewBrowsers } from "./new-browser.ts";
import { type LoginPageData, loginView } from "./pages.ts";
import { reauthenticateRoutes } from "./reauthenticate.ts";
import { authTexts } from "./texts.ts";

export { changePasswordView, passwordChangedMail } from "./change-password.ts";
export { newBrowserMail } from "./new-browser.ts";
export { type LoginPageData, loginView } from "./pages.ts";
export { reauthenticateView } from "./reauthenticate.ts";

export interface AuthOptions {
  /** Where a sign-in leads when no page was wanted: a path of the application. @default "/" */
  readonly afterLogin?: string;
  /** Whether there is a page to change the password. @default true */
  readonly changePassword?: boolean;
  /** Where a change of password leads: a path of the application. @default "/" */
  readonly afterChangePassword?: string;
  /** How fresh the sign-in must be to change the password. @default minutes(30) */
  readonly recent?: Duration;
  /** Whether the owner is told by mail of a sign-in from a browser that the account was never used in. Needs the option `mail`. @default false */
  readonly tellOfNewBrowsers?: boolean;
}

const DEFAULTS = {
  afterLogin: "/",
  changePassword: true,
  afterChangePassword: "/",
  recent: minutes(30),
  tellOfNewBrowsers: false,
} as const satisfies Required<AuthOptions>;

/** What somebody typed to sign in. */
export interface Credentials {
  /** E-mail address or user name. */
  readonly login: string;
  readonly password: string;
}

/** What an application can do without the routes. */
export interface AuthApi {
  /**
   * Checks credentials as the login page does: limits, one hash whoever it is, one answer for everything that is wrong. Signs nobody in, and does not ask the
   * guards of the channel `login`: a disabled user with the right password is `ok`. With `req`, attempts are counted by network too.
   */
  authenticate(credentials: Credentials, req?: Request): Promise<Outcome<User>>;
  /** The same, and signs in the browser that sent `req`, through the same guards as the login page. The application answers. */
  login(credentials: Credentials & { readonly remember?: boolean }, req: Request): Promise<Outcome<User>>;
}

/** The module: GET and POST `/login`, `/reauthenticate` and `/password`. */
export function auth(options: AuthOptions = {}): Module<AuthingServerStorer, AuthApi> {
  const settings = { ...DEFAULTS, ...options };
  return defineModule({
    name: "auth",
    requires: [authable],
    reasons: ["signed_in", "proved_again", "password_changed"],
    texts: authTexts,
    start: (core: Core<AuthingServerStorer>) => start(core, settings),
  });
}

const fieldsFor = ({ identifier }: Core) => ({
  login: textField({ name: identifier.field, label: identifier.label, type: identifier.type, autocomplete: "username" }),
  password: secretField({ label: "field.password", autocomplete: "current-password" }),
  remember: flagField({ label: "auth.remember" }),
});

function start(core: Core<AuthingServerStorer>, settings: Required<AuthOptions>): AuthApi {
  const { afterLogin } = settings;
  const fields = fieldsFor(core);
  const { remember: _, ...unremembered } = fields;
  // A box that does nothing is a lie: it is there only where something remembers.
  const data = (): LoginPageData => ({ fields: core.isLoaded("remember") ? fields : unremembered });

  const check = async ({ login, password }: Credentials, ctx: Context | null): Promise<{ subject: Subject; verdict: Verdict }> => {
    const subject = await core.subject(login);
    return { subject, verdict: await core.attempt(ctx, subject, "password", () => core.checkPassword(subject, password)) };
  };

  core.route("GET", "/login", () => page(loginView, data()));

  core.route("POST", "/login", async (ctx): Promise<Reply> => {
    const answer = await core.read(fields, ctx);
    if (!answer.ok) return showOn(refuseFields(answer.problems), loginView, data(), answer.preserved);
    const { verdict } = await check(answer.values, ctx);
    if ("refused" in verdict) return showOn(verdict.refused, loginView, data(), answer.preserved);
    const intent = core.intent(ctx, afterLogin, answer.values.remember);
    return showOn(await core.login(ctx, verdict.ok, intent, "auth"), loginView, data(), answer.preserved);
  });

  reauthenticateRoutes(core, settings);
  if (settings.changePassword) changePasswordRoutes(core, settings);
  tellOfChanges(core);
  if (settings.tellOfNewBrowsers) tellOfNewBrowsers(core);

  return {
    async authenticate(credentials, req) {
      await core.ready();
      const { subject, verdict } = await check(credentials, req ? core.contextOf(req) : null);
      if ("refused" in verdict) return verdict;
      return subject.kind === "known" ? { ok: subject.user } : { refused: refuse(401, "invalid_credentials") };
    },
    async login({ remember = false, ...credentials }, req) {
      await core.ready();
      const ctx = core.contextOf(req);
      const { verdict } = await check(credentials, ctx);
      if ("refused" in verdict) return verdict;
      return core.signIn(ctx, verdict.ok, { to: afterLogin, remember }, "auth");
    },
  };
}
