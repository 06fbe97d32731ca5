/** The pages of this module, and what it adds to others. @module */
import { defineView, type FieldSet, type Html, html, type PageTools, type View } from "@castellan/core";

/** A provider as pages and JSON clients know it. */
export interface ShownProvider {
  readonly name: string;
  readonly label: string;
  /** Where to post to begin. */
  readonly path: string;
}

export interface ButtonsData {
  readonly providers: readonly ShownProvider[];
  /** Whether there is a box to stay signed in. */
  readonly remember: boolean;
}

const hidden = (values: Readonly<Record<string, string>>): readonly Html[] =>
  Object.entries(values).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);

const rememberBox = ({ t, values }: PageTools): Html =>
  html`<div class="field"><label class="flag" for="oauth2-remember"><input id="oauth2-remember" type="checkbox" name="remember" value="true"${
    values["remember"] === "true" && html` checked`
  }> <span>${t("oauth2.remember")}</span></label></div>\n`;

/** One form with a button for each provider. */
const startForm = ({ providers, remember }: ButtonsData, tools: PageTools, extra: Readonly<Record<string, string>> = {}): Html => {
  const { csrfToken, redir, t, url } = tools;
  const [first] = providers;
  if (!first) return html``;
  return html`<form class="providers" method="post" action="${url(first.path)}">
${hidden({ _csrf: csrfToken, ...(redir !== null && { redir }), ...extra })}
${remember && rememberBox(tools)}${providers.map(
  ({ label, path }) =>
    html`<button class="second" type="submit" formaction="${url(path)}">${t("oauth2.continue", { provider: label })}</button>\n`,
)}</form>`;
};

/** What the login and the registration page get. */
export const providerButtons = (data: ButtonsData, tools: PageTools): Html => html`<section class="providers" aria-labelledby="oauth2-or">
<h2 id="oauth2-or">${tools.t("oauth2.or")}</h2>
${startForm(data, tools)}
</section>`;

/** The login page of an application without passwords. */
export const oauth2LoginView: View<ButtonsData> = defineView<ButtonsData>("oauth2/login", {
  title: "oauth2.login.title",
  body: (data, tools) => startForm(data, tools),
});

export interface StartPageData extends ButtonsData {
  readonly label: string;
  /** What is passed along. */
  readonly parameters: Readonly<Record<string, string>>;
}

export const oauth2StartView: View<StartPageData> = defineView<StartPageData>("oauth2/start", {
  title: "oauth2.start.title",
  body: (data, tools) => html`<p>${tools.t("oauth2.start.what", { provider: data.label })}</p>
${startForm(data, tools, data.parameters)}`,
});

export interface FailedPageData {
  readonly provider: string;
  readonly label: string;
}

export const oauth2FailedView: View<FailedPageData> = defineView<FailedPageData>("oauth2/failed", {
  title: "oauth2.failed.title",
  body: ({ provider, label }, { link }) => html`<p>${link(`/oauth2/${provider}`, "oauth2.failed.again", { provider: label })}</p>
<p>${link("/login", "oauth2.failed.login")}</p>`,
});

export const oauth2FinishView: View<{ readonly fields: FieldSet; readonly label: string }> = defineView("oauth2/finish", {
  title: "oauth2.finish.title",
  body: ({ fields, label }, { t, form }) => html`<p>${t("oauth2.finish.what", { provider: label })}</p>
${form({ action: "/oauth2/finish", fields, submit: "oauth2.finish.submit" })}`,
});

export interface ConnectPageData {
  readonly label: string;
  readonly login: string;
  /** The password of the account, where there are passwords. */
  readonly fields: FieldSet;
  /** Whether a link can be mailed. */
  readonly canMail: boolean;
  readonly mailSent: boolean;
}

export const oauth2ConnectView: View<ConnectPageData> = defineView<ConnectPageData>("oauth2/connect", {
  title: "oauth2.connect.title",
  body: (
    { label, login, fields, canMail, mailSent },
    { t, url, csrfToken, form },
  ) => html`<p>${t("oauth2.connect.what", { provider: label, login })}</p>
${
  canMail &&
  html`<form class="providers" method="post" action="${url("/oauth2/connect/mail")}">${hidden({ _csrf: csrfToken })}${
    mailSent
      ? html`<button class="second" type="submit">${t("oauth2.connect.mail_again")}</button>`
      : html`<button type="submit">${t("oauth2.connect.mail", { login })}</button>`
  }</form>`
}
${
  Object.keys(fields).length > 0 &&
  html`<p>${t("oauth2.connect.password")}</p>
${form({ action: "/oauth2/connect", fields, submit: "oauth2.connect.submit" })}`
}`,
});

export const oauth2EndView: View<{ readonly token: string | null }> = defineView<{ readonly token: string | null }>("oauth2/connect-end", {
  title: "oauth2.end.title",
  body: ({ token }, { t, form }) =>
    token === null
      ? html`<p>${t("oauth2.end.other")}</p>`
      : html`<p>${t("oauth2.end.what")}</p>
${form({ action: "/oauth2/connect/end", fields: {}, submit: "oauth2.end.submit", hidden: { token } })}`,
});

export interface ConnectedAccount {
  /** A handle for this page. */
  readonly id: string;
  readonly provider: string;
  readonly label: string;
  /** What the provider calls the person. */
  readonly account: string | null;
  /** As ISO 8601. */
  readonly linkedAt: string;
  /** Whether another way in would be left. */
  readonly removable: boolean;
}

export interface AccountsPageData {
  readonly accounts: readonly ConnectedAccount[];
  /** What can be connected. */
  readonly providers: readonly ShownProvider[];
}

const accountRow = (
  { id, label, account, removable }: ConnectedAccount,
  { t, url, csrfToken }: PageTools,
): Html => html`<li><strong>${label}</strong>${account !== null && html` <span class="hint">${account}</span>`}
${
  removable
    ? html`<form method="post" action="${url("/oauth2/unlink")}">${hidden({ _csrf: csrfToken, identity: id })}<button class="quiet" type="submit">${t(
        "oauth2.accounts.unlink",
        { provider: label },
      )}</button></form>`
    : html`<p class="hint">${t("oauth2.accounts.last")}</p>`
}</li>\n`;

export const oauth2AccountsView: View<AccountsPageData> = defineView<AccountsPageData>("oauth2/accounts", {
  title: "oauth2.accounts.title",
  body: ({ accounts, providers }, tools) => {
    const { t, url, csrfToken } = tools;
    const [first] = providers;
    return html`${
      accounts.length === 0
        ? html`<p>${t("oauth2.accounts.none")}</p>`
        : html`<p>${t("oauth2.accounts.what")}</p>
<ul class="accounts">${accounts.map((account) => accountRow(account, tools))}</ul>`
    }
${
  first &&
  html`<form class="providers" method="post" action="${url(first.path)}">${hidden({ _csrf: csrfToken })}${providers.map(
    ({ label, path }) =>
      html`<button class="second" type="submit" formaction="${url(path)}">${t("oauth2.accounts.link", { provider: label })}</button>\n`,
  )}</form>`
}`;
  },
});
