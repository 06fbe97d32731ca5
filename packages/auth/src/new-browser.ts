/** Tells the owner when somebody signs in from a browser that the account was never used in. @module */
import { ConfigError, type Core, defineMail, letter, login, type MailView } from "@castellan/core";

export const newBrowserMail: MailView<{ readonly browser: string; readonly network: string; readonly at: string }> = defineMail<{
  readonly browser: string;
  readonly network: string;
  readonly at: string;
}>("auth/new-browser", ({ browser, network, at }, { t, applicationName: application }) =>
  letter(t("auth.new_browser.subject"), [
    t("auth.new_browser.what", { application, at }),
    t("auth.new_browser.details", { browser, network }),
    t("auth.new_browser.todo"),
  ]),
);

export function tellOfNewBrowsers(core: Core): void {
  if (!core.sendsMail)
    throw new ConfigError(['auth: `tellOfNewBrowsers` needs the option `mail`, and a storer with the capability "mail-queueing"']);
  core.on(login).after("notify", async ({ user, ctx, knownBrowser, proof, via }) => {
    // The browser in which the account was made is new, but no news. A remembered one is known by its cookie.
    if (knownBrowser !== null || via === "register" || proof.method === "remember") return;
    const { userAgent, network } = ctx;
    await core.tell(newBrowserMail, { browser: userAgent.slice(0, 200), network, at: proof.at.toISOString() }, user, ctx);
  });
}
