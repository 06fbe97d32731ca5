/** Pages and mails. @module */
import { defineMail, defineView, type FieldSet, html, letter, type MailView, type View } from "@castellan/core";

export interface LoginPageData {
  readonly fields: FieldSet;
}

export const loginView: View<LoginPageData> = defineView<LoginPageData>("otp/login", {
  title: "otp.login.title",
  body: ({ fields }, { t, form }) => html`<p>${t("otp.login.what")}</p>
${form({ action: "/otp/login", fields, submit: "otp.login.submit" })}`,
});

export interface AddPageData {
  /** The new one, shown once; `null` before. */
  readonly password: string | null;
  /** How many there are now. */
  readonly count: number;
  readonly most: number;
}

export const addView: View<AddPageData> = defineView<AddPageData>("otp/add", {
  title: "otp.add.title",
  body: ({ password, count, most }, { t, form, link }) => html`${
    password === null
      ? html`<p>${t("otp.add.what")}</p>`
      : html`<p>${t("otp.add.shown")}</p>
<p><code class="code">${password}</code></p>
<p>${t("otp.add.keep")}</p>`
  }
<p>${t("otp.add.count", { count, most })}</p>
${count < most && form({ action: "/otp/add", fields: {}, submit: password === null ? "otp.add.submit" : "otp.add.another" })}
${count > 0 && html`<p>${link("/otp/clear", "otp.to_clear")}</p>`}`,
});

export const clearView: View<{ readonly count: number }> = defineView<{ readonly count: number }>("otp/clear", {
  title: "otp.clear.title",
  body: ({ count }, { t, form, link }) =>
    count === 0
      ? html`<p>${t("otp.clear.none")}</p>
<p>${link("/otp/add", "otp.to_add")}</p>`
      : html`<p>${t("otp.clear.what", { count })}</p>
${form({ action: "/otp/clear", fields: {}, submit: "otp.clear.submit" })}`,
});

type Told = { readonly network: string };

export const addedMail: MailView<Told & { readonly count: number }> = defineMail<Told & { readonly count: number }>(
  "otp/added",
  ({ count, network }, { t, applicationName: application }) =>
    letter(t("otp.mail.added.subject"), [t("otp.mail.added.what", { application, network, count }), t("otp.mail.todo")]),
);

export const usedMail: MailView<Told & { readonly left: number }> = defineMail<Told & { readonly left: number }>(
  "otp/used",
  ({ left, network }, { t, applicationName: application }) =>
    letter(t("otp.mail.used.subject"), [t("otp.mail.used.what", { application, network, left }), t("otp.mail.todo")]),
);

export const clearedMail: MailView<Told> = defineMail<Told>("otp/cleared", ({ network }, { t, applicationName: application }) =>
  letter(t("otp.mail.cleared.subject"), [t("otp.mail.cleared.what", { application, network }), t("otp.mail.todo")]),
);
