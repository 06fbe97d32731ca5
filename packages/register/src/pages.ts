/** The registration page. @module */
import { defineView, type FieldSet, type View } from "@castellan/core";

export interface RegisterPageData {
  readonly fields: FieldSet;
}

export const registerView: View<RegisterPageData> = defineView<RegisterPageData>("register/form", {
  title: "register.title",
  body: ({ fields }, { form }) => form({ action: "/register", fields, submit: "register.submit" }),
});
