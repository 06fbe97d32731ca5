/** Pages as modules write them, for the tests of the renderer. @module */
import {
  defineView,
  type FieldSet,
  flagField,
  formMarkup,
  html,
  type PageTools,
  pageTexts,
  secretField,
  type Texts,
  textField,
  translator,
  type View,
} from "@castellan/core";

export const words: Texts = {
  ...pageTexts,
  "login.title": "Sign in",
  "login.submit": "Sign in",
  "login.forgotten": "Forgotten your password?",
  "profile.title": "Your profile",
  "profile.submit": "Save changes",
  "profile.lead": "Other people see your name. Everything else stays between you and us.",
  "long.title": "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
  "field.login": "E-mail address",
  "field.password": "Password",
  "field.remember": "Keep me signed in on this device",
  "field.name": "Name",
  "field.name.hint": "As it is written on your letters.",
  "field.phone": "Telephone",
  "field.terms": "I have read the terms",
  "reason.invalid_credentials": "This e-mail address and password do not belong together.",
  "reason.expired": "This page was open for too long. Please try again.",
  "reason.required": "Please fill this in.",
  "reason.invalid": "This is not valid.",
};

const t = translator(words, null, "en");

/** Tools as the responder makes them, with everything empty that the test does not name. */
export function toolsWith(own: Partial<PageTools> = {}): PageTools {
  const tools = {
    t,
    locale: "en",
    url: (path: string) => `/auth${path}`,
    home: "/",
    csrfToken: "token-of-this-page",
    reason: null,
    problems: [],
    flash: null,
    values: {},
    redir: null,
    modules: { auth: true, register: true, logout: true } as const,
    failed: false,
    signedIn: false,
    page: {},
    link: (path: string, textKey: string) => html`<a href="/auth${path}">${t(textKey)}</a>`,
    slot: () => html``,
    ...own,
  };
  return { ...tools, form: (form) => formMarkup(form, tools) };
}

export const loginFields = {
  login: textField({ label: "field.login", type: "email", autocomplete: "username" }),
  password: secretField({ label: "field.password", autocomplete: "current-password" }),
  remember: flagField({ label: "field.remember" }),
} satisfies FieldSet;

export const loginView = defineView<{ readonly lead?: string }>("auth/login", {
  title: "login.title",
  body: ({ lead }, tools) => html`${lead && html`<p>${lead}</p>`}
${tools.form({ action: "/login", fields: loginFields, submit: "login.submit" })}
<p>${tools.link("/recover", "login.forgotten")}</p>`,
});

export const profileFields = {
  name: textField({ label: "field.name", hint: "field.name.hint", autocomplete: "name" }),
  phone: textField({ label: "field.phone", type: "tel", inputmode: "tel", autocomplete: "tel", required: false }),
  terms: flagField({ label: "field.terms" }),
} satisfies FieldSet;

export const profileView = defineView<object>("profile/edit", {
  title: "profile.title",
  body: (_data, tools) => html`<p>${tools.t("profile.lead")}</p>
${tools.form({ action: "/profile", fields: profileFields, submit: "profile.submit" })}`,
});

const LONG_WORD = "incomprehensibilities".repeat(20);

export const longView = defineView<object>("sample/long", {
  title: "long.title",
  body: (_data, tools) => html`<p>${LONG_WORD} and <a href="/">a link within the text</a>.</p>
<p>Keep these codes: <code>${"0123456789abcdef".repeat(6)}</code></p>
${tools.form({ action: "/profile", fields: profileFields, submit: "long.title" })}
<button type="button" disabled>Not yet</button> <button type="button" class="danger">Delete the account</button>`,
});

interface Sample {
  readonly view: View<object>;
  readonly tools: PageTools;
}

/** What the browser is shown, by name. */
export const samples: Readonly<Record<string, Sample>> = {
  login: { view: loginView, tools: toolsWith() },
  refused: { view: loginView, tools: toolsWith({ reason: "invalid_credentials", values: { login: "ann@example.com", remember: "true" } }) },
  problems: {
    view: loginView,
    tools: toolsWith({
      problems: [
        { field: "password", reason: "required" },
        { field: "", reason: "expired" },
        { field: "login", reason: "invalid", message: "An e-mail address has an @ and a domain behind it." },
      ],
      values: { login: "ann" },
    }),
  },
  profile: {
    view: profileView,
    tools: toolsWith({
      signedIn: true,
      flash: { kind: "success", reason: "saved", text: "Your changes are saved." },
      values: { name: "Ann Example" },
    }),
  },
  failure: {
    view: profileView,
    tools: toolsWith({ signedIn: true, flash: { kind: "failure", reason: "gone", text: "That link is used up." } }),
  },
  box: { view: profileView, tools: toolsWith({ signedIn: true, problems: [{ field: "terms", reason: "required" }] }) },
  long: {
    view: longView,
    tools: toolsWith({
      flash: { kind: "success", reason: "saved", text: `Saved: ${LONG_WORD}` },
      problems: [{ field: "name", reason: "invalid", message: LONG_WORD }],
      values: { name: LONG_WORD },
    }),
  },
};
