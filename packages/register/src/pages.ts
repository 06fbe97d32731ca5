/** The registration page. @module */
import { defineView, type FieldSet, html, type View } from "@castellan/core";

export interface RegisterPageData {
  readonly fields: FieldSet;
}

export const registerView: View<RegisterPageData> = defineView<RegisterPageData>("register/form", {
  title: "register.title",
  slots: ["register"],
  body: ({ fields }, { form, slot }) => html`${form({ action: "/register", fields, submit: "register.submit" })}
${slot("register")}`,
});
