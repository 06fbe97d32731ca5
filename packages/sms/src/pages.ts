/** The pages of the module. @module */
import { defineView, type FieldSet, type Html, html, type PageTools, type View } from "@castellan/core";
import { otherWays } from "@castellan/twofactor";

export interface SmsSetupData {
  readonly fields: FieldSet;
  /** Whether a code is under way already. */
  readonly waiting: boolean;
}

export const smsSetupView: View<SmsSetupData> = defineView<SmsSetupData>("sms/setup", {
  title: "sms.setup.title",
  body: ({ fields, waiting }, { t, form, link }) => html`<p>${t("sms.setup.what")}</p>
${form({ action: "/2fa/sms/setup", fields, submit: "sms.setup.submit" })}
${waiting && html`<p>${link("/2fa/sms/confirm", "sms.setup.waiting")}</p>\n`}<p>${link("/2fa", "sms.setup.other")}</p>`,
});

/** A second form on a page, with the second choice: what is wrong is told by the first one. */
const sendAgain = (action: string, { t, url, csrfToken, redir }: PageTools): Html => html`<form method="post" action="${url(action)}">
<input type="hidden" name="_csrf" value="${csrfToken}">${redir !== null && html`<input type="hidden" name="redir" value="${redir}">`}
<button class="quiet" type="submit">${t("sms.code.again")}</button>
</form>`;

export interface SmsConfirmData {
  readonly fields: FieldSet;
  /** Masked; `null` where no code waits. */
  readonly number: string | null;
  /** How long a code works. */
  readonly minutes: number;
}

export const smsConfirmView: View<SmsConfirmData> = defineView<SmsConfirmData>("sms/confirm", {
  title: "sms.confirm.title",
  body: ({ fields, number, minutes }, tools) => {
    const { t, form, link } = tools;
    const others = html`<p>${link("/2fa/sms/setup", "sms.confirm.change")}</p>
<p>${link("/2fa", "sms.setup.other")}</p>`;
    if (number === null) return html`<p>${t("sms.confirm.none")}</p>\n${others}`;
    return html`<p>${t("sms.code.what", { number, minutes })}</p>
${form({ action: "/2fa/sms/confirm", fields, submit: "sms.confirm.submit" })}
${sendAgain("/2fa/sms/confirm/send", tools)}
${others}`;
  },
});

export interface SmsValidateData {
  readonly fields: FieldSet;
  /** Masked. */
  readonly number: string;
  /** How long a code works. */
  readonly minutes: number;
  /** Whether a code waits to be typed. */
  readonly sent: boolean;
}

export const smsValidateView: View<SmsValidateData> = defineView<SmsValidateData>("sms/validate", {
  title: "sms.validate.title",
  body: ({ fields, number, minutes, sent }, tools) => {
    const { t, form } = tools;
    if (!sent)
      return html`<p>${t("sms.validate.none", { number })}</p>
${form({ action: "/2fa/sms/send", fields: {}, submit: "sms.validate.send" })}
${otherWays(tools)}`;
    return html`<p>${t("sms.code.what", { number, minutes })}</p>
${form({ action: "/2fa/sms/validate", fields, submit: "sms.validate.submit" })}
${sendAgain("/2fa/sms/send", tools)}
${otherWays(tools)}`;
  },
});

export const smsRemoveView: View<{ readonly number: string }> = defineView<{ readonly number: string }>("sms/remove", {
  title: "sms.remove.title",
  body: ({ number }, { t, form, link }) => html`<p>${t("sms.remove.what", { number })}</p>
${form({ action: "/2fa/sms/remove", fields: {}, submit: "sms.remove.submit" })}
<p>${link("/2fa", "sms.remove.keep")}</p>`,
});
