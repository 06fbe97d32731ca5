/** The builder behind `tools.form`: declared fields, each with its label, hint and problems, and a summary that leads to them. @module */
import { type Field, named } from "../http/fields.ts";
import { type Html, html } from "./html.ts";
import type { FormOptions, PageTools, Problem } from "./view.ts";

type FormTools = Pick<PageTools, "t" | "url" | "csrfToken" | "problems" | "values" | "redir">;
type Attributes = Readonly<Record<string, string | boolean | null>>;

const attributes = (values: Attributes): Html =>
  html`${Object.entries(values).map(([name, value]) => {
    if (value === null || value === false) return null;
    return value === true ? html` ${name}` : html` ${name}="${value}"`;
  })}`;

const hiddenInput = (name: string, value: string): Html => html`<input type="hidden" name="${name}" value="${value}">`;

const fieldId = (name: string): string => `field-${name}`;
const problemsOf = (name: string, tools: FormTools): readonly Problem[] => tools.problems.filter(({ field }) => field === name);
/** What to say of a problem: the schema's own words, else the text of its reason. */
export const problemText = ({ message, parameters, reason }: Problem, { t }: Pick<FormTools, "t">): string =>
  message ?? t(`reason.${reason}`, parameters);

const VERBATIM: ReadonlySet<string> = new Set(["username", "email", "one-time-code"]);

// A keyboard that begins a login with a capital, or mends it, makes a right login wrong; a spelling service must not see a secret.
const isVerbatim = (field: Field): boolean =>
  field.kind === "secret" ||
  (field.kind === "text" && (field.type !== "text" || field.autocomplete.split(" ").some((token) => VERBATIM.has(token))));

function inputAttributes(field: Field, value: string | null): Attributes {
  // HTML knows no `autocomplete` on a box to tick.
  if (field.kind === "flag") return { type: "checkbox", value: "true", checked: value === "true" };
  const { autocomplete, required } = field;
  const verbatim = isVerbatim(field) && { autocapitalize: "none", spellcheck: "false" };
  if (field.kind === "secret") return { type: "password", autocomplete, required, ...verbatim };
  return { type: field.type, inputmode: field.inputmode ?? null, autocomplete, required, ...verbatim, value };
}

function fieldMarkup(name: string, field: Field, focused: boolean, tools: FormTools): Html {
  const id = fieldId(name);
  const problems = problemsOf(name, tools).map((problem, index) => ({ id: `problem-${name}-${index}`, text: problemText(problem, tools) }));
  const hint = field.hint === undefined ? null : { id: `hint-${name}`, text: tools.t(field.hint) };
  const describedBy = [...(hint ? [hint] : []), ...problems].map((part) => part.id).join(" ");
  const input = html`<input${attributes({
    id,
    name,
    ...inputAttributes(field, tools.values[name] ?? null),
    "aria-describedby": describedBy || null,
    "aria-invalid": problems.length > 0 ? "true" : null,
    autofocus: focused,
  })}>`;
  const label = tools.t(field.label);
  const notes = html`${hint && html`<p class="hint" id="${hint.id}">${hint.text}</p>`}${problems.map(
    (problem) => html`<p class="problem" id="${problem.id}">${problem.text}</p>`,
  )}`;
  // The label encloses the box, so that all of it is one large target.
  if (field.kind === "flag")
    return html`<div class="field"><label class="flag" for="${id}">${input} <span>${label}</span></label>${notes}</div>\n`;
  const optional = !field.required && html` <span class="optional">${tools.t("form.optional")}</span>`;
  // Problems stand above the input: below it, a screen keyboard or a list of suggestions would hide them.
  return html`<div class="field"><label for="${id}">${label}${optional}</label>${notes}${input}</div>\n`;
}

function summary({ fields }: FormOptions, tools: FormTools): Html | null {
  const { problems, t } = tools;
  if (problems.length === 0) return null;
  const general = problems
    .filter(({ field }) => !named(fields).some(([name]) => name === field))
    .map((problem) => html`<li>${problemText(problem, tools)}</li>`);
  const linked = named(fields).flatMap(([name, { label }]) =>
    problemsOf(name, tools).map(
      (problem) =>
        html`<li><a href="#${fieldId(name)}">${t("form.problem", { label: t(label), problem: problemText(problem, tools) })}</a></li>`,
    ),
  );
  const heading = problems.length === 1 ? t("form.problems.one") : t("form.problems.many", { count: problems.length });
  return html`<div class="problems" role="alert"><h2>${heading}</h2><ul>${general}${linked}</ul></div>\n`;
}

/**
 * A form that works without script. Fields say `required` to assistive technology, yet the form is `novalidate`: the server's problems are the only ones, and
 * look and read the same in every browser. The first invalid field has the focus. One form with problems a page: they are told by field name.
 */
export function formMarkup(form: FormOptions, tools: FormTools): Html {
  const fields = named(form.fields);
  const firstInvalid = fields.find(([name]) => problemsOf(name, tools).length > 0)?.[0];
  const hidden = { _csrf: tools.csrfToken, ...(tools.redir !== null && { redir: tools.redir }), ...form.hidden };
  return html`<form class="form" method="post" action="${tools.url(form.action)}" novalidate>
${Object.entries(hidden).map(([name, value]) => hiddenInput(name, value))}
${summary(form, tools)}${fields.map(([name, field]) => fieldMarkup(name, field, name === firstInvalid, tools))}<button type="submit">${tools.t(form.submit)}</button>
</form>`;
}
