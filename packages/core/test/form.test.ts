import {
  type FieldSet,
  flagField,
  formMarkup,
  html,
  type PageTools,
  type Problem,
  pageTexts,
  secretField,
  textField,
  translator,
} from "@castellan/core";
import { describe, expect, it } from "vitest";

const words = {
  ...pageTexts,
  "label.login": "Login",
  "label.password": "Password",
  "label.name": "Name",
  "label.keep": "Keep me",
  "hint.name": "As on your letters.",
  "button.go": "Go",
  "reason.required": "Please fill this in.",
  "reason.expired": "That took too long.",
  "reason.too_short": "At least {least} characters.",
};

const fields = {
  login: textField({ label: "label.login", type: "email", autocomplete: "username" }),
  password: secretField({ label: "label.password", autocomplete: "current-password" }),
  name: textField({ label: "label.name", hint: "hint.name", autocomplete: "name", required: false }),
  keep: flagField({ label: "label.keep" }),
} satisfies FieldSet;

type Tools = Parameters<typeof formMarkup>[1];

const toolsWith = (own: Partial<Pick<PageTools, "problems" | "values" | "redir" | "t">>): Tools => ({
  t: translator(words, null, "en"),
  url: (path) => `/auth${path}`,
  csrfToken: "masked-token",
  problems: [],
  values: {},
  redir: null,
  ...own,
});

const shown = (own: Parameters<typeof toolsWith>[0] = {}, set: FieldSet = fields, hidden?: Record<string, string>): string =>
  formMarkup({ action: "/login", fields: set, submit: "button.go", ...(hidden && { hidden }) }, toolsWith(own)).markup;

const inputNamed = (name: string, markup: string): string => markup.match(new RegExp(`<input[^>]* name="${name}"[^>]*>`))?.[0] ?? "";
const problem = (field: string, reason = "required", message?: string): Problem => ({
  field,
  reason,
  ...(message !== undefined && { message }),
});

const EVIL = `"'><script>alert(1)</script></textarea><b onclick='x'>&amp;`;
const ESCAPED = "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;/textarea&gt;&lt;b onclick=&#39;x&#39;&gt;&amp;amp;";

describe("a form", () => {
  it("posts to the action below the mount, and leaves checking to the server", () => {
    expect(shown()).toContain('<form class="form" method="post" action="/auth/login" novalidate>');
  });

  it("carries the CSRF token, and where to go only when there is somewhere to go", () => {
    expect(shown()).toContain('<input type="hidden" name="_csrf" value="masked-token">');
    expect(shown()).not.toContain('name="redir"');
    expect(shown({ redir: "/account?a=1&b=2" })).toContain('<input type="hidden" name="redir" value="/account?a=1&amp;b=2">');
  });

  it("carries hidden values as they are", () => {
    expect(shown({}, {}, { token: "abc" })).toContain('<input type="hidden" name="token" value="abc">');
  });

  it("has a button and no summary where there are neither fields nor problems", () => {
    const markup = shown({}, {});
    expect(markup).toContain('<button type="submit">Go</button>');
    expect(markup).not.toContain("alert");
  });
});

describe("a field", () => {
  it("has a label of its own", () => {
    const markup = shown();
    for (const name of Object.keys(fields)) {
      expect(markup).toContain(`for="field-${name}"`);
      expect(inputNamed(name, markup)).toContain(`id="field-${name}"`);
    }
  });

  it("tells password managers and keyboards what it is for", () => {
    expect(inputNamed("login", shown())).toContain(
      'type="email" autocomplete="username" required autocapitalize="none" spellcheck="false"',
    );
    expect(inputNamed("password", shown())).toContain(
      'type="password" autocomplete="current-password" required autocapitalize="none" spellcheck="false"',
    );
    const code = textField({ label: "label.login", inputmode: "numeric", autocomplete: "one-time-code" });
    expect(inputNamed("code", shown({}, { code }))).toContain('type="text" inputmode="numeric" autocomplete="one-time-code"');
  });

  it("lets the keyboard help with ordinary text", () => {
    expect(inputNamed("name", shown())).not.toMatch(/autocapitalize|spellcheck/);
  });

  it("knows a login among several autocomplete tokens", () => {
    const login = textField({ label: "label.login", autocomplete: "username webauthn" });
    expect(inputNamed("login", shown({}, { login }))).toContain('autocapitalize="none"');
  });

  it("is marked in words when it may stay empty, and `required` when not", () => {
    const markup = shown();
    expect(markup).toContain('<label for="field-name">Name <span class="optional">(optional)</span></label>');
    expect(inputNamed("name", markup)).not.toContain("required");
    expect(markup.match(/class="optional"/g)).toHaveLength(1);
  });

  it("is described by its hint", () => {
    expect(shown()).toContain('<p class="hint" id="hint-name">As on your letters.</p>');
    expect(inputNamed("name", shown())).toContain('aria-describedby="hint-name"');
  });

  it("shows its value again", () => {
    const markup = shown({ values: { login: "ann@example.com", keep: "true" } });
    expect(inputNamed("login", markup)).toContain('value="ann@example.com"');
    expect(inputNamed("keep", markup)).toContain('type="checkbox" value="true" checked');
    expect(inputNamed("keep", shown())).not.toContain("checked");
  });

  it("never shows a secret, even when the values hold one", () => {
    expect(shown({ values: { password: "correct horse" }, problems: [problem("login")] })).not.toContain("correct horse");
  });
});

describe("a problem", () => {
  const problems = [problem("password"), problem("", "expired"), problem("name", "invalid", "Too short.")];

  it("stands beside its field, after the hint, and describes it", () => {
    const markup = shown({ problems });
    expect(markup).toContain('<p class="problem" id="problem-name-0">Too short.</p>');
    expect(inputNamed("name", markup)).toContain('aria-describedby="hint-name problem-name-0" aria-invalid="true"');
    expect(inputNamed("password", markup)).toContain('aria-describedby="problem-password-0" aria-invalid="true"');
    expect(inputNamed("login", markup)).not.toMatch(/aria-/);
  });

  it("is one of several at the same field, each with its own id", () => {
    const markup = shown({ problems: [problem("name"), problem("name", "invalid", "Too short.")] });
    expect(inputNamed("name", markup)).toContain('aria-describedby="hint-name problem-name-0 problem-name-1"');
    const ids = Array.from(markup.matchAll(/ id="([^"]+)"/g), ([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("is listed in an alert at the top: general ones first, the others in the order of the fields, linked", () => {
    const markup = shown({ problems });
    const summary = markup.slice(markup.indexOf('<div class="problems" role="alert">'), markup.indexOf("</div>"));
    expect(markup.indexOf(summary)).toBeLessThan(markup.indexOf('class="field"'));
    expect(summary).toContain("<h2>There are 3 problems</h2>");
    expect(summary).toContain(
      '<li>That took too long.</li><li><a href="#field-password">Password: Please fill this in.</a></li><li><a href="#field-name">Name: Too short.</a></li>',
    );
    for (const [, id] of summary.matchAll(/href="#([^"]+)"/g)) expect(markup).toContain(` id="${id}"`);
  });

  it("fills its parameters into its text", () => {
    const problems = [{ field: "password", reason: "too_short", parameters: { least: 12 } }];
    expect(shown({ problems })).toContain('<p class="problem" id="problem-password-0">At least 12 characters.</p>');
  });

  it("is counted in the words for one when it is alone", () => {
    expect(shown({ problems: [problem("login")] })).toContain("<h2>There is a problem</h2>");
  });

  it("of a field that the form does not have is told without a link, not lost", () => {
    const markup = shown({ problems: [problem("token", "expired"), problem("constructor", "expired")] });
    expect(markup.match(/<li>That took too long\.<\/li>/g)).toHaveLength(2);
    expect(markup).not.toContain("#field-");
  });

  it("puts the focus on the first invalid field of the page, and on that one only", () => {
    const markup = shown({ problems: [problem("name"), problem("password")] });
    expect(inputNamed("password", markup)).toContain(" autofocus");
    expect(markup.match(/ autofocus/g)).toHaveLength(1);
  });

  it("leaves the focus alone where no field is invalid", () => {
    expect(shown({ problems: [problem("", "expired")] })).not.toContain("autofocus");
    expect(shown()).not.toContain("autofocus");
  });
});

describe("whatever a visitor or an application puts into a form", () => {
  it("is text: values, messages, reasons, hidden values, the wanted page", () => {
    const markup = shown(
      { values: { login: EVIL, name: EVIL }, problems: [problem("login", "invalid", EVIL), problem("", EVIL)], redir: EVIL },
      fields,
      { token: EVIL },
    );
    expect(markup).not.toContain("<script");
    expect(markup).not.toContain("</textarea");
    expect(markup).not.toContain("<b ");
    expect(inputNamed("login", markup)).toContain(` value="${ESCAPED}"`);
    expect(markup).toContain(`<p class="problem" id="problem-login-0">${ESCAPED}</p>`);
    expect(markup).toContain(`<li>reason.${ESCAPED}</li>`);
    expect(markup).toContain(`name="redir" value="${ESCAPED}"`);
    expect(markup).toContain(`name="token" value="${ESCAPED}"`);
  });

  it("is text also when it is a label, a hint or a button in somebody's translation", () => {
    const markup = shown({ t: () => EVIL, problems: [problem("login")] });
    expect(markup).not.toMatch(/<script|<b |<\/textarea/);
    expect(markup).toContain(`<button type="submit">${ESCAPED}</button>`);
  });

  it("stays markup where it was made by `html`, and is not escaped twice", () => {
    expect(html`<main>${formMarkup({ action: "/x", fields: {}, submit: "button.go" }, toolsWith({}))}</main>`.markup).toContain(
      "<main><form ",
    );
  });
});
