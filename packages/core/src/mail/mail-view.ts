/** Mails as values: small functions from typed data to text. @module */
import { type Html, html } from "../pages/html.ts";
import type { Translate } from "../texts.ts";

/** What a mail may use beside its own data. */
export interface MailTools {
  readonly t: Translate;
  readonly locale: string;
  readonly applicationName: string;
}

/** What a mail says. Text is required; HTML is made from the same paragraphs unless the mail brings its own. */
export interface MailContent {
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
}

export interface MailView<in Data> {
  /** `module/mail`; what an override is named by. */
  readonly name: string;
  readonly content: (data: Data, tools: MailTools) => MailContent;
}

/** An application's own mails, by name. */
// A method, because its parameter may then be narrowed: the name of the view ties an override to its data.
export type MailOverrides = Readonly<Record<string, { content(data: unknown, tools: MailTools): MailContent }["content"]>>;

export const defineMail = <Data>(name: string, content: MailView<Data>["content"]): MailView<Data> => ({ name, content });

/** A mail of the usual form: a greeting-free few paragraphs and at most one link, as text and as plain HTML without pictures or style sheets. */
export function letter(subject: string, parts: readonly (string | { readonly link: string; readonly label: string })[]): MailContent {
  const text = parts.map((part) => (typeof part === "string" ? part : `${part.label}:\n${part.link}`)).join("\n\n");
  const paragraphs: Html[] = parts.map((part) =>
    typeof part === "string" ? html`<p>${part}</p>` : html`<p><a href="${part.link}">${part.label}</a></p><p>${part.link}</p>`,
  );
  const document = html`<!doctype html><html><head><meta charset="utf-8"><title>${subject}</title></head><body style="font: 16px/1.5 sans-serif; overflow-wrap: anywhere">${paragraphs}</body></html>`;
  return { subject, text: `${text}\n`, html: document.markup };
}
