/** What the tests of this package start: an application with two small factors, its users, and the mails that go out. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { type Answer, type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { type TwoFactorOptions, twofactor } from "@castellan/twofactor";
import { type CastellanOptions, castellan, expressSessions, type Mail, minutes } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";
import { CARD, card, type FactorHooks, PIN, pin } from "./factor.ts";

export { CARD, PIN } from "./factor.ts";
export const PASSWORD = "correct horse battery staple";
export const ANN = "ann@example.com";
export const BOB = "bob@example.com";

export interface Options {
  readonly twofactor?: TwoFactorOptions;
  readonly hooks?: FactorHooks;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
  readonly add?: (app: Express, gate: TestGate) => void;
}

const makeGate = (options: HarnessOptions, mails: Mail[], changes: Options) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    mail: { from: { address: "no-reply@app.example.test" }, every: null },
    mailer: { send: async (mail) => void mails.push(mail) },
    ...options,
    ...changes.gate,
    modules: {
      // In front of what it needs: the order of modules is the application's affair.
      card: card(changes.hooks),
      auth: auth(),
      logout: logout(),
      lock: lock({ after: 1000 }),
      twofactor: twofactor(changes.twofactor),
      pin: pin(changes.hooks),
    },
  });

export type TestGate = ReturnType<typeof makeGate>;

export interface App extends Harness<TestGate> {
  /** Every mail that was delivered so far, the oldest first. */
  mails(): Promise<readonly Mail[]>;
}

/** Limits that no test of other things runs into. */
export const UNTHROTTLED = Object.fromEntries(
  ["attempt/subject", "attempt/network", "twofactor/guess", "twofactor/guess/total"].map((name) => [
    name,
    { max: 10_000, per: minutes(15) },
  ]),
);

/** Starts an application that knows Ann and Bob; it is closed when the test is over. */
export async function startApp(changes: Options = {}): Promise<App> {
  const mails: Mail[] = [];
  const started = await harness({
    gate: (options) => makeGate(options, mails, changes),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
      app.get("/full", gate.require({ level: "full" }), (req, res) => void res.send(`full ${gate.user(req).login}`));
      app.get(
        "/safe",
        gate.require({ twoFactored: true, within: minutes(5) }),
        (req, res) => void res.send(`safe of ${gate.user(req).login}`),
      );
      changes.add?.(app, gate);
      return app;
    },
  });
  onTestFinished(() => started.close());
  for (const login of [ANN, BOB]) {
    const passwordHash = await started.hasher.hash(PASSWORD);
    const user = { pid: pidOf(login), login, email: login, passwordHash, profile: {}, createdAt: started.clock.now() };
    assert.ok(await started.storer.createUser(user));
  }
  return Object.assign(started, {
    async mails() {
      await started.gate.deliverMails();
      return mails;
    },
  });
}

export const pidOf = (login: string): string => `pid-of-${login}`;

const loadedUser = async (app: App, login: string) => {
  const user = await app.storer.load(pidOf(login));
  assert.ok(user);
  return user;
};

/** Gives a user the stronger factor past the pages, with the given recovery codes. */
export async function givePin(app: App, login = ANN, codes: readonly string[] = []): Promise<void> {
  const { pid, epoch } = await loadedUser(app, login);
  const totp = { secret: "sealed", step: 1, enabledAt: app.clock.now() };
  assert.notEqual(await app.storer.enableTotp(pid, epoch, totp, codes), null);
}

/** Gives a user the weaker factor past the pages. */
export async function giveCard(app: App, login = ANN): Promise<void> {
  const { pid, epoch } = await loadedUser(app, login);
  assert.notEqual(await app.storer.enableSms(pid, epoch, "+41791234567", null), null);
}

export const logIn = (browser: BrowserClient, email = ANN, password = PASSWORD, more: object = {}): Promise<Answer> =>
  browser.json("POST", "/auth/login", { email, password, ...more });

/** A browser in which the password was typed and the second factor is asked for. */
export async function waiting(app: App, login = ANN): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal(verdictOf(await logIn(browser, login)), "200 second_factor_required");
  return browser;
}

export const answerPin = (browser: BrowserClient, code: unknown = PIN, more: object = {}): Promise<Answer> =>
  browser.json("POST", "/auth/2fa/pin/validate", { code, ...more });
export const answerCard = (browser: BrowserClient, code: unknown = CARD): Promise<Answer> =>
  browser.json("POST", "/auth/2fa/card/validate", { code });
export const answerRecovery = (browser: BrowserClient, recovery_code: unknown): Promise<Answer> =>
  browser.json("POST", "/auth/2fa/recovery", { recovery_code });

/** A browser that is signed in, with the second factor if there is one. */
export async function signedIn(app: App, login = ANN): Promise<BrowserClient> {
  const browser = app.browser();
  const answer = await logIn(browser, login);
  if (verdictOf(answer) === "200 second_factor_required") assert.equal(verdictOf(await answerPin(browser)), "200 signed_in");
  else assert.equal(verdictOf(answer), "200 signed_in");
  return browser;
}

/** The page `/full` as this browser gets it: whose it is, or `nobody`. */
export async function whoIsFull(browser: BrowserClient): Promise<string> {
  const { status, text } = await browser.json("GET", "/full");
  return status === 200 ? text.replace("full ", "") : "nobody";
}

/** The JSON of an answer. */
export function told(answer: Answer): Record<string, unknown> {
  const data = answer.json();
  assert.ok(typeof data === "object" && data !== null);
  return { ...data };
}

export const verdictOf = (answer: Answer): string => `${answer.status} ${String(told(answer)["reason"] ?? "")}`.trim();

/** How many answers came to each verdict. */
export function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[verdictOf(answer)] = (counts[verdictOf(answer)] ?? 0) + 1;
  return counts;
}

export const parallel = <T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)));
