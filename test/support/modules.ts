/** Small modules that tests put beside those of the suite, made from the public interface alone. @module */
import {
  authable,
  type Context,
  type Core,
  challenging,
  type Duration,
  defineModule,
  defineView,
  html,
  login,
  minutes,
  page,
  type Reply,
  redirect,
  refuse,
  secretField,
  showOn,
  subjectOfUser,
  type User,
  type View,
} from "@castellan/core";
import type { TestModule } from "./doors.ts";
import type { DoorStorer } from "./storers.ts";

const text = (ctx: Context, name: string): string => {
  const value = ctx.body.get(name) ?? ctx.query(name);
  return typeof value === "string" ? value : "";
};

const proofOf = async (core: Core<DoorStorer>, ctx: Context, login: string, method: string) =>
  core.attempt(ctx, await core.subject(login), method, async () => true);

/** Routes to the doors that no module of the suite leads to yet: half a sign-in, a step up, a change of password. */
export const doorways = (): TestModule =>
  defineModule<DoorStorer, object>({
    name: "doorways",
    requires: [authable],
    reasons: [],
    texts: {},
    start(core) {
      // As a remember-me cookie would.
      core.route("GET", "/remembered", async (ctx): Promise<Reply> => {
        const verdict = await proofOf(core, ctx, text(ctx, "login"), "remember");
        if ("refused" in verdict) return verdict.refused;
        const user = await core.establishHalf(ctx, verdict.ok, { to: "/", remember: false });
        return user ? redirect("/") : refuse(401, "invalid_credentials");
      });
      core.route("POST", "/step-up", async (ctx): Promise<Reply> => {
        const current = await ctx.current();
        if (!current) return refuse(401, "login_required");
        const subject = subjectOfUser(current.user);
        const verdict = await core.attempt(ctx, subject, "password", () => core.checkPassword(subject, text(ctx, "password")));
        if ("refused" in verdict) return verdict.refused;
        const outcome = await core.stepUp(ctx, verdict.ok);
        return "refused" in outcome ? outcome.refused : redirect("/", { reason: "signed_in" });
      });
      core.route("POST", "/password", async (ctx): Promise<Reply> => {
        const current = await ctx.current();
        if (!current) return refuse(401, "login_required");
        const outcome = await core.changePassword(ctx, current.user.pid, { from: text(ctx, "from"), to: text(ctx, "to") });
        return "refused" in outcome ? outcome.refused : redirect("/");
      });
      return {};
    },
  });

export const PIN = "271828";

const fields = { pin: secretField({ label: "pin.label", autocomplete: "one-time-code" }) };
const pinView: View<{ readonly fields: typeof fields }> = defineView("pin/form", {
  title: "pin.title",
  body: (_data, { form }) => html`${form({ action: "/pin", fields, submit: "pin.submit" })}`,
});

export interface PinOptions {
  /** Who has a pin. @default everybody */
  readonly has?: (user: User) => boolean;
  readonly tries?: number;
  readonly lasts?: Duration;
  /** Runs before each look at a pin. */
  readonly evaluating?: () => void | Promise<void>;
}

/** A second factor as small as one can be: six digits that are the same for everybody. */
export const pin = ({ has = () => true, tries = 5, lasts = minutes(10), evaluating = () => {} }: PinOptions = {}): TestModule =>
  defineModule<DoorStorer, object>({
    name: "pin",
    requires: [challenging],
    reasons: ["pin_required"],
    texts: { "pin.title": "Your pin", "pin.label": "Pin", "pin.submit": "Go on", "reason.pin_required": "Type your pin." },
    start(core) {
      core.challenges.counts("pin", has);
      core.on(login).before("challenge", (event) => (has(event.user) ? core.challenges.pend(event, "/pin", { tries, lasts }) : null));
      core.route(
        "GET",
        "/pin",
        async (ctx): Promise<Reply> => ((await core.challenges.pending(ctx)) ? page(pinView, { fields }) : refuse(401, "login_expired")),
      );
      core.route("POST", "/pin", async (ctx): Promise<Reply> => {
        const answer = await core.read(fields, ctx);
        if (!answer.ok) return refuse(422, "invalid_fields");
        const pending = await core.challenges.tryPending(ctx);
        if (!pending) return refuse(401, "login_expired");
        const verdict = await core.attempt(ctx, subjectOfUser(pending.user), "pin", async () => {
          await evaluating();
          return answer.values.pin === PIN;
        });
        if ("refused" in verdict) return showOn(verdict.refused, pinView, { fields });
        return core.challenges.complete(ctx, verdict.ok);
      });
      return {};
    },
  });
