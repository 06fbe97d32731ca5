/** Choosing a new password with the old one, and telling the owner of it. @module */
import {
  type AuthingServerStorer,
  type Context,
  type Core,
  changePassword,
  type Duration,
  defineMail,
  defineView,
  type FieldSet,
  html,
  letter,
  type MailView,
  page,
  type Reply,
  redirect,
  refuseFields,
  secretField,
  showOn,
  type View,
} from "@castellan/core";

export const changePasswordView: View<{ readonly fields: FieldSet }> = defineView<{ readonly fields: FieldSet }>("auth/password", {
  title: "auth.password.title",
  body: ({ fields }, { t, form }) =>
    html`<p>${t("auth.password.what")}</p>${form({ action: "/password", fields, submit: "auth.password.submit" })}`,
});

export const passwordChangedMail: MailView<object> = defineMail<object>(
  "auth/password-changed",
  (_data, { t, applicationName: application }) =>
    letter(t("auth.password_changed.subject"), [t("auth.password_changed.what", { application }), t("auth.password_changed.todo")]),
);

const PATH = "/password";

const FIELDS = {
  password: secretField({ label: "auth.password.old", autocomplete: "current-password" }),
  next: secretField({ name: "new_password", label: "auth.password.new", autocomplete: "new-password" }),
  confirmation: secretField({ name: "confirm_password", label: "auth.password.again", autocomplete: "new-password", required: false }),
};

export interface ChangePasswordSettings {
  readonly afterChangePassword: string;
  readonly recent: Duration;
}

/** GET and POST `/password`, behind a recent full sign-in. */
export function changePasswordRoutes(core: Core<AuthingServerStorer>, { afterChangePassword, recent }: ChangePasswordSettings): void {
  // A person at the form repeats the password; a JSON client may leave that out.
  const data = { fields: { ...FIELDS, confirmation: { ...FIELDS.confirmation, required: true } } };
  const closed = (ctx: Context): Promise<Reply | null> => core.mustBe(ctx, { level: "full", within: recent });

  core.route("GET", PATH, async (ctx) => (await closed(ctx)) ?? page(changePasswordView, data));

  core.route("POST", PATH, async (ctx): Promise<Reply> => {
    const refused = await closed(ctx);
    const current = await ctx.current();
    if (refused || !current) return refused ?? redirect(core.path("/login"));
    const answer = await core.read(FIELDS, ctx);
    const again = (reply: Reply): Reply => showOn(reply, changePasswordView, data);
    if (!answer.ok) return again(refuseFields(answer.problems));
    const { password, next, confirmation } = answer.values;
    if (ctx.body.has("confirm_password") && confirmation !== next) {
      return again(refuseFields([{ field: "confirm_password", reason: "passwords_unequal" }]));
    }
    const outcome = await core.changePassword(ctx, current.user.pid, { from: password, to: next });
    return "refused" in outcome ? again(outcome.refused) : redirect(afterChangePassword, { reason: "password_changed" });
  });
}

/** However the password changed: its owner is told, where mails are sent at all. */
export function tellOfChanges(core: Core): void {
  core.on(changePassword).after("notify", ({ user, ctx }) => core.tell(passwordChangedMail, {}, user, ctx));
}
