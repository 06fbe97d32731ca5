/** The page that an unlock link leads to, and the mail that brings it. @module */
import { defineMail, defineView, html, letter, type MailView, type View } from "@castellan/core";

export const unlockView: View<{ readonly token: string | null }> = defineView<{ readonly token: string | null }>("lock/unlock", {
  title: "lock.title",
  body: ({ token }, { t, form }) =>
    html`<p>${t("lock.what")}</p>${form({ action: "/unlock", fields: {}, submit: "lock.submit", ...(token !== null && { hidden: { token } }) })}`,
});

export const lockedMail: MailView<{ readonly link: string }> = defineMail<{ readonly link: string }>(
  "lock/locked",
  ({ link }, { t, applicationName: application }) =>
    letter(t("lock.mail.subject"), [t("lock.mail.what", { application }), { link, label: t("lock.mail.link") }, t("lock.mail.not_you")]),
);
