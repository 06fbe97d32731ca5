/** Making one-time passwords, and throwing them away. @module */
import {
  type Context,
  type Core,
  type Current,
  type Duration,
  digest,
  type OneTimePasswordServerStorer,
  page,
  type Reply,
  type RequireOptions,
  randomCode,
  readCode,
  redirect,
  refuse,
  showOn,
} from "@castellan/core";
import { addedMail, addView, clearedMail, clearView } from "./pages.ts";

/** The method of the proofs, and what the sign-ins come by. */
export const METHOD = "otp";
const ADD_PATH = "/otp/add";
const CLEAR_PATH = "/otp/clear";

/** What is stored in place of the signs: nobody can find 130 random bits from their hash. */
export const storedForm = (signs: string): string => digest("one-time password", signs);

export interface ManageSettings {
  readonly most: number;
  readonly recent: Duration;
}

type Allowed = { readonly ok: Current } | { readonly refused: Reply };

/** GET and POST `/otp/add` and `/otp/clear`, for whoever is signed in in full. */
export function manageRoutes(core: Core<OneTimePasswordServerStorer>, { most, recent }: ManageSettings): void {
  const { storer, random } = core;

  const allowed = async (ctx: Context, options: RequireOptions): Promise<Allowed> => {
    const [refused, current] = [await core.mustBe(ctx, options, {}), await ctx.current()];
    return refused || !current ? { refused: refused ?? redirect(core.path("/login")) } : { ok: current };
  };

  /** Whoever may make one: it is a way in, so it takes every proof that the account has. */
  const adding = async (ctx: Context): Promise<Allowed> => {
    const first = await allowed(ctx, { level: "full", within: recent });
    // With the first factor alone a stolen session, or a browser that is not asked for the second one, would make a way in that lasts.
    if ("refused" in first || !core.challenges.hasFactor(first.ok.user)) return first;
    return allowed(ctx, { level: "full", twoFactored: true, within: recent });
  };

  core.route("GET", ADD_PATH, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    if ("refused" in may) return may.refused;
    return page(addView, { password: null, count: await storer.countOneTimePasswords(may.ok.user.pid), most });
  });

  core.route("POST", ADD_PATH, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    if ("refused" in may) return may.refused;
    const { user } = may.ok;
    const password = randomCode(random);
    const count = await storer.addOneTimePassword(user.pid, user.epoch, storedForm(readCode(password) ?? ""), most);
    if (count === null) {
      const live = await storer.countOneTimePasswords(user.pid);
      const reason = live < most ? "account_changed" : "one_time_passwords_full";
      return showOn(refuse(409, reason), addView, { password: null, count: live, most });
    }
    await core.tell(addedMail, { count, network: ctx.network }, user, ctx);
    return page(addView, { password, count, most });
  });

  core.route("GET", CLEAR_PATH, async (ctx): Promise<Reply> => {
    const may = await allowed(ctx, { level: "full" });
    if ("refused" in may) return may.refused;
    return page(clearView, { count: await storer.countOneTimePasswords(may.ok.user.pid) });
  });

  core.route("POST", CLEAR_PATH, async (ctx): Promise<Reply> => {
    const may = await allowed(ctx, { level: "full" });
    if ("refused" in may) return may.refused;
    const { user } = may.ok;
    const cleared = await storer.clearOneTimePasswords(user.pid);
    if (cleared > 0) await core.tell(clearedMail, { network: ctx.network }, user, ctx);
    return redirect(core.path(CLEAR_PATH), { reason: "one_time_passwords_cleared" });
  });
}
