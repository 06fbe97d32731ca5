/** The login page. @module */
import { defineView, type FieldSet, html, type View } from "@castellan/core";

export interface LoginPageData {
  readonly fields: FieldSet;
}

export const loginView: View<LoginPageData> = defineView<LoginPageData>("auth/login", {
  title: "auth.title",
  body({ fields }, { form, link, modules }) {
    // A box that does nothing is a lie: it is there only where something remembers.
    const { remember, ...others } = fields;
    const shown = modules["remember"] && remember ? { ...others, remember } : others;
    return html`${form({ action: "/login", fields: shown, submit: "auth.submit" })}
${modules["recover"] && html`<p>${link("/recover", "auth.to_recover")}</p>`}`;
  },
});
