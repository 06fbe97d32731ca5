/** What the tests of this package start: an application with codes by text message, its users, and the messages that go out. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { type SmsOptions, sms } from "@castellan/sms";
import { type Answer, type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { type TwoFactorOptions, twofactor } from "@castellan/twofactor";
import { type CastellanOptions, castellan, expressSessions, type Mail, minutes, type Sms, type SmsSender } from "castellan";
import express from "express";
import { onTestFinished } from "vitest";
import { pin } from "../../twofactor/test/factor.ts";

export const PASSWORD = "correct horse battery staple";
export const ANN = "ann@example.com";
export const BOB = "bob@example.com";
export const NUMBER = "+41791234567";
export const OTHER_NUMBER = "+41787654321";
export const MASKED = "+41\u00a0•••\u00a0••67";

type Storer = HarnessOptions["storer"];

export interface Options {
  readonly sms?: SmsOptions;
  readonly twofactor?: TwoFactorOptions;
  /** After how many attempts an account is locked. @default 1000 */
  readonly lockAfter?: number;
  /** In place of the one that keeps every message. */
  readonly sender?: SmsSender;
  /** What lies behind `gate.storer`, if there is one. */
  readonly storer?: Storer;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<Storer, never>>;
}

/** Keeps every message, or fails as it is told. */
export interface TestSender extends SmsSender {
  readonly messages: Sms[];
  failure: Error | null;
}

export function testSender(): TestSender {
  const sender: TestSender = {
    messages: [],
    failure: null,
    async send(message) {
      if (sender.failure) throw sender.failure;
      sender.messages.push(message);
    },
  };
  return sender;
}

const makeGate = (options: HarnessOptions, sender: SmsSender, mails: Mail[], changes: Options) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    applicationName: "Example",
    mail: { from: { address: "no-reply@app.example.test" }, every: null },
    mailer: { send: async (mail) => void mails.push(mail) },
    sms: sender,
    ...options,
    ...changes.gate,
    modules: {
      auth: auth(),
      logout: logout(),
      lock: lock({ after: changes.lockAfter ?? 1000 }),
      sms: sms(changes.sms ?? { countries: ["CH", "DE"] }),
      twofactor: twofactor(changes.twofactor),
      pin: pin(),
    },
  });

export type TestGate = ReturnType<typeof makeGate>;

export interface App extends Harness<TestGate> {
  readonly sender: TestSender;
  /** Every mail that was delivered so far, the oldest first. */
  mails(): Promise<readonly Mail[]>;
}

/** Limits of tries that no test of other things runs into. */
export const MANY_TRIES = limits("attempt/subject", "attempt/network", "twofactor/guess", "twofactor/guess/total");
/** Limits of messages that no test of other things runs into. */
export const MANY_MESSAGES = limits(
  ...["number", "number/hour", "number/day", "new-number/hour", "new-number/day", "account", "account/hour", "account/day", "network"].map(
    (name) => `sms/${name}`,
  ),
);

function limits(...names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, { max: 10_000, per: minutes(15) }]));
}

/** Starts an application that knows Ann and Bob; it is closed when the test is over. */
export async function startApp(changes: Options = {}): Promise<App> {
  const mails: Mail[] = [];
  const sender = testSender();
  const started = await harness({
    gate: (options) => makeGate(options, changes.sender ?? sender, mails, changes),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/full", gate.require({ level: "full" }), (req, res) => void res.send(`full ${gate.user(req).login}`));
      app.get(
        "/safe",
        gate.require({ factors: ["sms"], within: minutes(5) }),
        (req, res) => void res.send(`safe of ${gate.user(req).login}`),
      );
      return app;
    },
  });
  onTestFinished(() => started.close());
  const storer = changes.storer ?? started.storer;
  for (const login of [ANN, BOB]) {
    const passwordHash = await started.hasher.hash(PASSWORD);
    const user = { pid: pidOf(login), login, email: login, passwordHash, profile: {}, createdAt: started.clock.now() };
    assert.ok(await storer.createUser(user));
  }
  return Object.assign(started, {
    storer,
    sender,
    async mails() {
      await started.gate.deliverMails();
      return mails;
    },
  });
}

export const pidOf = (login: string): string => `pid-of-${login}`;

export async function userOf(app: App, login = ANN) {
  const user = await app.storer.load(pidOf(login));
  assert.ok(user);
  return user;
}

/** Gives a user the factor past the pages, with the given recovery codes. */
export async function giveSms(app: App, login = ANN, number = NUMBER, codes: readonly string[] = []): Promise<void> {
  const { pid, epoch } = await userOf(app, login);
  assert.notEqual(await app.storer.enableSms(pid, epoch, number, codes), null);
}

/** Gives a user the stronger factor past the pages. */
export async function givePin(app: App, login = ANN): Promise<void> {
  const { pid, epoch } = await userOf(app, login);
  const totp = { secret: "sealed", step: 1, enabledAt: app.clock.now() };
  assert.notEqual(await app.storer.enableTotp(pid, epoch, totp, []), null);
}

export const logIn = (browser: BrowserClient, email = ANN, more: object = {}): Promise<Answer> =>
  browser.json("POST", "/auth/login", { email, password: PASSWORD, ...more });

/** A browser in which the password was typed and the code is asked for. */
export async function waiting(app: App, login = ANN): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal(verdictOf(await logIn(browser, login)), "200 second_factor_required");
  return browser;
}

/** A browser that is signed in, without a second factor. */
export async function signedIn(app: App, login = ANN): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal(verdictOf(await logIn(browser, login)), "200 signed_in");
  return browser;
}

/** A browser that is signed in with a code by text message. */
export async function signedInBySms(app: App, login = ANN): Promise<BrowserClient> {
  const browser = await waiting(app, login);
  assert.equal(verdictOf(await validate(browser, codeIn(app))), "200 signed_in");
  return browser;
}

export const setUp = (browser: BrowserClient, phone_number: unknown = NUMBER): Promise<Answer> =>
  browser.json("POST", "/auth/2fa/sms/setup", { phone_number });
export const confirm = (browser: BrowserClient, code: unknown): Promise<Answer> => browser.json("POST", "/auth/2fa/sms/confirm", { code });
export const validate = (browser: BrowserClient, code: unknown, more: object = {}): Promise<Answer> =>
  browser.json("POST", "/auth/2fa/sms/validate", { code, ...more });
export const sendAgain = (browser: BrowserClient): Promise<Answer> => browser.json("POST", "/auth/2fa/sms/send", {});

/** The code of a message, the last one by default. */
export function codeIn(app: App, index = -1): string {
  const message = app.sender.messages.at(index);
  assert.ok(message, "no message was sent");
  const [code] = /^\d{6}/.exec(message.text) ?? [];
  assert.ok(code);
  return code;
}

/** Another code than this one. */
export const wrong = (code: string): string => (code === "000000" ? "000001" : "000000");

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

/** The problems of an answer, as `field reason`. */
export function problemsOf(answer: Answer): readonly string[] {
  const problems = told(answer)["problems"];
  return Array.isArray(problems) ? problems.map(({ field, reason }) => `${field} ${reason}`) : [];
}

/** How many answers came to each verdict. */
export function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[verdictOf(answer)] = (counts[verdictOf(answer)] ?? 0) + 1;
  return counts;
}

export const parallel = <T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)));

/** Everything that lies in the storer, and the log, as text. */
export function everythingKept(app: App): { readonly users: string; readonly rest: string; readonly log: string } {
  const { users, ...rest } = app.storer.dump();
  const asText = (value: unknown): string =>
    JSON.stringify(value, (_name, part: unknown) =>
      part instanceof Map ? [...part] : part instanceof Error ? { ...part, m: part.message, s: part.stack } : part,
    );
  return { users: asText(users), rest: asText(rest), log: asText(app.log) };
}
