/** Codes of an authenticator app as second factor (TOTP, RFC 6238). @module */
import {
  type ChallengeOperations,
  type Core,
  challenging,
  defineModule,
  type Module,
  type Needs,
  page,
  type Reply,
  refuse,
  refuseFields,
  showOn,
  type TotpOperations,
  type TotpUser,
  totpable,
  type User,
} from "@castellan/core";
import { codeField, factorDesk, type SecondFactor } from "@castellan/twofactor";
import { stepOf } from "./codes.ts";
import { removeView, validateView } from "./pages.ts";
import { METHOD, renewSeal, secretOf } from "./secrets.ts";
import { settingsFrom, type TotpOptions } from "./settings.ts";
import { setupRoutes } from "./setup.ts";
import { totpReasons, totpTexts } from "./texts.ts";

export * from "./pages.ts";
export type { TotpOptions } from "./settings.ts";

export type TotpModuleStorer = Needs<TotpUser, ChallengeOperations & TotpOperations>;

/** What an application can do without the routes. */
export interface TotpApi {
  /** Whether codes of an app are asked for at this user's sign-ins. */
  isSetUp(user: User): boolean;
}

/** The module: GET and POST `/2fa/totp/setup`, `/2fa/totp/confirm`, `/2fa/totp/validate` and `/2fa/totp/remove`. Needs the module `twofactor`. */
export function totp(options: TotpOptions = {}): Module<TotpModuleStorer, TotpApi> {
  return defineModule({
    name: "totp",
    requires: [totpable, challenging],
    needs: ["twofactor"],
    reasons: totpReasons,
    texts: totpTexts,
    start: (core: Core<TotpModuleStorer>) => start(core, options),
  });
}

const PATHS = { validate: "/2fa/totp/validate", setup: "/2fa/totp/setup", remove: "/2fa/totp/remove" } as const;
const STRENGTH = 20;
const FIELDS = { code: codeField("totp.code") };

/** Core has checked that users of this storer have the field; the type of a user in a handler does not say so. */
const isSetUp = (user: User & Partial<TotpUser>): boolean => (user.totpEnabledAt ?? null) !== null;

function start(core: Core<TotpModuleStorer>, options: TotpOptions): TotpApi {
  const settings = settingsFrom(options, core.applicationName);
  const { storer, clock } = core;
  const desk = factorDesk(core);
  const factor: SecondFactor = {
    method: METHOD,
    label: "totp.name",
    strength: STRENGTH,
    paths: PATHS,
    isSetUp,
    detail: () => null,
    // The app has the code already.
    offer: async () => null,
    disable: ({ pid, epoch }) => storer.disableTotp(pid, epoch),
  };
  desk.register(core, factor);
  setupRoutes(core, settings, factor);

  core.route("GET", PATHS.validate, async (ctx): Promise<Reply> => {
    const asked = await desk.flows.asked(ctx);
    return "refused" in asked ? asked.refused : page(validateView, { fields: desk.flows.answerFields(asked.ok, FIELDS) });
  });

  core.route("POST", PATHS.validate, async (ctx): Promise<Reply> => {
    const asked = await desk.flows.asked(ctx);
    if ("refused" in asked) return asked.refused;
    const fields = desk.flows.answerFields(asked.ok, FIELDS);
    const answer = await core.read(fields, ctx);
    const again = (reply: Reply): Reply => showOn(reply, validateView, { fields }, answer.preserved);
    if (!answer.ok) return again(refuseFields(answer.problems));
    const { pid } = asked.ok.user;
    const secret = await secretOf(core, pid);
    if (!secret && isSetUp(asked.ok.user)) return again(refuse(503, "totp_unreadable"));
    let wasUsed = false;
    return desk.flows.answer(ctx, asked.ok, {
      method: METHOD,
      again,
      check: async () => {
        const step = secret && (await stepOf(secret.text, answer.values.code, { clock, acceptNext: settings.acceptNext }));
        if (!secret || step === null) return false;
        const isAccepted = await storer.acceptTotpStep(pid, secret.sealed, step);
        wasUsed = !isAccepted;
        return isAccepted;
      },
      whyNot: () => (wasUsed ? "code_used" : "code_invalid"),
      accepted: () => (secret ? renewSeal(core, pid, secret) : Promise.resolve()),
    });
  });

  core.route("GET", PATHS.remove, async (ctx): Promise<Reply> => {
    const may = await desk.flows.removing(ctx, factor);
    return "refused" in may ? may.refused : page(removeView, {});
  });

  core.route("POST", PATHS.remove, async (ctx): Promise<Reply> => {
    const may = await desk.flows.removing(ctx, factor);
    return "refused" in may ? may.refused : desk.flows.remove(ctx, may.ok, factor);
  });

  return { isSetUp };
}
