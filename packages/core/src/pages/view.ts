/** Views: pages as values, with typed data that a JSON client gets as it is. @module */
import type { FieldSet } from "../http/fields.ts";
import type { TextParameters, Translate } from "../texts.ts";
import type { Html } from "./html.ts";

/** Something that is wrong with what was sent. `field` is `""` where it belongs to none. */
export interface Problem {
  readonly field: string;
  /** A stable word, also the key of its text `reason.WORD`. */
  readonly reason: string;
  /** What the text of the reason needs, for example the least length. */
  readonly parameters?: TextParameters;
  /** What a schema says about it, in the application's own words. */
  readonly message?: string;
}

export interface View<in Data> {
  /** `module/page`; what an override is named by. */
  readonly name: string;
  /** Text key of the page's title. */
  readonly title: string;
  /** Places of the page that other modules may add to, shown by `tools.slot`. @default none */
  readonly slots?: readonly string[];
  readonly body: (data: Data, tools: PageTools) => Html;
}

export const defineView = <Data>(name: string, view: Omit<View<Data>, "name">): View<Data> => ({ name, ...view });

/** A message that is shown once, on the next page. */
export interface Flash {
  readonly kind: "success" | "failure";
  readonly reason: string;
  readonly text: string;
}

/** What a page may use beside its own data. */
export interface PageTools {
  readonly t: Translate;
  readonly locale: string;
  /** The public path of a path below the mount: `url("/login")`. */
  readonly url: (path: string) => string;
  /** The public path of the application's own start page. */
  readonly home: string;
  readonly csrfToken: string;
  /** Why this page is shown, if there is a reason to give. */
  readonly reason: string | null;
  /** Whether something went wrong: the status of the page says so. */
  readonly failed: boolean;
  readonly problems: readonly Problem[];
  readonly flash: Flash | null;
  /** Values to show again, by field name. Never holds a secret. */
  readonly values: Readonly<Record<string, string>>;
  /** Where to go afterwards, as it came with the request and was checked; `null` for nowhere in particular. */
  readonly redir: string | null;
  /** The modules that are loaded, each `true`. */
  readonly modules: Readonly<Record<string, true>>;
  /** Whether somebody is signed in: pages then show the way out. */
  readonly signedIn: boolean;
  /** What the application adds to every page by `gate.pageData`. */
  readonly page: Readonly<Record<string, unknown>>;
  /** A form for declared fields: labels, hints, problems beside their fields, focus on the first error, the CSRF token. */
  readonly form: (form: FormOptions) => Html;
  /** A link to a path below the mount that takes the wanted page along. */
  readonly link: (path: string, textKey: string, parameters?: TextParameters) => Html;
  /** What other modules add to this place; nothing where none does. The view lists it in `slots`. */
  readonly slot: (slot: string) => Html;
}

export interface FormOptions {
  /** Path below the mount. */
  readonly action: string;
  readonly fields: FieldSet;
  /** Text key of the button. */
  readonly submit: string;
  readonly hidden?: Readonly<Record<string, string>>;
}

/** Turns a view into a whole document. Replace it to use another template engine. */
export interface Renderer {
  render<Data>(view: View<Data>, data: Data, tools: PageTools): string | Promise<string>;
  /** Files that the pages need, by path below the mount, for example the style sheet. */
  readonly assets?: Readonly<Record<string, { readonly type: string; readonly body: string }>>;
  /** Content-Security-Policy for the pages, when they need another than the default one. */
  readonly contentSecurityPolicy?: string;
}
