/** What the tests of this package start: an application, its users, and an authenticator that is not ours. @module */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { auth } from "@castellan/auth";
import { lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { type Answer, type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { type TotpOptions, totp } from "@castellan/totp";
import { type TwoFactorOptions, twofactor } from "@castellan/twofactor";
import { type CastellanOptions, castellan, expressSessions, type Mail, minutes } from "castellan";
import express from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";
export const ANN = "ann@example.com";
export const BOB = "bob@example.com";

export interface Options {
  readonly totp?: TotpOptions;
  readonly twofactor?: TwoFactorOptions;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
  /** The storer to go on with, for a second process over one database. */
  readonly like?: App;
}

const makeGate = (options: HarnessOptions, mails: Mail[], changes: Options) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    mail: { from: { address: "no-reply@app.example.test" }, every: null },
    mailer: { send: async (mail) => void mails.push(mail) },
    applicationName: "Example",
    ...options,
    ...changes.gate,
    modules: {
      auth: auth(),
      logout: logout(),
      lock: lock({ after: 1000 }),
      twofactor: twofactor(changes.twofactor),
      totp: totp(changes.totp),
    },
  });

export type TestGate = ReturnType<typeof makeGate>;

export interface App extends Harness<TestGate> {
  mails(): Promise<readonly Mail[]>;
}

export const pidOf = (login: string): string => `pid-of-${login}`;

/** Starts an application that knows Ann and Bob; it is closed when the test is over. */
export async function startApp(changes: Options = {}): Promise<App> {
  const mails: Mail[] = [];
  const started = await harness({
    gate: (options) =>
      makeGate(changes.like ? { ...options, storer: changes.like.storer, clock: changes.like.clock } : options, mails, changes),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/full", gate.require({ level: "full" }), (req, res) => void res.send(`full ${gate.user(req).login}`));
      app.get(
        "/safe",
        gate.require({ factors: ["totp"], within: minutes(5) }),
        (req, res) => void res.send(`safe of ${gate.user(req).login}`),
      );
      return app;
    },
  });
  onTestFinished(() => started.close());
  if (!changes.like) {
    for (const login of [ANN, BOB]) {
      const passwordHash = await started.hasher.hash(PASSWORD);
      const user = { pid: pidOf(login), login, email: login, passwordHash, profile: {}, createdAt: started.clock.now() };
      assert.ok(await started.storer.createUser(user));
    }
  }
  return Object.assign(started, {
    async mails() {
      await started.gate.deliverMails();
      return mails;
    },
  });
}

/** The code of a secret at the application's time, and so many seconds from it, by `oathtool`: an implementation that is not ours. */
export async function codeOf(app: App, secret: string, seconds = 0): Promise<string> {
  const now = new Date(app.clock.now().getTime() + seconds * 1000).toISOString().slice(0, 19).replace("T", " ");
  const { stdout } = await promisify(execFile)("oathtool", ["--totp", "--base32", `--now=${now} UTC`, secret]);
  return stdout.trim();
}

export const logIn = (browser: BrowserClient, email = ANN): Promise<Answer> =>
  browser.json("POST", "/auth/login", { email, password: PASSWORD });
export const confirm = (browser: BrowserClient, code: unknown): Promise<Answer> => browser.json("POST", "/auth/2fa/totp/confirm", { code });
export const answer = (browser: BrowserClient, code: unknown): Promise<Answer> => browser.json("POST", "/auth/2fa/totp/validate", { code });
export const remove = (browser: BrowserClient): Promise<Answer> => browser.json("POST", "/auth/2fa/totp/remove", {});

/** A browser in which the password was typed. */
export async function typed(app: App, login = ANN): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal((await logIn(browser, login)).status, 200);
  return browser;
}

/** Begins a set-up, and answers the secret that it shows. */
export async function begin(browser: BrowserClient): Promise<string> {
  assert.equal((await browser.json("POST", "/auth/2fa/totp/setup", {})).status, 200);
  const { secret } = told(await browser.json("GET", "/auth/2fa/totp/confirm"));
  assert.equal(typeof secret, "string");
  return String(secret);
}

export interface Enrolled {
  readonly browser: BrowserClient;
  readonly secret: string;
  readonly codes: readonly string[];
}

/** Sets the factor up, the whole way. The step of its code is used up. */
export async function enrol(app: App, login = ANN): Promise<Enrolled> {
  const browser = await typed(app, login);
  const secret = await begin(browser);
  const added = await confirm(browser, await codeOf(app, secret));
  assert.equal(verdictOf(added), "200 factor_added");
  const { codes } = told(added);
  return { browser, secret, codes: Array.isArray(codes) ? codes.map(String) : [] };
}

/** The page `/full` as this browser gets it: whose it is, or `nobody`. */
export async function whoIsFull(browser: BrowserClient): Promise<string> {
  const { status, text } = await browser.json("GET", "/full");
  return status === 200 ? text.replace("full ", "") : "nobody";
}

/** The JSON of an answer. */
export function told(given: Answer): Record<string, unknown> {
  const data = given.json();
  assert.ok(typeof data === "object" && data !== null);
  return { ...data };
}

export const verdictOf = (given: Answer): string => `${given.status} ${String(told(given)["reason"] ?? "")}`.trim();

/** How many answers came to each verdict. */
export function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const one of answers) counts[verdictOf(one)] = (counts[verdictOf(one)] ?? 0) + 1;
  return counts;
}

export const parallel = <T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)));

/** Everything that the store holds, as text. */
export const atRest = (app: App): string =>
  JSON.stringify(app.storer.dump(), (_, value: unknown) => (value instanceof Map ? [...value.entries()] : value));
