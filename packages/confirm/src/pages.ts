/** The pages and mails of the confirmation. @module */
import { defineMail, defineView, type FieldSet, html, letter, type MailView, type View } from "@castellan/core";

/** Where the link leads. */
export const confirmView: View<{ readonly token: string | null }> = defineView<{ readonly token: string | null }>("confirm/form", {
  title: "confirm.title",
  // Without a token there is nothing to press a button for.
  body: ({ token }, { t, form, link }) => html`${
    token !== null &&
    html`<p>${t("confirm.what")}</p>
${form({ action: "/confirm", fields: {}, submit: "confirm.submit", hidden: { token } })}`
  }
<p>${link("/confirm/resend", "confirm.resend.title")}</p>`,
});

/** What a registration answers, and whoever signs in too early sees. */
export const sentView: View<object> = defineView<object>("confirm/sent", {
  title: "confirm.sent.title",
  body: (_data, { t, link }) => html`<p>${t("confirm.sent.what")}</p>
<p>${t("confirm.sent.again")} ${link("/confirm/resend", "confirm.resend.title")}</p>`,
});

export const resendView: View<{ readonly fields: FieldSet }> = defineView<{ readonly fields: FieldSet }>("confirm/resend", {
  title: "confirm.resend.title",
  body: ({ fields }, { form }) => form({ action: "/confirm/resend", fields, submit: "confirm.resend.submit" }),
});

export const confirmMail: MailView<{ readonly link: string }> = defineMail<{ readonly link: string }>(
  "confirm/mail",
  ({ link }, { t, applicationName: application }) =>
    letter(t("confirm.mail.subject"), [
      t("confirm.mail.what", { application }),
      { link, label: t("confirm.mail.link") },
      t("confirm.mail.not_you"),
    ]),
);

export const takenMail: MailView<object> = defineMail<object>("confirm/taken", (_data, { t, applicationName: application }) =>
  letter(t("confirm.taken.subject"), [t("confirm.taken.what", { application })]),
);
