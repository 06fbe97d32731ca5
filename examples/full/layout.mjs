/** The frame of this application's own pages, with the style sheet of Castellan's. @module */
import { html } from "castellan";
import { APPLICATION } from "./gate.mjs";

/** @typedef {import("castellan").Html} Html */
/** @typedef {{ href: string, text: string }} Link */

/**
 * @typedef {object} Frame
 * @property {string} title
 * @property {Html} body
 * @property {{ kind: "success" | "failure", text: string } | null} [notice] Said once, above the body.
 * @property {string | null} [signOutToken] The CSRF token of the button that signs out; without it there is none.
 * @property {readonly Link[]} [links] Ways on from here.
 */

/** @param {Frame} frame */
export const layout = ({ title, body, notice = null, signOutToken = null, links = [] }) =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – ${APPLICATION}</title>
<link rel="stylesheet" href="/auth/castellan.css">
<link rel="icon" href="data:,">
</head>
<body>
<header class="header"><a href="/">${APPLICATION}</a></header>
<main class="card wide">
<h1>${title}</h1>
${notice && html`<p class="notice ${notice.kind}" role="${notice.kind === "success" ? "status" : "alert"}">${notice.text}</p>`}
${body}
</main>
${(links.length > 0 || signOutToken) && footer(links, signOutToken)}
</body>
</html>
`.markup;

/** @param {readonly Link[]} links @param {string | null} signOutToken */
const footer = (links, signOutToken) => html`<footer class="footer"><nav aria-label="Pages"><ul>
${links.map(({ href, text }) => html`<li><a href="${href}">${text}</a></li>`)}
${signOutToken && html`<li>${button("/auth/logout", signOutToken, "Sign out", { kind: "quiet" })}</li>`}
</ul></nav></footer>`;

/**
 * A form that is one button. The token shows that the form is ours: see `gate.csrf()`.
 *
 * @param {string} action
 * @param {string} csrfToken
 * @param {string | Html} text
 * @param {{ kind?: "quiet" | "danger" | "second", fields?: Readonly<Record<string, string>> }} [options]
 */
export const button = (action, csrfToken, text, { kind, fields = {} } = {}) => html`<form method="post" action="${action}">
${Object.entries({ _csrf: csrfToken, ...fields }).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<button type="submit"${kind && html` class="${kind}"`}>${text}</button></form>`;
