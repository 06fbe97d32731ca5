/** The pages that all factors share. @module */
import { defineView, type FieldSet, type Html, html, type PageTools, type View } from "@castellan/core";

/** One way to give a second factor, or one that could be set up. */
export interface Way {
  readonly method: string;
  /** Text key of its name. */
  readonly label: string;
  /** Path below the mount. */
  readonly path: string;
}

export interface FactorState extends Way {
  readonly isSetUp: boolean;
  readonly detail: string | null;
}

export interface OverviewData {
  readonly factors: readonly FactorState[];
  /** How many recovery codes are left; `null` where there is no factor. */
  readonly recoveryCodesLeft: number | null;
  readonly trustedBrowsers: readonly {
    readonly id: string;
    readonly userAgent: string;
    readonly network: string;
    readonly since: string;
    readonly until: string;
  }[];
}

const linkList = (ways: readonly Way[], { link }: PageTools): Html =>
  html`<ul class="ways">${ways.map(({ label, path }) => html`<li>${link(path, label)}</li>`)}</ul>`;

const factorItem = ({ label, path, isSetUp, detail }: FactorState, { t, link }: PageTools): Html =>
  html`<li><strong>${t(label)}</strong>${detail !== null && html` <span class="detail">${detail}</span>`}<br>
${t(isSetUp ? "twofactor.overview.on" : "twofactor.overview.off")} · ${link(path, isSetUp ? "twofactor.overview.remove" : "twofactor.overview.set_up", { factor: t(label) })}</li>\n`;

/** What a signed-in person has, and can change. */
export const overviewView: View<OverviewData> = defineView<OverviewData>("twofactor/overview", {
  title: "twofactor.overview.title",
  body: ({ factors, recoveryCodesLeft: left, trustedBrowsers }, tools) => {
    const { t, link, form } = tools;
    return html`<p>${t("twofactor.overview.what")}</p>
<ul class="ways">${factors.map((factor) => factorItem(factor, tools))}</ul>
${left !== null && html`<h2>${t("twofactor.recovery.heading")}</h2>\n<p>${t("twofactor.overview.codes_left", { left })} ${link("/2fa/recovery/regen", "twofactor.overview.regenerate")}</p>`}
${trustedBrowsers.length > 0 && html`<h2>${t("twofactor.trusted.heading")}</h2>`}
${trustedBrowsers.map(
  ({ id, userAgent, network, until }) => html`<div class="item"><p>${userAgent || t("twofactor.trusted.unknown")}<br>
<span class="detail">${t("twofactor.trusted.details", { network, until: until.slice(0, 10) })}</span></p>
${form({ action: "/2fa/trusted/end", fields: {}, submit: "twofactor.trusted.end", hidden: { id } })}</div>`,
)}`;
  },
});

/** The ways of a login that waits, or of somebody who is asked again. */
export const chooseView: View<{ readonly ways: readonly Way[] }> = defineView<{ readonly ways: readonly Way[] }>("twofactor/choose", {
  title: "twofactor.choose.title",
  body: ({ ways }, tools) => html`<p>${tools.t("twofactor.choose.what")}</p>
${linkList(ways, tools)}`,
});

/** A login that waits until a factor is set up. */
export const enrolView: View<{ readonly ways: readonly Way[] }> = defineView<{ readonly ways: readonly Way[] }>("twofactor/enrol", {
  title: "twofactor.enrol.title",
  body: ({ ways }, tools) => html`<p>${tools.t("twofactor.enrol.what")}</p>
${linkList(ways, tools)}`,
});

/** A link to the other ways, for the page of a factor. */
export const otherWays = ({ link }: PageTools): Html => html`<p>${link("/2fa/choose", "twofactor.other_ways")}</p>`;

export const recoveryView: View<{ readonly fields: FieldSet }> = defineView<{ readonly fields: FieldSet }>("twofactor/recovery", {
  title: "twofactor.recovery.title",
  body: ({ fields }, tools) => html`<p>${tools.t("twofactor.recovery.what")}</p>
${tools.form({ action: "/2fa/recovery", fields, submit: "twofactor.recovery.submit" })}
${otherWays(tools)}`,
});

/** The codes, once: to be printed, saved without any script, or written down. */
export function codeList(codes: readonly string[], { t }: PageTools): Html {
  const file = `data:text/plain;charset=utf-8,${encodeURIComponent(`${codes.join("\r\n")}\r\n`)}`;
  return html`<p>${t("twofactor.codes.what")}</p>
<ol class="codes">${codes.map((code) => html`<li><code>${code}</code></li>`)}</ol>
<p><a href="${file}" download="recovery-codes.txt">${t("twofactor.codes.download")}</a></p>`;
}

export interface RegenerateData {
  readonly left: number;
  /** The new ones, shown once; `null` before. */
  readonly codes: readonly string[] | null;
}

export const regenerateView: View<RegenerateData> = defineView<RegenerateData>("twofactor/regenerate", {
  title: "twofactor.regenerate.title",
  body: ({ left, codes }, tools) =>
    codes
      ? html`${codeList(codes, tools)}\n<p>${tools.link("/2fa", "twofactor.codes.kept")}</p>`
      : html`<p>${tools.t("twofactor.overview.codes_left", { left })} ${tools.t("twofactor.regenerate.what")}</p>
${tools.form({ action: "/2fa/recovery/regen", fields: {}, submit: "twofactor.regenerate.submit" })}`,
});

export interface FactorAddedData {
  /** Text key of its name. */
  readonly factor: string;
  /** The recovery codes, shown once; `null` where the older ones stay good. */
  readonly codes: readonly string[] | null;
  /** A path of the application, or of the suite as the application sees it. */
  readonly next: string;
}

export const factorAddedView: View<FactorAddedData> = defineView<FactorAddedData>("twofactor/factor-added", {
  title: "twofactor.added.title",
  body: ({ factor, codes, next }, tools) => {
    const { t, home } = tools;
    return html`<p>${t("twofactor.added.what", { factor: t(factor) })}</p>
${codes && codeList(codes, tools)}
<p><a href="${home.slice(0, -1) + next}">${t(codes ? "twofactor.codes.kept" : "twofactor.added.next")}</a></p>`;
  },
});

export const authorizeView: View<{ readonly email: string | null }> = defineView<{ readonly email: string | null }>("twofactor/authorize", {
  title: "twofactor.authorize.title",
  body: ({ email }, { t, form }) =>
    email === null
      ? html`<p>${t("reason.email_missing")}</p>`
      : html`<p>${t("twofactor.authorize.what", { email })}</p>
${form({ action: "/2fa/email/verify", fields: {}, submit: "twofactor.authorize.submit" })}`,
});

export const authorizeEndView: View<{ readonly token: string | null }> = defineView<{ readonly token: string | null }>(
  "twofactor/authorize-end",
  {
    title: "twofactor.authorize.title",
    body: ({ token }, { t, form, link }) =>
      token === null
        ? html`<p>${link("/2fa/email/verify", "twofactor.authorize.again")}</p>`
        : html`<p>${t("twofactor.authorize.end")}</p>
${form({ action: "/2fa/email/verify/end", fields: {}, submit: "twofactor.authorize.confirm", hidden: { token } })}`,
  },
);
