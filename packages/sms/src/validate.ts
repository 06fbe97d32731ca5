/** Giving the factor: at a sign-in that waits, or once more. @module */
import { type Context, page, type Reply, redirect, refuse, refuseFields, showOn } from "@castellan/core";
import type { Asked } from "@castellan/twofactor";
import type { Finding, Purpose } from "./codes.ts";
import { maskNumber } from "./numbers.ts";
import { type SmsValidateData, smsValidateView } from "./pages.ts";
import { codeFields, METHOD, minutesOf, numberOf, onward, type Parts, paths } from "./parts.ts";

const purposeOf = ({ kind }: Asked): Purpose => (kind === "login" ? "sms/login" : "sms/again");

type WithNumber = { readonly asked: Asked; readonly number: string };

/** GET and POST `/2fa/sms/validate`, and POST `/2fa/sms/send`. */
export function validateRoutes({ core, desk, settings, codes }: Parts): void {
  /** Who is asked here and has this factor. */
  const askedByNumber = async (ctx: Context): Promise<{ readonly ok: WithNumber } | { readonly refused: Reply }> => {
    const asked = await desk.flows.asked(ctx);
    if ("refused" in asked) return asked;
    const number = numberOf(asked.ok.user);
    return number === null ? { refused: refuse(409, "factor_not_set_up") } : { ok: { asked: asked.ok, number } };
  };

  const canBeTried = async (ctx: Context, asked: Asked): Promise<boolean> =>
    (await codes.waiting(ctx, asked.user, purposeOf(asked)))?.canBeTried ?? false;

  const dataFor = ({ asked, number }: WithNumber, sent: boolean): SmsValidateData => ({
    fields: desk.flows.answerFields(asked, codeFields),
    number: maskNumber(number),
    minutes: minutesOf(settings),
    sent,
  });

  core.route("GET", paths.validate, async (ctx): Promise<Reply> => {
    const who = await askedByNumber(ctx);
    if ("refused" in who) return who.refused;
    return page(smsValidateView, dataFor(who.ok, await canBeTried(ctx, who.ok.asked)));
  });

  core.route("POST", paths.send, async (ctx): Promise<Reply> => {
    const who = await askedByNumber(ctx);
    if ("refused" in who) return who.refused;
    const { asked, number } = who.ok;
    const problem = await codes.send(ctx, { user: asked.user, number, purpose: purposeOf(asked) });
    if (problem) return showOn(problem, smsValidateView, dataFor(who.ok, await canBeTried(ctx, asked)));
    return redirect(onward(core, ctx, paths.validate), { reason: "sms_sent" });
  });

  core.route("POST", paths.validate, async (ctx): Promise<Reply> => {
    const who = await askedByNumber(ctx);
    if ("refused" in who) return who.refused;
    const { asked, number } = who.ok;
    const data = dataFor(who.ok, await canBeTried(ctx, asked));
    const fields = desk.flows.answerFields(asked, codeFields);
    const answer = await core.read(fields, ctx);
    const again = (reply: Reply): Reply => showOn(reply, smsValidateView, data, answer.preserved);
    if (!answer.ok) return again(refuseFields(answer.problems));
    // Without a code there is nothing to guess, and no try to spend.
    if (!data.sent) return again(refuse(401, "code_expired", { problems: [{ field: "code", reason: "code_expired" }] }));
    const seen: { finding: Finding } = { finding: { kind: "expired" } };
    return desk.flows.answer(ctx, asked, {
      method: METHOD,
      again,
      whyNot: () => (seen.finding.kind === "wrong" ? "code_invalid" : "code_expired"),
      check: async (user) => {
        seen.finding = await codes.look(ctx, { user, number, purpose: purposeOf(asked) }, answer.values.code);
        return seen.finding.kind === "right";
      },
    });
  });
}
