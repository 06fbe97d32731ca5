/** Forms of a page: their fields, and what a browser sends when a person fills them in and presses a button. @module */
import { attribute, closest, type Element, elementsIn, elementsNamed, hasAttribute, rawText, textOf, words } from "./html.ts";

export interface Field {
  readonly name: string;
  /** The type of the input in small letters (`"text"` where none is given), or `"select"` or `"textarea"`. */
  readonly type: string;
  /** What is sent if nobody touches it; for a checkbox or radio button, what is sent if it is on. */
  readonly value: string;
  /** Whether a checkbox or radio button is on. */
  readonly checked: boolean;
  /** The values that a select offers. */
  readonly choices: readonly string[];
  /** The text of its label, or `""`. */
  readonly label: string;
  /** The text of everything that `aria-describedby` names, or `""`. */
  readonly description: string;
  /** Any attribute as it stands, for example `attribute("autocomplete")`. */
  readonly attribute: (name: string) => string | null;
}

export interface Button {
  readonly name: string | null;
  readonly value: string;
  readonly text: string;
  readonly attribute: (name: string) => string | null;
}

/** What the browser sends when a form is submitted. */
export interface Submission {
  readonly method: "get" | "post";
  /** Relative to the page, as it stands; `""` for the page itself. */
  readonly action: string;
  readonly entries: readonly (readonly [name: string, value: string])[];
}

/** What a person enters: text and choices by field name, `true` or `false` for a checkbox. */
export type Entered = Readonly<Record<string, string | boolean>>;

/** How a browser writes a form into a body unless it is told otherwise. */
export const FORM_TYPE = "application/x-www-form-urlencoded";

const BUTTONS = new Set(["submit", "image", "button", "reset"]);
const isCheckable = (type: string): boolean => type === "checkbox" || type === "radio";

const typeOf = (element: Element): string =>
  element.tagName === "input" ? (attribute(element, "type")?.toLowerCase() ?? "text") : element.tagName;

const isDisabled = (element: Element): boolean =>
  hasAttribute(element, "disabled") ||
  closest(element, (candidate) => candidate.tagName === "fieldset" && hasAttribute(candidate, "disabled")) !== null;

const isOwnedBy = (element: Element, form: Element): boolean => {
  const named = attribute(element, "form");
  return named === null ? closest(element, ({ tagName }) => tagName === "form") === form : named === attribute(form, "id");
};

const labelOf = (element: Element, all: readonly Element[]): string => {
  const id = attribute(element, "id");
  const label =
    all.find((candidate) => candidate.tagName === "label" && id !== null && attribute(candidate, "for") === id) ??
    closest(element, ({ tagName }) => tagName === "label");
  return label ? textOf(label) : (attribute(element, "aria-label") ?? "");
};

const optionValue = (option: Element): string => attribute(option, "value") ?? textOf(option);

const initialValue = (element: Element, type: string): string => {
  if (type === "textarea") return rawText(element);
  if (type !== "select") return attribute(element, "value") ?? (isCheckable(type) ? "on" : "");
  const options = elementsNamed(element, "option").filter((option) => !isDisabled(option));
  const selected = options.find((option) => hasAttribute(option, "selected")) ?? options[0];
  return selected ? optionValue(selected) : "";
};

function fieldOf(element: Element, all: readonly Element[]): Field {
  const type = typeOf(element);
  const described = words(element, "aria-describedby").map((id) => all.find((candidate) => attribute(candidate, "id") === id));
  return {
    name: attribute(element, "name") ?? "",
    type,
    value: initialValue(element, type),
    checked: hasAttribute(element, "checked"),
    choices: type === "select" ? elementsNamed(element, "option").map(optionValue) : [],
    label: labelOf(element, all),
    description: described
      .map((description) => (description ? textOf(description) : ""))
      .join(" ")
      .trim(),
    attribute: (name) => attribute(element, name),
  };
}

const buttonOf = (element: Element): Button => ({
  name: attribute(element, "name"),
  value: attribute(element, "value") ?? "",
  text: element.tagName === "button" ? textOf(element) : (attribute(element, "value") ?? "Submit"),
  attribute: (name) => attribute(element, name),
});

const isSubmitButton = (element: Element): boolean =>
  element.tagName === "button" ? (attribute(element, "type")?.toLowerCase() ?? "submit") === "submit" : typeOf(element) === "submit";

/** A form, before it knows how to be sent. */
export interface FormParts {
  readonly id: string | null;
  /** As it stands; `""` for the page itself. */
  readonly action: string;
  readonly method: "get" | "post";
  /** How its values are written into the body, as it stands; `""` for the usual way. */
  readonly enctype: string;
  readonly fields: readonly Field[];
  readonly buttons: readonly Button[];
}

const methodOf = (text: string | null): "get" | "post" => (text?.toLowerCase() === "post" ? "post" : "get");

export function formOf(form: Element, root: Parameters<typeof elementsIn>[0]): FormParts {
  const all = [...elementsIn(root)];
  const owned = all.filter((element) => isOwnedBy(element, form) && !isDisabled(element));
  const isField = (element: Element) =>
    element.tagName === "select" || element.tagName === "textarea" || (element.tagName === "input" && !BUTTONS.has(typeOf(element)));
  return {
    id: attribute(form, "id"),
    action: attribute(form, "action") ?? "",
    method: methodOf(attribute(form, "method")),
    enctype: attribute(form, "enctype") ?? "",
    fields: owned.filter(isField).map((element) => fieldOf(element, all)),
    buttons: owned.filter(isSubmitButton).map(buttonOf),
  };
}

/** The values that one name can be given; throws where a person could not do that. */
function checkEntered(name: string, entered: string | boolean, fields: readonly Field[]): void {
  const named = fields.filter((field) => field.name === name);
  const [first] = named;
  if (!first) throw new Error(`the form has no field "${name}": it has ${fields.map((field) => field.name).join(", ")}`);
  if (first.type === "hidden") throw new Error(`the field "${name}" is hidden: a person cannot fill it in, only \`tamper\` can`);
  if ((typeof entered === "boolean") !== (first.type === "checkbox")) {
    throw new Error(`the field "${name}" is a ${first.type}: it does not take ${JSON.stringify(entered)}`);
  }
  const offered = first.type === "radio" ? named.map(({ value }) => value) : first.type === "select" ? first.choices : null;
  if (offered && !offered.includes(String(entered))) throw new Error(`the field "${name}" offers ${offered.join(", ")}, not "${entered}"`);
}

const sentValue = (field: Field, entered: string | boolean | undefined): string | null => {
  if (field.type === "checkbox") return (entered ?? field.checked) ? field.value : null;
  if (field.type === "radio") return (entered === undefined ? field.checked : entered === field.value) ? field.value : null;
  return String(entered ?? field.value);
};

function chosenButton(form: FormParts, wanted: string | undefined): Button | undefined {
  if (wanted === undefined) return form.buttons[0];
  const button = form.buttons.find(({ text, name, value }) => wanted === text || wanted === `${name}=${value}`);
  if (!button) throw new Error(`the form has no button "${wanted}": it has ${form.buttons.map(({ text }) => text).join(", ")}`);
  return button;
}

/** What the browser sends when a person enters `entered` and presses `button` (its text or `name=value`; the first one by default). */
export function submissionOf(
  form: FormParts,
  entered: Entered,
  button: string | undefined,
  tamper: Readonly<Record<string, string>>,
): Submission {
  for (const [name, value] of Object.entries(entered)) checkEntered(name, value, form.fields);
  const pressed = chosenButton(form, button);
  const enctype = pressed?.attribute("formenctype") ?? form.enctype;
  if (enctype !== "" && enctype !== FORM_TYPE) throw new Error(`forms of the type ${enctype} are not supported`);
  const fromFields = form.fields
    .filter(({ name }) => name !== "")
    .flatMap((field): (readonly [string, string])[] => {
      const value = sentValue(field, entered[field.name]);
      return value === null ? [] : [[field.name, value]];
    });
  const fromButton = pressed?.name ? [[pressed.name, pressed.value] as const] : [];
  const untouched = [...fromFields, ...fromButton].filter(([name]) => !(name in tamper));
  return {
    method: methodOf(pressed?.attribute("formmethod") ?? form.method),
    action: pressed?.attribute("formaction") ?? form.action,
    // A browser sends every line break as CRLF, whatever was typed.
    entries: [...untouched, ...Object.entries(tamper)].map(([name, value]) => [name, value.replace(/\r\n|\r|\n/g, "\r\n")]),
  };
}
