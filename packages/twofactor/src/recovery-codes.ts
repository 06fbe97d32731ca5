/** Recovery codes: made, counted, replaced and used. @module */
import {
  type Core,
  digest,
  page,
  type RecoveryCodeServerStorer,
  type Reply,
  randomCode,
  readCode,
  redirect,
  refuse,
  refuseFields,
  showOn,
  textField,
  type User,
} from "@castellan/core";
import { useRecoveryCode } from "./channels.ts";
import type { FactorDesk } from "./factors.ts";
import { codesReplacedMail, recoveryUsedMail } from "./mails.ts";
import { recoveryView, regenerateView } from "./pages.ts";
import type { TwoFactorSettings } from "./settings.ts";

/** How many codes there are after they were made. */
export const CODES = 10;
export const RECOVERY = "recovery";
export const RECOVERY_PATH = "/2fa/recovery";
const REGENERATE_PATH = "/2fa/recovery/regen";
const PURPOSE = "recovery code";

/** New codes: what is shown once, and what is stored. */
export interface NewCodes {
  readonly shown: readonly string[];
  readonly hashes: readonly string[];
}

export interface RecoveryCodes {
  make(): NewCodes;
  left(user: User): Promise<number>;
}

export function recoveryCodesOf({ storer, random }: Core<RecoveryCodeServerStorer>): RecoveryCodes {
  return {
    make() {
      const shown = Array.from({ length: CODES }, () => randomCode(random));
      return { shown, hashes: shown.map((code) => digest(PURPOSE, readCode(code) ?? "")) };
    },
    left: ({ pid }) => storer.countRecoveryCodes(pid),
  };
}

const FIELDS = {
  code: textField({ name: "recovery_code", label: "twofactor.recovery.code", autocomplete: "off", preserve: false }),
};

/** GET and POST `/2fa/recovery` (in place of the factor) and `/2fa/recovery/regen` (new ones). */
export function recoveryRoutes(
  core: Core<RecoveryCodeServerStorer>,
  desk: FactorDesk,
  codes: RecoveryCodes,
  { recent }: TwoFactorSettings,
): void {
  const { storer } = core;
  core.challenges.counts(RECOVERY, () => false);

  core.route("GET", RECOVERY_PATH, async (ctx): Promise<Reply> => {
    const asked = await desk.flows.asked(ctx);
    if ("refused" in asked) return asked.refused;
    return page(recoveryView, { fields: desk.flows.answerFields(asked.ok, FIELDS) });
  });

  core.route("POST", RECOVERY_PATH, async (ctx): Promise<Reply> => {
    const asked = await desk.flows.asked(ctx);
    if ("refused" in asked) return asked.refused;
    const data = { fields: desk.flows.answerFields(asked.ok, FIELDS) };
    const answer = await core.read(data.fields, ctx);
    const again = (reply: Reply): Reply => showOn(reply, recoveryView, data, answer.preserved);
    if (!answer.ok) return again(refuseFields(answer.problems));
    const signs = readCode(answer.values.code);
    let left: number | null = null;
    return desk.flows.answer(ctx, asked.ok, {
      method: RECOVERY,
      field: "recovery_code",
      again,
      check: async ({ pid }) => {
        // Asked for in any case: what cannot be a code is a try like any other.
        left = await storer.consumeRecoveryCode(pid, digest(PURPOSE, signs ?? ""));
        return signs !== null && left !== null;
      },
      accepted: async (user) => {
        await core.emit.after(useRecoveryCode, { user, ctx, left: left ?? 0 });
        await core.tell(recoveryUsedMail, { left: left ?? 0, network: ctx.network }, user, ctx);
      },
    });
  });

  core.route("GET", REGENERATE_PATH, async (ctx): Promise<Reply> => {
    const [refused, current] = [await core.mustBe(ctx, { level: "full", twoFactored: true, within: recent }), await ctx.current()];
    if (refused || !current) return refused ?? redirect(core.path("/login"));
    return page(regenerateView, { left: await codes.left(current.user), codes: null });
  });

  core.route("POST", REGENERATE_PATH, async (ctx): Promise<Reply> => {
    const options = { level: "full", twoFactored: true, within: recent } as const;
    const [refused, current] = [await core.mustBe(ctx, options, {}), await ctx.current()];
    if (refused || !current) return refused ?? redirect(core.path("/login"));
    const { user } = current;
    // Without a factor nobody is ever asked for one.
    if (desk.of(user).length === 0) return refuse(409, "factor_not_set_up");
    const fresh = codes.make();
    if (!(await storer.replaceRecoveryCodes(user.pid, user.epoch, fresh.hashes))) return refuse(409, "account_changed");
    await core.tell(codesReplacedMail, {}, user, ctx);
    return page(regenerateView, { left: fresh.shown.length, codes: fresh.shown }, { reason: "recovery_codes_replaced" });
  });
}
