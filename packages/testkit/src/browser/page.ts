/** An HTML page, as a person in front of it would take it in. @module */
import type { Answer, SubmitOptions } from "./client.ts";
import { type Entered, type Field, type FormParts, formOf, type Submission, submissionOf } from "./form.ts";
import { attribute, type Element, elementsIn, elementsNamed, hasAttribute, parseHtml, textOf, words } from "./html.ts";

export interface Form extends FormParts {
  /** The first field of this name. Throws when there is none. */
  field(name: string): Field;
  /**
   * Fills the form in and presses a button. Sends hidden fields, and what is there already, as a browser does. Ignores `required` and the
   * like, so that the server's own checks are reached.
   */
  submit(entered?: Entered, options?: SubmitOptions): Promise<Answer>;
}

export interface Link {
  /** As it stands. */
  readonly href: string;
  readonly text: string;
  /** Goes where the link leads. */
  follow(): Promise<Answer>;
}

/** An element of the class `problem`. */
export interface Problem {
  /** The name of the field whose `aria-describedby` names the problem; `null` when none does. */
  readonly field: string | null;
  readonly text: string;
}

export interface Page {
  readonly title: string;
  /** The text of the first `h1`, or `""`. */
  readonly heading: string;
  /** Everything that can be read. */
  readonly text: string;
  readonly forms: readonly Form[];
  /** The form with this id (`#id`) or this action's path; without a name, the only form. Throws when there is not exactly one. */
  form(which?: string): Form;
  readonly links: readonly Link[];
  /** The link with exactly this text. Throws when there is none. */
  link(text: string): Link;
  readonly problems: readonly Problem[];
  /** The name of the field that has the focus from the start; `null` for none. */
  readonly focused: string | null;
}

/** What a page needs of its browser. */
export interface PageActions {
  readonly submit: (submission: Submission, options: SubmitOptions) => Promise<Answer>;
  readonly follow: (href: string) => Promise<Answer>;
}

const CONTROLS = new Set(["input", "select", "textarea"]);

function problemsOf(all: readonly Element[]): readonly Problem[] {
  const controls = all.filter(({ tagName }) => CONTROLS.has(tagName));
  const fieldFor = (id: string | null) =>
    id === null ? undefined : controls.find((control) => words(control, "aria-describedby").includes(id));
  return all
    .filter((element) => words(element, "class").includes("problem"))
    .map((element) => {
      const control = fieldFor(attribute(element, "id"));
      return { field: control ? attribute(control, "name") : null, text: textOf(element) };
    });
}

function formWithActions(parts: FormParts, { submit }: PageActions): Form {
  return {
    ...parts,
    field: (name) => {
      const field = parts.fields.find((candidate) => candidate.name === name);
      if (!field) throw new Error(`the form has no field "${name}": it has ${parts.fields.map((other) => other.name).join(", ")}`);
      return field;
    },
    submit: async (entered = {}, options = {}) => submit(submissionOf(parts, entered, options.button, options.tamper ?? {}), options),
  };
}

/** The path that a form's action leads to, seen from the page at `url`. */
const pathOf = (action: string, url: string): string => new URL(action, url).pathname;

export function pageOf(html: string, url: string, actions: PageActions): Page {
  const root = parseHtml(html);
  const all = [...elementsIn(root)];
  const named = (name: string) => all.find(({ tagName }) => tagName === name);
  const textOfFirst = (name: string) => {
    const element = named(name);
    return element ? textOf(element) : "";
  };
  const forms = elementsNamed(root, "form").map((form) => formWithActions(formOf(form, root), actions));
  const links = all
    .filter((element) => element.tagName === "a" && hasAttribute(element, "href"))
    .map((element): Link => {
      const href = attribute(element, "href") ?? "";
      return { href, text: textOf(element), follow: () => actions.follow(href) };
    });
  const focused = all.find((element) => CONTROLS.has(element.tagName) && hasAttribute(element, "autofocus"));

  return {
    title: textOfFirst("title"),
    heading: textOfFirst("h1"),
    text: textOf(root),
    forms,
    form: (which) => {
      const matching = forms.filter(({ id, action }) => which === undefined || which === `#${id}` || which === pathOf(action, url));
      const [form] = matching;
      if (form && matching.length === 1) return form;
      const present = forms.map(({ id, action }) => (id ? `#${id}` : pathOf(action, url))).join(", ") || "none";
      throw new Error(`${matching.length} forms are ${which ?? "there"}, not one; the page "${textOfFirst("title")}" has: ${present}`);
    },
    links,
    link: (text) => {
      const link = links.find((candidate) => candidate.text === text);
      if (!link) throw new Error(`no link says "${text}": there are ${links.map((other) => `"${other.text}"`).join(", ") || "none"}`);
      return link;
    },
    problems: problemsOf(all),
    focused: focused ? attribute(focused, "name") : null,
  };
}
