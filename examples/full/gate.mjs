/** The gate of this application: which modules, which storer, which texts. @module */
import { readFileSync } from "node:fs";
import { auth } from "@castellan/auth";
import { confirm } from "@castellan/confirm";
import { expire } from "@castellan/expire";
import { lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { github, google, oauth2, oidcProvider } from "@castellan/oauth2";
import { otp } from "@castellan/otp";
import { recover } from "@castellan/recover";
import { register } from "@castellan/register";
import { remember } from "@castellan/remember";
import { sms, twilioSender } from "@castellan/sms";
import { totp } from "@castellan/totp";
import { twofactor } from "@castellan/twofactor";
import { castellan, days, expressSessions, openStorer, pages, smtpMailer, textField } from "castellan";
import { z } from "zod";
import { DEMO_CLIENT } from "./demo-provider.mjs";

export const APPLICATION = "Castellan Example";

/** What the application says itself; everything else is said in Castellan's own English. @type {Readonly<Record<string, string>>} */
const TEXTS = { "field.name": "Your name" };

const name = textField({
  label: "field.name",
  autocomplete: "name",
  // Any Standard Schema will do: Zod, Valibot, ArkType.
  schema: z.string().trim().min(2, "Please use at least two letters.").max(60, "Please use at most 60 letters."),
});

/** @typedef {Awaited<ReturnType<typeof makeGate>>} Gate */

/**
 * @param {import("./config.mjs").Settings} settings
 * @param {import("castellan").Outbox | null} outbox Takes the mails where no mail server is named, and the text messages.
 * @param {string | null} demoIssuer The demo provider, if it runs.
 */
export async function makeGate(settings, outbox, demoIssuer) {
  const { google: googleClient, github: githubClient } = settings.clients;
  const providers = {
    ...(googleClient && { google: google(googleClient) }),
    ...(githubClient && { github: github(githubClient) }),
    ...(demoIssuer && { demo: oidcProvider({ label: "Demo provider", issuer: demoIssuer, ...DEMO_CLIENT }) }),
  };
  return castellan({
    development: settings.development,
    rootUrl: settings.rootUrl,
    applicationName: APPLICATION,
    keys: [settings.castellanKey],
    storer: await openStorer(settings.databaseUrl),
    sessions: expressSessions({ secret: settings.sessionSecret }),
    modules: {
      auth: auth({ afterLogin: "/account", afterChangePassword: "/account", tellOfNewBrowsers: true }),
      logout: logout(),
      register: register({ fields: { name }, afterRegister: "/account" }),
      // Come in and look around; what needs a proved address says so: see account.mjs. "block" lets nobody in before.
      confirm: confirm({ policy: "allow-limited", byRecovery: true, afterConfirm: "/account" }),
      recover: recover(),
      lock: lock(),
      expire: expire(),
      remember: remember(),
      otp: otp({ afterLogin: "/account" }),
      // What the factors share; people may trust a browser of theirs for a month.
      twofactor: twofactor({ trust: days(30) }),
      totp: totp(),
      sms: sms(settings.smsCountries ? { countries: settings.smsCountries } : { dangerouslyAllowAllCountries: true }),
      oauth2: oauth2(providers, { afterLogin: "/account" }),
    },
    // One style sheet for all pages: Castellan's, and behind it our own.
    renderer: pages({ applicationName: APPLICATION, styleSheet: readFileSync(new URL("style.css", import.meta.url), "utf8") }),
    localize: (key) => TEXTS[key] ?? null,
    mail: { from: { name: APPLICATION, address: settings.mailFrom } },
    ...(outbox && { mailer: outbox.mailer, sms: outbox.sms }),
    ...(settings.smtpUrl && { mailer: smtpMailer(settings.smtpUrl) }),
    ...(settings.twilio && { sms: twilioSender(settings.twilio) }),
  });
}
