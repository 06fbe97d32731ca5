/** Setting the factor up: a number is named, a code goes there, and the code comes back. @module */
import {
  type Context,
  page,
  type Reply,
  redirect,
  refuse,
  refuseFields,
  showOn,
  subjectOfUser,
  textField,
  type User,
} from "@castellan/core";
import type { Finding } from "./codes.ts";
import { maskNumber, readNumber } from "./numbers.ts";
import { smsConfirmView, smsSetupView } from "./pages.ts";
import { codeFields, METHOD, minutesOf, numberOf, onward, type Parts, paths } from "./parts.ts";

const PURPOSE = "sms/setup";

/** GET and POST `/2fa/sms/setup` and `/2fa/sms/confirm`, and POST `/2fa/sms/confirm/send`. */
export function setUpRoutes({ core, desk, settings, codes }: Parts): void {
  const { storer } = core;
  const { countries, numberFor } = settings;
  const fields = {
    phone_number: textField({
      label: "sms.number",
      type: "tel",
      inputmode: "tel",
      autocomplete: "tel",
      ...(countries?.length !== 1 && { hint: "sms.number.international" }),
    }),
  };

  /** Whoever may set this factor up here. */
  const adding = async (ctx: Context): Promise<{ readonly ok: User } | { readonly refused: Reply }> => {
    const may = await desk.flows.adding(ctx);
    return "ok" in may && numberOf(may.ok) !== null ? { refused: refuse(409, "sms_set_up_already") } : may;
  };

  /** A number from the application, which may hand over anything in plain JavaScript. */
  const proposedFor = (user: User): Record<string, string> => {
    const number: unknown = numberFor(user);
    return typeof number === "string" && number !== "" ? { phone_number: number } : {};
  };

  const setupData = async (ctx: Context, user: User) => ({ fields, waiting: (await codes.waiting(ctx, user, PURPOSE)) !== null });

  const confirmData = async (ctx: Context, user: User) => {
    const waiting = await codes.waiting(ctx, user, PURPOSE);
    return { fields: codeFields, number: waiting && maskNumber(waiting.number), minutes: minutesOf(settings) };
  };

  core.route("GET", paths.setup, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    if ("refused" in may) return may.refused;
    return page(smsSetupView, await setupData(ctx, may.ok), { values: proposedFor(may.ok) });
  });

  core.route("POST", paths.setup, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    if ("refused" in may) return may.refused;
    const user = may.ok;
    const answer = await core.read(fields, ctx);
    const again = async (reply: Reply): Promise<Reply> => showOn(reply, smsSetupView, await setupData(ctx, user), answer.preserved);
    if (!answer.ok) return again(refuseFields(answer.problems));
    const number = await readNumber(answer.values.phone_number, countries);
    if ("problem" in number) return again(refuseFields([{ field: "phone_number", reason: number.problem }]));
    const problem = await codes.send(ctx, { user, number: number.ok, purpose: PURPOSE });
    return problem ? again(problem) : redirect(onward(core, ctx, paths.confirm), { reason: "sms_sent" });
  });

  core.route("GET", paths.confirm, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    return "refused" in may ? may.refused : page(smsConfirmView, await confirmData(ctx, may.ok));
  });

  core.route("POST", paths.confirmSend, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    if ("refused" in may) return may.refused;
    const user = may.ok;
    const waiting = await codes.waiting(ctx, user, PURPOSE);
    const problem = waiting ? await codes.send(ctx, { user, number: waiting.number, purpose: PURPOSE }) : refuse(409, "code_expired");
    if (problem) return showOn(problem, smsConfirmView, await confirmData(ctx, user));
    return redirect(onward(core, ctx, paths.confirm), { reason: "sms_sent" });
  });

  core.route("POST", paths.confirm, async (ctx): Promise<Reply> => {
    const may = await adding(ctx);
    if ("refused" in may) return may.refused;
    const user = may.ok;
    const answer = await core.read(codeFields, ctx);
    const again = async (reply: Reply): Promise<Reply> => showOn(reply, smsConfirmView, await confirmData(ctx, user));
    const not = (reason: string): Promise<Reply> => again(refuse(401, reason, { problems: [{ field: "code", reason }] }));
    if (!answer.ok) return again(refuseFields(answer.problems));
    // Without a code there is nothing to guess, and no try to spend.
    if (!(await codes.waiting(ctx, user, PURPOSE))?.canBeTried) return not("code_expired");
    const seen: { finding: Finding } = { finding: { kind: "expired" } };
    const verdict = await core.attempt(ctx, subjectOfUser(user), METHOD, async () => {
      seen.finding = await codes.look(ctx, { user, number: null, purpose: PURPOSE }, answer.values.code);
      return seen.finding.kind === "right";
    });
    const { finding } = seen;
    if ("refused" in verdict) {
      const { refused } = verdict;
      if (refused.kind !== "refusal" || refused.reason !== "invalid_credentials") return again(refused);
      return not(finding.kind === "wrong" ? "code_invalid" : "code_expired");
    }
    if (finding.kind !== "right") return not("code_expired");
    const { number } = finding;
    const enable = (epoch: number, recoveryCodes: readonly string[] | null) => storer.enableSms(user.pid, epoch, number, recoveryCodes);
    return desk.flows.add(ctx, { user, proof: verdict.ok, enable });
  });
}
