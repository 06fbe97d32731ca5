/** The pages and the mail of the recovery. @module */
import { defineMail, defineView, type FieldSet, html, letter, type MailView, type View } from "@castellan/core";

export interface RecoverPageData {
  readonly fields: FieldSet;
}

export const recoverView: View<RecoverPageData> = defineView<RecoverPageData>("recover/start", {
  title: "recover.title",
  body: ({ fields }, { t, form }) => html`<p>${t("recover.what")}</p>${form({ action: "/recover", fields, submit: "recover.submit" })}`,
});

export const recoverEndView: View<RecoverPageData & { readonly token: string | null }> = defineView<
  RecoverPageData & { readonly token: string | null }
>("recover/end", {
  title: "recover.end.title",
  // Without a token a new password would be typed in vain.
  body: ({ fields, token }, { form, link }) =>
    html`${token !== null && form({ action: "/recover/end", fields, submit: "recover.end.submit", hidden: { token } })}
<p>${link("/recover", "recover.end.again")}</p>`,
});

export const recoverMail: MailView<{ readonly link: string; readonly minutes: number }> = defineMail<{
  readonly link: string;
  readonly minutes: number;
}>("recover/mail", ({ link, minutes }, { t, applicationName: application }) =>
  letter(t("recover.mail.subject"), [
    t("recover.mail.what", { application, minutes }),
    { link, label: t("recover.mail.link") },
    t("recover.mail.not_you"),
  ]),
);
