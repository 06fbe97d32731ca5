/** What is inside of the pages: plain functions from data to markup. @module */
import { html } from "castellan";
import { button } from "./layout.mjs";

/** @typedef {import("./person.mjs").Person} Person */

/**
 * @typedef {object} ListedSignIn
 * @property {string} id
 * @property {string} browser
 * @property {string} network
 * @property {string} since
 * @property {string} seen
 * @property {boolean} current Whether it is the one of this request.
 */

const CLOCK = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

/** @param {string} moment As ISO 8601. */
export const time = (moment) => html`<time datetime="${moment}">${CLOCK.format(new Date(moment))} UTC</time>`;

/** @param {{ person: Person | null, hasOutbox: boolean }} data */
export const startPage = ({ person, hasOutbox }) => html`<p>${
  person
    ? html`You are signed in as <strong>${person.email}</strong>.`
    : "Registration, sign-in and everything around them, for Express. Make an account to see how it feels; it stays on this machine."
}</p>
<p class="actions">${
  person
    ? html`<a class="button" href="/account">Your account</a>`
    : html`<a class="button" href="/auth/register">Create an account</a> <a class="button second" href="/auth/login">Sign in</a>`
}</p>
<h2>What to try</h2>
<dl class="choices">
<dt><a href="/account">Your account</a></dt><dd>For people who are signed in. Everybody else is sent to sign in, and comes back.</dd>
<dt><a href="/full">For full sign-ins only</a></dt><dd>Wants a password given in this browser; being remembered is not enough.</dd>
<dt><a href="/security">Security</a></dt><dd>Second factors, recovery codes, trusted browsers, one-time passwords.</dd>
<dt><a href="/transfer">A transfer</a></dt><dd>Its form asks for a second factor of the last five minutes, and is still filled in afterwards.</dd>
<dt><a href="/auth/oauth2">Connected accounts</a></dt><dd>Sign in with what you have elsewhere; in development, with a provider that runs beside this.</dd>
<dt><a href="/confirmed">For confirmed addresses only</a></dt><dd>Wants the link to be opened that was mailed after the registration.</dd>
${hasOutbox && html`<dt><a href="/dev/outbox">Outbox</a></dt><dd>Every mail and text message, which in development go nowhere else.</dd>`}
</dl>
<p class="hint">Every page answers in JSON too: <code>curl -H 'Accept: application/json' …</code></p>`;

/** @param {{ person: Person, confirmed: boolean, hasPassword: boolean, signIns: readonly ListedSignIn[], csrfToken: string, mailsStay: boolean }} data */
export const accountPage = ({ person, confirmed, hasPassword, signIns, csrfToken, mailsStay }) => {
  const here = signIns.find(({ current }) => current);
  return html`<dl class="facts">
<dt>Name</dt><dd>${person.name}</dd>
<dt>E-mail address</dt><dd>${person.email}${!confirmed && html`, <a href="/auth/confirm/resend">not confirmed yet</a>`}</dd>
<dt>Security</dt><dd>Second factors and what belongs to them: <a href="/security">look at your security</a></dd>
<dt>Password</dt><dd>${
    hasPassword
      ? html`Known to you alone: <a href="/auth/password">change your password</a>`
      : html`None so far: <a href="/auth/recover">choose one by mail</a>`
  }</dd>
<dt>Elsewhere</dt><dd>Sign in with what you have at other sites: <a href="/auth/oauth2">connected accounts</a></dd>
${here && html`<dt>Signed in</dt><dd>${time(here.since)}</dd>`}
</dl>
<section aria-labelledby="sign-ins">
<h2 id="sign-ins">Where you are signed in</h2>
<ul class="rows">${signIns.map((signIn) => signInRow(signIn, csrfToken))}</ul>
${signIns.length > 1 && button("/account/sign-ins/end-others", csrfToken, "Sign out everywhere else", { kind: "second" })}
</section>
<section aria-labelledby="mail">
<h2 id="mail">Mail</h2>
<p>Sends a mail to ${person.email}${mailsStay && html`. In development it goes to the <a href="/dev/outbox">outbox</a>`}.</p>
${button("/account/test-mail", csrfToken, "Send me a test mail", { kind: "second" })}
</section>`;
};

/**
 * @param {ListedSignIn} signIn
 * @param {string} csrfToken
 */
const signInRow = ({ id, browser, network, since, seen, current }, csrfToken) => html`<li>
<div>
<strong>${browser}</strong>${current && html` <span class="mark">This browser</span>`}
<p class="hint">From ${network}, since ${time(since)}</p>
${!current && html`<p class="hint">Last seen ${time(seen)}</p>`}
</div>
${!current && endButton({ id, browser, network }, csrfToken)}
</li>
`;

/** @param {Pick<ListedSignIn, "id" | "browser" | "network">} signIn @param {string} csrfToken */
const endButton = ({ id, browser, network }, csrfToken) =>
  // Several buttons named "End" would all sound the same.
  button("/account/sign-ins/end", csrfToken, html`End<span class="unseen"> the sign-in of ${browser} from ${network}</span>`, {
    kind: "quiet",
    fields: { id },
  });

/** @param {{ email: string }} data */
export const confirmedPage = ({ email }) =>
  html`<p>You opened the link that we sent to <strong>${email}</strong>, so you may see this page.</p>`;

/** @param {{ factors: readonly { method: string, at: string }[] }} data */
export const fullPage = ({ factors }) => html`<p>You gave a proof of who you are in this very browser, so you may see this page.</p>
<dl class="facts">${factors.map(({ method, at }) => html`<dt>By ${method}</dt><dd>${time(at)}</dd>`)}</dl>`;

/** @param {{ message: string }} data */
export const problemPage = ({ message }) => html`<p>${message}</p>
<p><a href="/">Back to the start page</a></p>`;

/** @param {{ messages: readonly import("castellan").OutboxMessage[] }} data The newest first. */
export const outboxPage = ({ messages }) => html`<p>What would have been sent. It is kept in memory and shown to this machine only.</p>
${messages.length === 0 && html`<p class="empty">Nothing yet. Your <a href="/account">account page</a> can send a test mail.</p>`}
${messages.map((kept) => (kept.kind === "mail" ? mailArticle(kept) : smsArticle(kept)))}`;

/** @param {Extract<import("castellan").OutboxMessage, { kind: "mail" }>} mail */
const mailArticle = ({
  id,
  at,
  message: { from, to, subject, text, html: markup },
}) => html`<article class="message" aria-labelledby="${id}">
<h2 id="${id}">${subject}</h2>
<dl class="facts"><dt>From</dt><dd>${mailbox(from)}</dd><dt>To</dt><dd>${mailbox(to)}</dd><dt>Sent</dt><dd>${time(at.toISOString())}</dd></dl>
${
  markup !== undefined &&
  // Nothing in it may run or reach this site; its links open in a window of their own.
  html`<iframe title="HTML of the mail “${subject}”" sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="${`<base target="_blank">${markup}`}"></iframe>`
}
<pre>${withLinks(text)}</pre>
</article>`;

/** @param {Extract<import("castellan").OutboxMessage, { kind: "sms" }>} sms */
const smsArticle = ({ id, at, message: { to, text } }) => html`<article class="message" aria-labelledby="${id}">
<h2 id="${id}">Text message to ${to}</h2>
<dl class="facts"><dt>Sent</dt><dd>${time(at.toISOString())}</dd></dl>
<pre>${withLinks(text)}</pre>
</article>`;

/** Mail readers make links of addresses, too. @param {string} text */
const withLinks = (text) =>
  text.split(/(https?:\/\/\S+)/).map((part, index) => (index % 2 === 1 ? html`<a href="${part}">${part}</a>` : part));

/** @param {import("castellan").Mailbox} mailbox */
const mailbox = ({ name, address }) => (name === undefined ? address : `${name} <${address}>`);
