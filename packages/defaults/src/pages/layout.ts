/** The frame around every page. @module */
import { type Html, html, type PageTools } from "@castellan/core";

/** What a layout puts together. */
export interface LayoutParts {
  /** The name of the view that is shown, for example `auth/login`. */
  readonly view: string;
  /** The page's own title: its heading. */
  readonly title: string;
  readonly applicationName: string | null;
  /** What belongs into `<head>`: character set, viewport, `<title>`, style sheet, icon. */
  readonly head: Html;
  /** The flash message, or else why the page is shown. */
  readonly notice: Html | null;
  readonly body: Html;
  /** Ways on from here: sign in, register, sign out. */
  readonly navigation: Html | null;
  readonly tools: PageTools;
}

export function headOf(title: string, applicationName: string | null, { t, url }: PageTools): Html {
  const whole = applicationName === null ? title : t("page.title", { page: title, application: applicationName });
  // The empty icon keeps browsers from asking for /favicon.ico, which the application may not have.
  return html`<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${whole}</title>
<link rel="stylesheet" href="${url("/castellan.css")}">
<link rel="icon" href="data:,">`;
}

/** A page with problems lists them itself; to say once more that there are some would help nobody. */
export function noticeOf({ flash, reason, failed, problems, t }: PageTools): Html | null {
  if (flash) return notice(flash.kind, flash.text);
  if (reason !== null && problems.length === 0) return notice(failed ? "failure" : "success", t(`reason.${reason}`));
  return null;
}

const notice = (kind: "success" | "failure", text: string): Html =>
  html`<p class="notice ${kind}" role="${kind === "success" ? "status" : "alert"}">${text}</p>`;

const signOut = ({ csrfToken, t, url }: PageTools): Html => html`<form method="post" action="${url("/logout")}">
<input type="hidden" name="_csrf" value="${csrfToken}"><button class="quiet" type="submit">${t("nav.logout")}</button>
</form>`;

/** A module's own pages need no link to it: the sign-in page offers to register, and the other way round. */
export function navigationOf(view: string, tools: PageTools): Html | null {
  const { link, modules, signedIn, t } = tools;
  const offers = (module: string): boolean => modules[module] === true && !view.startsWith(`${module}/`);
  const items = signedIn
    ? [offers("logout") && signOut(tools)]
    : [offers("auth") && link("/login", "nav.login"), offers("register") && link("/register", "nav.register")];
  const shown = items.filter((item) => item !== false);
  if (shown.length === 0) return null;
  return html`<nav aria-label="${t("nav.label")}"><ul>${shown.map((item) => html`<li>${item}</li>`)}</ul></nav>`;
}

/**
 * The layout that is used when none is given. Another one can wrap it: `(parts) => standardLayout({ ...parts, body: … })`. Navigation follows the content, with
 * one link before it, so that there is nothing to skip.
 */
export const standardLayout = ({ applicationName, body, head, navigation, notice, title, tools }: LayoutParts): Html => html`<!doctype html>
<html lang="${tools.locale}">
<head>
${head}
</head>
<body>
<header class="header"><a href="${tools.home}">${applicationName ?? tools.t("page.home")}</a></header>
<main class="card">
<h1>${title}</h1>
${notice}
${body}
</main>
${navigation && html`<footer class="footer">${navigation}</footer>`}
</body>
</html>
`;
