/** What is inside of the pages about security. @module */
import { html } from "castellan";
import { button } from "./layout.mjs";
import { time } from "./pages.mjs";

/**
 * @typedef {object} ListedBrowser
 * @property {string} id
 * @property {string} browser
 * @property {string} network
 * @property {string} since
 * @property {string} until
 */

/** @type {Readonly<Record<string, string>>} */
const NAMES = { totp: "Authenticator app", sms: "Text message" };

/** @param {{ factors: readonly string[], recoveryCodes: number, oneTimePasswords: number, trustedBrowsers: readonly ListedBrowser[], csrfToken: string }} data */
export const securityPage = ({ factors, recoveryCodes, oneTimePasswords, trustedBrowsers, csrfToken }) => html`<dl class="facts">
<dt>Second factors</dt><dd>${
  factors.length === 0
    ? html`None yet: your password alone opens this account. <a href="/auth/2fa">Set one up</a>`
    : html`${factors.map((method) => NAMES[method] ?? method).join(", ")}. <a href="/auth/2fa">Add or remove</a>`
}</dd>
${
  factors.length > 0 &&
  html`<dt>Recovery codes</dt><dd>${recoveryCodes} left${recoveryCodes < 4 && html`: make new ones soon`}. <a href="/auth/2fa/recovery/regen">Make new ones</a></dd>`
}
<dt>One-time passwords</dt><dd>${oneTimePasswords} left. <a href="/auth/otp/add">Make one</a>${oneTimePasswords > 0 && html` or <a href="/auth/otp/clear">throw them away</a>`}</dd>
<dt>Password</dt><dd>Known to you alone: <a href="/auth/password">change your password</a></dd>
</dl>
<section aria-labelledby="trusted">
<h2 id="trusted">Trusted browsers</h2>
${
  trustedBrowsers.length === 0
    ? html`<p class="hint">None. When you sign in with a second factor, you may trust the browser for a month: it is not asked again.</p>`
    : html`<ul class="rows">${trustedBrowsers.map((browser) => trustedRow(browser, csrfToken))}</ul>`
}
</section>`;

/** @param {ListedBrowser} browser @param {string} csrfToken */
const trustedRow = ({ id, browser, network, since, until }, csrfToken) => html`<li>
<div>
<strong>${browser}</strong>
<p class="hint">From ${network}, since ${time(since)}, until ${time(until)}</p>
</div>
${button("/security/trusted-browsers/end", csrfToken, html`Ask again<span class="unseen"> in ${browser} from ${network}</span>`, { kind: "quiet", fields: { id } })}
</li>
`;

/** @param {{ to: string, amount: string, csrfToken: string }} data */
export const transferPage = ({
  to,
  amount,
  csrfToken,
}) => html`<p>Nothing is moved. Sending this form wants a second factor that was given in the last five minutes.</p>
<form class="form" method="post" action="/transfer">
<input type="hidden" name="_csrf" value="${csrfToken}">
<div class="field"><label for="to">To whom</label><input id="to" name="to" value="${to}" autocomplete="off" required></div>
<div class="field"><label for="amount">Amount</label><input id="amount" name="amount" value="${amount}" inputmode="decimal" autocomplete="off" required></div>
<button type="submit">Send</button>
</form>`;
