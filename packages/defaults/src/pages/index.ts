/** Pages: the default renderer, its layout and its style sheet. @module */
export { type LayoutParts, standardLayout } from "./layout.ts";
export { type Overrides, override, type PagesOptions, pages } from "./renderer.ts";
