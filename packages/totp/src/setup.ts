/** Setting the factor up: a secret waits, sealed, in this browser session until a code confirms it. @module */
import {
  type Challenge,
  type Context,
  type Core,
  minutes,
  page,
  type Reply,
  redirect,
  refuse,
  refuseFields,
  showOn,
  subjectOfUser,
  type User,
} from "@castellan/core";
import { codeField, factorDesk, type SecondFactor } from "@castellan/twofactor";
import { linkFor, newSecret, pictureOf, stepOf } from "./codes.ts";
import type { TotpModuleStorer } from "./index.ts";
import { type ConfirmData, confirmView, setupView } from "./pages.ts";
import { METHOD, seal } from "./secrets.ts";
import type { TotpSettings } from "./settings.ts";

const SETUP = "/2fa/totp/setup";
const CONFIRM = "/2fa/totp/confirm";
/** The purpose of the challenge, and of its seal: what waits here cannot be put into the user's row, nor the other way round. */
const WAITING = "totp/setup";
const LASTS = minutes(15);
const TRIES = 5;

const FIELDS = { code: codeField("totp.code") };

/** GET and POST `/2fa/totp/setup` and `/2fa/totp/confirm`. */
export function setupRoutes(core: Core<TotpModuleStorer>, settings: TotpSettings, factor: SecondFactor): void {
  const { storer, clock, random, keys, challenges } = core;
  const desk = factorDesk(core);

  const adding = async (ctx: Context): Promise<{ readonly ok: User } | { readonly refused: Reply }> => {
    const may = await desk.flows.adding(ctx);
    return "ok" in may && factor.isSetUp(may.ok) ? { refused: refuse(409, "totp_set_up") } : may;
  };

  const secretIn = ({ pid, data }: Challenge, user: User): string | null => (pid === user.pid ? keys.open(WAITING, pid, data) : null);

  const dataOf = async (secret: string, user: User): Promise<ConfirmData> => {
    const uri = await linkFor(secret, settings.issuer, user.login);
    return { secret, uri, picture: await pictureOf(uri), fields: FIELDS };
  };

  const beginAgain = async (ctx: Context): Promise<Reply> => {
    await challenges.consume(ctx, WAITING);
    if (ctx.json) return refuse(410, "totp_setup_expired", { location: core.path(SETUP) });
    return redirect(core.path(SETUP), { reason: "totp_setup_expired", flash: "failure" });
  };

  core.route("GET", SETUP, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    if ("refused" in may) return may.refused;
    const waiting = await challenges.find(ctx, WAITING);
    return page(setupView, { waiting: waiting !== null && waiting.triesLeft > 0 && secretIn(waiting, may.ok) !== null });
  });

  core.route("POST", SETUP, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    if ("refused" in may) return may.refused;
    const user = may.ok;
    const data = keys.seal(WAITING, user.pid, await newSecret(random));
    await challenges.make(ctx, { user, purpose: WAITING, data, tries: TRIES, lasts: LASTS });
    return redirect(core.path(CONFIRM));
  });

  core.route("GET", CONFIRM, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    if ("refused" in may) return may.refused;
    const waiting = await challenges.find(ctx, WAITING);
    const secret = waiting && waiting.triesLeft > 0 ? secretIn(waiting, may.ok) : null;
    return secret === null ? beginAgain(ctx) : page(confirmView, await dataOf(secret, may.ok));
  });

  core.route("POST", CONFIRM, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    if ("refused" in may) return may.refused;
    const user = may.ok;
    const answer = await core.read(FIELDS, ctx);
    if (!answer.ok) {
      const waiting = await challenges.find(ctx, WAITING);
      const secret = waiting && secretIn(waiting, user);
      return secret ? showOn(refuseFields(answer.problems), confirmView, await dataOf(secret, user)) : beginAgain(ctx);
    }
    const tried = await challenges.admitTry(ctx, WAITING);
    const secret = tried && secretIn(tried, user);
    if (!secret) return beginAgain(ctx);
    let step: number | null = null;
    const verdict = await core.attempt(ctx, subjectOfUser(user), METHOD, async () => {
      step = await stepOf(secret, answer.values.code, { clock, acceptNext: settings.acceptNext });
      return step !== null;
    });
    if ("refused" in verdict || step === null) {
      if (tried.triesLeft === 0) return beginAgain(ctx);
      const wrong = "refused" in verdict && verdict.refused.reason !== "invalid_credentials" ? verdict.refused : null;
      const problem = refuse(401, "code_invalid", { problems: [{ field: "code", reason: "code_invalid" }] });
      return showOn(wrong ?? problem, confirmView, await dataOf(secret, user));
    }
    // The first of parallel answers turns it on; for the others there is nothing to confirm any more.
    if (!(await challenges.consume(ctx, WAITING))) return beginAgain(ctx);
    const totp = { secret: seal(core, user.pid, secret), step, enabledAt: clock.now() };
    return desk.flows.add(ctx, {
      user,
      proof: verdict.ok,
      enable: (epoch, codes) => storer.enableTotp(user.pid, epoch, totp, codes),
    });
  });
}
