/** The registration page. @module */
import { defineView, type FieldSet, html, type View } from "@castellan/core";

export interface RegisterPageData {
  readonly fields: FieldSet;
}

export const registerView: View<RegisterPageData> = defineView<RegisterPageData>("register/form", {
  title: "register.title",
  body: ({ fields }, { form, link, modules }) => html`${form({ action: "/register", fields, submit: "register.submit" })}
${modules["auth"] && html`<p>${link("/login", "register.to_login")}</p>`}`,
});
