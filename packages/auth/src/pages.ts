/** The login page. @module */
import { defineView, type FieldSet, html, type View } from "@castellan/core";

export interface LoginPageData {
  readonly fields: FieldSet;
}

export const loginView: View<LoginPageData> = defineView<LoginPageData>("auth/login", {
  title: "auth.title",
  slots: ["sign-in"],
  body: ({ fields }, { form, link, modules, slot }) => html`${form({ action: "/login", fields, submit: "auth.submit" })}
${modules["recover"] && html`<p>${link("/recover", "auth.to_recover")}</p>`}
${modules["otp"] && html`<p>${link("/otp/login", "auth.to_otp")}</p>`}
${slot("sign-in")}`,
});
