/** The pages of the factor. @module */
import { defineView, type FieldSet, html, type View } from "@castellan/core";
import { otherWays } from "@castellan/twofactor";

export interface SetupData {
  /** Whether a set-up that was begun in this browser waits for its code. */
  readonly waiting: boolean;
}

export const setupView: View<SetupData> = defineView<SetupData>("totp/setup", {
  title: "totp.setup.title",
  body: ({ waiting }, { t, form, link }) => html`<p>${t("totp.setup.what")}</p>
${waiting && html`<p>${link("/2fa/totp/confirm", "totp.setup.waiting")}</p>`}
${form({ action: "/2fa/totp/setup", fields: {}, submit: "totp.setup.submit" })}`,
});

export interface ConfirmData {
  /** Base32 (RFC 4648). */
  readonly secret: string;
  /** The `otpauth:` link. */
  readonly uri: string;
  /** The link as a QR code: an SVG in a `data:` address. */
  readonly picture: string;
  readonly fields: FieldSet;
}

export const confirmView: View<ConfirmData> = defineView<ConfirmData>("totp/confirm", {
  title: "totp.confirm.title",
  body: ({ secret, uri, picture, fields }, { t, form }) => html`<p>${t("totp.confirm.scan")}</p>
<p><img class="qr" src="${picture}" width="240" height="240" alt="${t("totp.confirm.picture")}"></p>
<p><a href="${uri}">${t("totp.confirm.link")}</a></p>
<p>${t("totp.confirm.key")}<br>
<code class="key">${secret.replaceAll(/(.{4})(?=.)/g, "$1 ")}</code></p>
<p>${t("totp.confirm.then")}</p>
${form({ action: "/2fa/totp/confirm", fields, submit: "totp.confirm.submit" })}`,
});

export const validateView: View<{ readonly fields: FieldSet }> = defineView<{ readonly fields: FieldSet }>("totp/validate", {
  title: "totp.validate.title",
  body: ({ fields }, tools) => html`<p>${tools.t("totp.validate.what")}</p>
${tools.form({ action: "/2fa/totp/validate", fields, submit: "totp.validate.submit" })}
${otherWays(tools)}`,
});

export const removeView: View<object> = defineView<object>("totp/remove", {
  title: "totp.remove.title",
  body: (_data, { t, form }) => html`<p>${t("totp.remove.what")}</p>
${form({ action: "/2fa/totp/remove", fields: {}, submit: "totp.remove.submit" })}`,
});
