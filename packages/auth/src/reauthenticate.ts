/** The screen where somebody who is signed in types the password once more, before something that matters. @module */
import {
  type Core,
  defineView,
  type FieldSet,
  html,
  page,
  type Reply,
  redirect,
  refuseFields,
  secretField,
  showOn,
  subjectOfUser,
  type User,
  type View,
} from "@castellan/core";

export const reauthenticateView: View<{ readonly fields: FieldSet; readonly login: string }> = defineView("auth/reauthenticate", {
  title: "auth.again.title",
  body: ({ fields, login }, { t, form }) => html`<p>${t("auth.again.what", { login })}</p>
${form({ action: PATH, fields, submit: "auth.again.submit" })}`,
});

const PATH = "/reauthenticate";
const METHOD = "password";
const FIELDS = { password: secretField({ label: "field.password", autocomplete: "current-password" }) };

const hasPassword = (user: User): boolean => Reflect.get(user, "passwordHash") !== null;

/** GET and POST `/reauthenticate`, for whoever is signed in in full. */
export function reauthenticateRoutes(core: Core, { afterLogin }: { readonly afterLogin: string }): void {
  core.stepUpScreen((user, methods) => (hasPassword(user) && (methods?.has(METHOD) ?? true) ? PATH : null));

  const data = (user: User) => ({ fields: FIELDS, login: user.login });

  core.route("GET", PATH, async (ctx): Promise<Reply> => {
    const [refused, current] = [await core.mustBe(ctx, { level: "full" }), await ctx.current()];
    return refused || !current ? (refused ?? redirect(core.path("/login"))) : page(reauthenticateView, data(current.user));
  });

  core.route("POST", PATH, async (ctx): Promise<Reply> => {
    const [refused, current] = [await core.mustBe(ctx, { level: "full" }), await ctx.current()];
    if (refused || !current) return refused ?? redirect(core.path("/login"));
    const again = (reply: Reply): Reply => showOn(reply, reauthenticateView, data(current.user));
    const answer = await core.read(FIELDS, ctx);
    if (!answer.ok) return again(refuseFields(answer.problems));
    const subject = subjectOfUser(current.user);
    const verdict = await core.attempt(ctx, subject, METHOD, () => core.checkPassword(subject, answer.values.password));
    if ("refused" in verdict) return again(verdict.refused);
    const outcome = await core.stepUp(ctx, verdict.ok);
    return "refused" in outcome ? again(outcome.refused) : redirect(ctx.redir ?? afterLogin, { reason: "proved_again" });
  });
}
