/** What the tests of this package start: an application whose people come by providers, with everything that could stand against a sign-in. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { type ConfirmOptions, confirm } from "@castellan/confirm";
import {
  type ChallengeOperations,
  challenging,
  defineModule,
  defineView,
  html,
  login,
  type Module,
  minutes,
  page,
  type Reply,
  refuse,
  type ServerStorer,
  secretField,
  showOn,
  subjectOfUser,
  type User,
  type View,
} from "@castellan/core";
import { lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { type OAuth2Options, type OidcOptions, oauth2, oidcProvider, type Providers } from "@castellan/oauth2";
import { register } from "@castellan/register";
import { remember } from "@castellan/remember";
import { type Answer, type BrowserClient, type Harness, type HarnessOptions, harness, manualClock, TEST_SECRET } from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions, type Mail } from "castellan";
import express from "express";
import { onTestFinished } from "vitest";
import { CLIENT, type Claims, type LyingProvider, lyingProvider } from "./lying-provider.ts";

export const PASSWORD = "correct horse battery staple";
export const ANN = "ann@example.com";
export const ROOT = "https://app.example.test";
export const PIN = "271828";
/** Ann as the provider knows her. */
export const ANN_THERE: Claims = { sub: "ann-there", email: ANN, email_verified: true, name: "Ann" };

interface Options {
  readonly oauth2?: OAuth2Options;
  /** More settings of the provider "demo". */
  readonly demo?: Partial<OidcOptions>;
  /** More providers, in front of "demo". */
  readonly providers?: (provider: LyingProvider) => Providers;
  readonly confirm?: ConfirmOptions;
  /** Who has a second factor. @default nobody */
  readonly hasPin?: (user: User) => boolean;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
}

const pinFields = { pin: secretField({ label: "pin.label", autocomplete: "one-time-code" }) };
const pinView: View<{ readonly fields: typeof pinFields }> = defineView("pin/form", {
  title: "pin.title",
  body: (_data, { form }) => html`${form({ action: "/pin", fields: pinFields, submit: "pin.submit" })}`,
});

/** A second factor as small as one can be: six digits that are the same for everybody. */
const pin = (has: (user: User) => boolean): Module<ServerStorer & ChallengeOperations> =>
  defineModule<ServerStorer & ChallengeOperations, object>({
    name: "pin",
    requires: [challenging],
    reasons: [],
    texts: { "pin.title": "Your pin", "pin.label": "Pin", "pin.submit": "Go on" },
    start(core) {
      core.challenges.counts("pin", has);
      core
        .on(login)
        .before("challenge", (event) => (has(event.user) ? core.challenges.pend(event, "/pin", { tries: 5, lasts: minutes(10) }) : null));
      core.route("GET", "/pin", async (ctx): Promise<Reply> => {
        return (await core.challenges.pending(ctx)) ? page(pinView, { fields: pinFields }) : refuse(401, "login_expired");
      });
      core.route("POST", "/pin", async (ctx): Promise<Reply> => {
        const pending = await core.challenges.tryPending(ctx);
        if (!pending) return refuse(401, "login_expired");
        const verdict = await core.attempt(ctx, subjectOfUser(pending.user), "pin", async () => ctx.body.get("pin") === PIN);
        if ("refused" in verdict) return showOn(verdict.refused, pinView, { fields: pinFields });
        return core.challenges.complete(ctx, verdict.ok);
      });
      return {};
    },
  });

const makeGate = (options: HarnessOptions, changes: Options, provider: LyingProvider, mails: Mail[]) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    mailer: {
      async send(mail) {
        mails.push(mail);
      },
    },
    mail: { from: { address: "no-reply@app.example.test" }, every: null },
    ...options,
    ...changes.gate,
    modules: {
      auth: auth(),
      logout: logout(),
      register: register(),
      confirm: confirm(changes.confirm),
      lock: lock(),
      remember: remember(),
      pin: pin(changes.hasPin ?? (() => false)),
      oauth2: oauth2(
        { ...changes.providers?.(provider), demo: oidcProvider({ label: "Demo", issuer: provider.issuer, ...CLIENT, ...changes.demo }) },
        changes.oauth2,
      ),
    },
  });

export type TestGate = ReturnType<typeof makeGate>;

export interface App extends Harness<TestGate> {
  readonly provider: LyingProvider;
  /** Every mail that was delivered so far, the oldest first. */
  readonly mails: readonly Mail[];
}

/** Starts an application, and a provider beside it; they end with the test. */
export async function startApp(changes: Options = {}): Promise<App> {
  const mails: Mail[] = [];
  const clock = manualClock();
  const provider = await lyingProvider(clock);
  const started = await harness({
    gate: (options) => makeGate({ ...options, clock }, changes, provider, mails),
    app(gate) {
      const app = express();
      app.set("trust proxy", "loopback");
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
      return app;
    },
  });
  onTestFinished(() => started.close());
  // The harness was made before the clock that the provider shares.
  return Object.assign(started, { mails, provider, clock });
}

/** Makes an account as an import might. Answers its pid. */
export async function haveUser(app: App, name = ANN, { password = PASSWORD as string | null, confirmed = true } = {}): Promise<string> {
  const { storer, hasher, clock } = app;
  await app.gate.ready();
  const pid = `pid-of-${name}`;
  const passwordHash = password === null ? null : await hasher.hash(password);
  assert.ok(await storer.createUser({ pid, login: name, email: name, passwordHash, profile: {}, createdAt: clock.now() }));
  if (confirmed) assert.ok(await storer.confirmUser(pid, name, clock.now()));
  return pid;
}

/** Makes an account that has come by the provider before. */
export async function haveLinked(app: App, name = ANN, subject = "ann-there", options = {}): Promise<string> {
  const pid = await haveUser(app, name, options);
  const identity = { issuer: app.provider.issuer, subject, provider: "demo", email: name, tokens: null, linkedAt: app.clock.now() };
  assert.ok(await app.storer.linkIdentity(pid, 0, identity));
  return pid;
}

/** Where an answer that leaves leads. */
export function wayOf(answer: Answer): URL {
  assert.equal(answer.status, 200, answer.text.slice(0, 2000));
  const [, address] = /^0; url=(.+)$/.exec(String(answer.headers["refresh"])) ?? [];
  assert.ok(address, "the answer leads to another site");
  return new URL(address);
}

/** Presses the button of a provider on the login page. */
export async function depart(browser: BrowserClient, label = "Demo", from = "/auth/login", entered = {}): Promise<URL> {
  const { page: shown } = await browser.get(from);
  const form = shown.forms.find(({ buttons }) => buttons.some(({ text }) => text === `Continue with ${label}`));
  assert.ok(form, "the page has the button of the provider");
  return wayOf(await form.submit(entered, { button: `Continue with ${label}` }));
}

/** The path that a browser comes back by, as one follows a redirect from another site. */
export const pathOf = (url: URL): string => url.pathname + url.search;

/** Comes back from the provider. */
export const comeBack = (browser: BrowserClient, back: URL, options = {}): Promise<Answer> =>
  browser.get(pathOf(back), { from: "https://provider.example", ...options });

/** The whole way by the provider, as a person. */
export async function signInBy(
  app: App,
  browser: BrowserClient,
  person: Claims = ANN_THERE,
  from = "/auth/login",
  entered = {},
): Promise<Answer> {
  return comeBack(browser, app.provider.approve(await depart(browser, "Demo", from, entered), person));
}

/** Signs in by password. */
export async function signIn(browser: BrowserClient, email = ANN, password = PASSWORD): Promise<void> {
  assert.equal((await browser.json("POST", "/auth/login", { email, password })).status, 200);
}

/** Who the browser is, by its account page; `null` for nobody. */
export async function who(browser: BrowserClient): Promise<string | null> {
  const { status, text } = await browser.get("/account", { followRedirects: false });
  return status === 200 ? text.replace("account of ", "") : null;
}

/** The link of the newest mail to an address that has one. */
export async function linkFor(app: App, address = ANN): Promise<string> {
  await app.gate.deliverMails();
  const mail = app.mails.findLast(({ to, text }) => to.address === address && text.includes("https:"));
  const link = /https:\S+/.exec(mail?.text ?? "")?.[0];
  assert.ok(link, `no link was mailed to ${address}`);
  return link.slice(ROOT.length);
}

export const subjectsOf = async (app: App, pid: string): Promise<string[]> =>
  (await app.gate.oauth2.identities(pid)).map(({ subject }) => subject);

/** What a page says on top. */
export const notice = (answer: Answer): string => answer.page.text;

export const users = (app: App): readonly string[] => app.storer.dump().users.map(({ login: name }) => name);
