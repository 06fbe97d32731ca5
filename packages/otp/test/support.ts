/** What the tests of this package start: an application, its users, and the mails that go out. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { confirm } from "@castellan/confirm";
import { lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { type OtpOptions, otp } from "@castellan/otp";
import { remember } from "@castellan/remember";
import { type Answer, type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { castellan, defineModule, expressSessions, login as loginChannel, type Mail, minutes, redirect } from "castellan";
import express from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";
export const ANN = "ann@example.com";
export const BOB = "bob@example.com";
/** Has a second factor. */
export const CAT = "cat@example.com";

/** A second factor as small as it can be, which Cat has. */
const pin = () =>
  defineModule({
    name: "pin",
    requires: [],
    reasons: ["pin_required"],
    texts: { "reason.pin_required": "Type your pin." },
    start(core) {
      core.challenges.counts("pin", ({ login }) => login === CAT);
      core
        .on(loginChannel)
        .before("challenge", (event) =>
          event.user.login === CAT ? core.challenges.pend(event, "/pin", { tries: 5, lasts: minutes(10) }) : null,
        );
      core.route("POST", "/pin", async (ctx) => {
        const [pending, current] = [await core.challenges.pending(ctx), await ctx.current()];
        const subject = await core.subject(pending?.user.login ?? current?.user.login ?? "");
        const verdict = await core.attempt(ctx, subject, "pin", async () => ctx.body.get("pin") === "2718");
        if ("refused" in verdict) return verdict.refused;
        if (pending) return core.challenges.complete(ctx, verdict.ok);
        const outcome = await core.stepUp(ctx, verdict.ok);
        return "refused" in outcome ? outcome.refused : redirect("/");
      });
      return {};
    },
  });

const makeGate = (options: HarnessOptions, mails: Mail[], settings: OtpOptions) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    mail: { from: { address: "no-reply@app.example.test" }, every: null },
    mailer: { send: async (mail) => void mails.push(mail) },
    applicationName: "Example",
    ...options,
    modules: {
      auth: auth(),
      logout: logout(),
      lock: lock({ after: 10 }),
      confirm: confirm(),
      remember: remember(),
      otp: otp(settings),
      pin: pin(),
    },
  });

export type TestGate = ReturnType<typeof makeGate>;

export interface App extends Harness<TestGate> {
  mails(): Promise<readonly Mail[]>;
}

export const pidOf = (login: string): string => `pid-of-${login}`;

/** Starts an application that knows Ann, Bob and Cat, all of them confirmed; it is closed when the test is over. */
export async function startApp(settings: OtpOptions = {}): Promise<App> {
  const mails: Mail[] = [];
  const started = await harness({
    gate: (options) => makeGate(options, mails, settings),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/half", gate.require(), (req, res) => void res.send(`half ${gate.user(req).login}`));
      app.get("/full", gate.require({ level: "full" }), (req, res) => void res.send(`full ${gate.user(req).login}`));
      return app;
    },
  });
  onTestFinished(() => started.close());
  for (const login of [ANN, BOB, CAT]) {
    const passwordHash = await started.hasher.hash(PASSWORD);
    const user = { pid: pidOf(login), login, email: login, passwordHash, profile: {}, createdAt: started.clock.now() };
    assert.ok(await started.storer.createUser(user));
    await started.storer.confirmUser(user.pid, login, started.clock.now());
  }
  return Object.assign(started, {
    async mails() {
      await started.gate.deliverMails();
      return mails;
    },
  });
}

/** A browser that is signed in in full, with the second factor of who has one. */
export async function signedIn(app: App, email = ANN): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal((await browser.json("POST", "/auth/login", { email, password: PASSWORD })).status, 200);
  if (email === CAT) assert.equal((await browser.json("POST", "/auth/pin", { pin: "2718" })).status, 200);
  assert.equal(await whoIsFull(browser), email);
  return browser;
}

export const add = (browser: BrowserClient): Promise<Answer> => browser.json("POST", "/auth/otp/add", {});
export const clear = (browser: BrowserClient): Promise<Answer> => browser.json("POST", "/auth/otp/clear", {});
export const logIn = (browser: BrowserClient, one_time_password: unknown, email: unknown = ANN, more: object = {}): Promise<Answer> =>
  browser.json("POST", "/auth/otp/login", { email, one_time_password, ...more });

/** Makes one for a user, and answers it. */
export async function make(app: App, login = ANN): Promise<string> {
  const answer = await add(await signedIn(app, login));
  assert.equal(answer.status, 200);
  const { password } = told(answer);
  assert.equal(typeof password, "string");
  return String(password);
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
  for (const one of answers) counts[verdictOf(one)] = (counts[verdictOf(one)] ?? 0) + 1;
  return counts;
}

export const parallel = <T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)));

/** The hashes that are stored for a user. */
export const stored = (app: App, login = ANN): readonly string[] =>
  app.storer.dump().users.find(({ pid }) => pid === pidOf(login))?.oneTimePasswords.hashes ?? [];

/** Everything that the store holds, as text. */
export const atRest = (app: App): string =>
  JSON.stringify(app.storer.dump(), (_, value: unknown) => (value instanceof Map ? [...value.entries()] : value));
