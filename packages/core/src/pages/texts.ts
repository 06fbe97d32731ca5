/** The words that pages and forms bring themselves. Labels, titles and reasons come from whoever declares them. @module */
import type { Texts } from "../texts.ts";

export const pageTexts: Texts = {
  "page.title": "{page} – {application}",
  "page.home": "Home",
  "nav.label": "Account",
  "nav.login": "Sign in",
  "nav.register": "Create an account",
  "nav.logout": "Sign out",
  "form.optional": "(optional)",
  "form.problem": "{label}: {problem}",
  "form.problems.one": "There is a problem",
  "form.problems.many": "There are {count} problems",
};
