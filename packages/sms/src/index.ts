/** Codes by text message as second factor. @module */
import { ConfigError, type Core, challenging, defineModule, type Module, page, type Reply, type SmsUser, smsable } from "@castellan/core";
import { factorDesk, type SecondFactor } from "@castellan/twofactor";
import { codesOf } from "./codes.ts";
import { maskNumber } from "./numbers.ts";
import { smsRemoveView } from "./pages.ts";
import { METHOD, numberOf, type Parts, paths } from "./parts.ts";
import { setUpRoutes } from "./set-up.ts";
import { type SmsOptions, type SmsSettings, settingsFrom } from "./settings.ts";
import type { SmsModuleStorer } from "./storer.ts";
import { smsReasons, smsTexts } from "./texts.ts";
import { validateRoutes } from "./validate.ts";

export * from "./pages.ts";
export type { SmsAllCountriesOptions, SmsCommonOptions, SmsCountriesOptions, SmsOptions } from "./settings.ts";
export type { SmsModuleStorer } from "./storer.ts";
export { type TwilioOptions, twilioSender } from "./twilio.ts";

/** Below an app on the person's own device (20): numbers are taken over, and messages read on the way. */
const STRENGTH = 10;

/** What an application can do without the routes. */
export interface SmsApi {
  /** The user's number as people may see it, for example `+41 ••• ••67`; `null` for none. */
  numberOf(user: SmsUser): string | null;
}

/** The module: below `/2fa/sms`, a code by text message as second factor. Needs the module `twofactor`, and the gate's option `sms`. */
export function sms(options: SmsOptions): Module<SmsModuleStorer, SmsApi> {
  return defineModule({
    name: "sms",
    requires: [smsable, challenging],
    needs: ["twofactor"],
    reasons: smsReasons,
    texts: smsTexts,
    start: (core: Core<SmsModuleStorer>) => start(core, settingsFrom(options)),
  });
}

function start(core: Core<SmsModuleStorer>, settings: SmsSettings): SmsApi {
  const { storer } = core;
  if (core.sms.problem !== undefined) throw new ConfigError([core.sms.problem]);
  const desk = factorDesk(core);
  const codes = codesOf(core, settings);
  const masked = (number: string | null): string | null => number && maskNumber(number);
  const factor: SecondFactor = {
    method: METHOD,
    label: "sms.name",
    strength: STRENGTH,
    paths,
    isSetUp: (user) => numberOf(user) !== null,
    detail: (user) => masked(numberOf(user)),
    async offer(ctx, user) {
      const number = numberOf(user);
      const problem = number === null ? null : await codes.send(ctx, { user, number, purpose: "sms/login" });
      return problem?.reason ?? null;
    },
    disable: ({ pid, epoch }) => storer.disableSms(pid, epoch),
  };
  desk.register(core, factor);

  const parts: Parts = { core, desk, settings, codes };
  setUpRoutes(parts);
  validateRoutes(parts);

  core.route("GET", paths.remove, async (ctx): Promise<Reply> => {
    const may = await desk.flows.removing(ctx, factor);
    return "refused" in may ? may.refused : page(smsRemoveView, { number: masked(numberOf(may.ok)) ?? "" });
  });

  core.route("POST", paths.remove, async (ctx): Promise<Reply> => {
    const may = await desk.flows.removing(ctx, factor);
    return "refused" in may ? may.refused : desk.flows.remove(ctx, may.ok, factor);
  });

  return { numberOf: ({ smsNumber }) => masked(smsNumber) };
}
