/** Markup that escapes what is put into it. @module */

declare const safe: unique symbol;

/** Markup that may be sent as it is. Only {@link html} and {@link trustedHtml} make it. */
export interface Html {
  readonly markup: string;
  readonly [safe]: true;
}

export type HtmlValue = Html | string | number | false | null | undefined | readonly HtmlValue[];

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);

// The brand exists only in the types: this is the one place that gives it.
const made = (markup: string): Html => Object.freeze({ markup }) as Html;
const MADE = new WeakSet<object>();

const isHtml = (value: unknown): value is Html => typeof value === "object" && value !== null && MADE.has(value);

/** Lets markup through as it is. For what the application itself wrote, never for what a visitor sent. */
export function trustedHtml(markup: string): Html {
  const result = made(markup);
  MADE.add(result);
  return result;
}

const render = (value: HtmlValue): string => {
  if (value === null || value === undefined || value === false) return "";
  if (isHtml(value)) return value.markup;
  if (Array.isArray(value)) return value.map(render).join("");
  return escapeHtml(String(value));
};

/**
 * Tag for templates: what is put in is escaped, so that it is text in an element and in a quoted attribute. Not for use inside `<script>`, `<style>`, or an
 * attribute that holds a URL from a visitor.
 */
export const html = (parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html =>
  trustedHtml(parts.reduce((markup, part, index) => markup + render(values[index - 1]) + part));
