/** Second factors as small as they can be, made from the public interface alone: a code that is the same for everybody. @module */
import {
  type Core,
  challenging,
  defineModule,
  defineView,
  type FieldSet,
  html,
  type Module,
  type Needs,
  page,
  type Reply,
  redirect,
  refuse,
  refuseFields,
  type SmsOperations,
  type SmsUser,
  showOn,
  smsable,
  subjectOfUser,
  type TotpOperations,
  type TotpUser,
  totpable,
  type View,
} from "@castellan/core";
import { codeField, factorDesk, otherWays, type SecondFactor } from "@castellan/twofactor";

export const PIN = "271828";
export const CARD = "314159";

type FactorStorer = Needs<TotpUser & SmsUser, TotpOperations & SmsOperations>;

/** What differs between the two: how they are kept, and their code. */
interface Kind extends Pick<SecondFactor, "isSetUp" | "strength" | "detail" | "disable"> {
  readonly code: string;
  readonly enable: (pid: string, epoch: number, codes: readonly string[] | null, now: Date) => Promise<number | null>;
}

const fields = { code: codeField("factor.code") };

const formView = (name: string, path: string): View<{ readonly fields: FieldSet }> =>
  defineView(name, {
    title: "factor.title",
    body: (data, tools) => html`${tools.form({ action: path, fields: data.fields, submit: "factor.submit" })}${otherWays(tools)}`,
  });

export interface FactorHooks {
  /** Runs before each look at a code. */
  evaluating?: () => void;
  /** What `offer` answers. */
  offered?: () => string | null;
}

function factorModule(method: string, hooks: FactorHooks, kindOf: (storer: FactorStorer) => Kind): Module<FactorStorer, object> {
  const paths = { validate: `/2fa/${method}/validate`, setup: `/2fa/${method}/setup`, remove: `/2fa/${method}/remove` };
  const validateView = formView(`${method}/validate`, paths.validate);
  const setupView = formView(`${method}/setup`, paths.setup);
  const removeView: View<object> = defineView(`${method}/remove`, {
    title: "factor.title",
    body: (_data, { form }) => html`${form({ action: paths.remove, fields: {}, submit: "factor.submit" })}`,
  });
  return defineModule({
    name: method,
    requires: [totpable, smsable, challenging],
    needs: ["twofactor"],
    reasons: ["not_sent"],
    texts: {
      "factor.code": "Code",
      "factor.title": "Your code",
      "factor.submit": "Go on",
      [`${method}.name`]: `Name of ${method}`,
      "reason.not_sent": "It could not be sent.",
    },
    start(core: Core<FactorStorer>) {
      const kind = kindOf(core.storer);
      const desk = factorDesk(core);
      const { isSetUp, strength, detail, disable } = kind;
      const factor: SecondFactor = {
        method,
        label: `${method}.name`,
        paths,
        isSetUp,
        strength,
        detail,
        disable,
        offer: async () => hooks.offered?.() ?? null,
      };
      desk.register(core, factor);

      core.route("GET", paths.setup, async (ctx): Promise<Reply> => {
        const may = await desk.flows.adding(ctx);
        return "refused" in may ? may.refused : page(setupView, { fields });
      });
      core.route("POST", paths.setup, async (ctx): Promise<Reply> => {
        const may = await desk.flows.adding(ctx);
        if ("refused" in may) return may.refused;
        const answer = await core.read(fields, ctx);
        if (!answer.ok) return showOn(refuseFields(answer.problems), setupView, { fields });
        const user = may.ok;
        const verdict = await core.attempt(ctx, subjectOfUser(user), method, async () => answer.values.code === kind.code);
        if ("refused" in verdict) return showOn(verdict.refused, setupView, { fields });
        const enable = (epoch: number, codes: readonly string[] | null) => kind.enable(user.pid, epoch, codes, core.clock.now());
        return desk.flows.add(ctx, { user, proof: verdict.ok, enable });
      });

      core.route("GET", paths.validate, async (ctx): Promise<Reply> => {
        const asked = await desk.flows.asked(ctx);
        return "refused" in asked ? asked.refused : page(validateView, { fields: desk.flows.answerFields(asked.ok, fields) });
      });
      core.route("POST", paths.validate, async (ctx): Promise<Reply> => {
        const asked = await desk.flows.asked(ctx);
        if ("refused" in asked) return asked.refused;
        const again = (reply: Reply): Reply => showOn(reply, validateView, { fields: desk.flows.answerFields(asked.ok, fields) });
        const answer = await core.read(fields, ctx);
        if (!answer.ok) return again(refuseFields(answer.problems));
        const check = async (): Promise<boolean> => {
          hooks.evaluating?.();
          return answer.values.code === kind.code;
        };
        return desk.flows.answer(ctx, asked.ok, { method, check, again });
      });

      core.route("GET", paths.remove, async (ctx): Promise<Reply> => {
        const may = await desk.flows.removing(ctx, factor);
        return "refused" in may ? may.refused : page(removeView, {});
      });
      core.route("POST", paths.remove, async (ctx): Promise<Reply> => {
        const may = await desk.flows.removing(ctx, factor);
        return "refused" in may ? may.refused : desk.flows.remove(ctx, may.ok, factor);
      });

      // Half a sign-in, as a remember-me cookie makes one.
      if (method === "pin") {
        core.route("POST", "/half", async (ctx): Promise<Reply> => {
          const { login } = Object.fromEntries(ctx.body);
          const verdict = await core.attempt(ctx, await core.subject(String(login)), "remember", async () => true);
          if ("refused" in verdict) return verdict.refused;
          const current = await core.establishHalf(ctx, verdict.ok, { to: "/", remember: false });
          return current ? redirect("/") : refuse(401, "invalid_credentials");
        });
      }
      return {};
    },
  });
}

/** The stronger one. */
export const pin = (hooks: FactorHooks = {}) =>
  factorModule("pin", hooks, (storer) => ({
    code: PIN,
    strength: 20,
    // Core has checked the field: this storer loads it.
    isSetUp: (user) => (user as TotpUser).totpEnabledAt !== null,
    detail: () => null,
    enable: (pid, epoch, codes, now) => storer.enableTotp(pid, epoch, { secret: "sealed", step: 1, enabledAt: now }, codes),
    disable: ({ pid, epoch }) => storer.disableTotp(pid, epoch),
  }));

/** The weaker one. */
export const card = (hooks: FactorHooks = {}) =>
  factorModule("card", hooks, (storer) => ({
    code: CARD,
    strength: 10,
    // As above.
    isSetUp: (user) => (user as SmsUser).smsNumber !== null,
    detail: () => "… 67",
    enable: (pid, epoch, codes) => storer.enableSms(pid, epoch, "+41791234567", codes),
    disable: ({ pid, epoch }) => storer.disableSms(pid, epoch),
  }));
