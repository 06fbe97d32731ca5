/** The default renderer: any view as a whole document, with one style sheet and no script. @module */
import { readFileSync } from "node:fs";
import type { Html, PageTools, Renderer, View } from "@castellan/core";
import { headOf, type LayoutParts, navigationOf, noticeOf, standardLayout } from "./layout.ts";

// A method, because its parameter may then be narrowed: an override names the data of its view, and the view's name is what ties the two.
type PageBody = { body(data: unknown, tools: PageTools): Html }["body"];
export type Overrides = Readonly<Record<string, PageBody>>;

export interface PagesOptions {
  /** Other bodies for single pages, by view name; {@link override} makes them typed. @default none */
  readonly overrides?: Overrides;
  /** The whole document around all pages. @default {@link standardLayout} */
  readonly layout?: (parts: LayoutParts) => Html;
  /** Shown above every page, with a link to the application's start page, and in every title. @default a link named "Home" */
  readonly applicationName?: string;
  /** CSS that is appended to the style sheet, for example other tokens: `:root { --castellan-accent: #0a6; }`. @default none */
  readonly styleSheet?: string;
}

const STYLE_SHEET = new URL("../../style.css", import.meta.url);

/** An override that the compiler compares with its view: `overrides: { ...override(loginView, (data, tools) => …) }`. */
export const override = <Data>(view: View<Data>, body: View<Data>["body"]): Overrides => ({ [view.name]: body });

export function pages({ applicationName, layout = standardLayout, overrides = {}, styleSheet }: PagesOptions = {}): Renderer {
  const ownStyles = styleSheet === undefined ? "" : `\n${styleSheet}\n`;
  return {
    render(view, data, tools) {
      const title = tools.t(view.title);
      const name = applicationName ?? null;
      const body = (overrides[view.name] ?? view.body)(data, tools);
      const head = headOf(title, name, tools);
      const navigation = navigationOf(view.name, tools);
      return layout({ view: view.name, title, applicationName: name, head, notice: noticeOf(tools), body, navigation, tools }).markup;
    },
    assets: { "/castellan.css": { type: "text/css", body: readFileSync(STYLE_SHEET, "utf8") + ownStyles } },
  };
}
