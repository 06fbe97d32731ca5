/** What the tests of this package start: an application with the module remember, users, a small second factor, and the mails that go out. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import {
  type ChallengingServerStorer,
  challenging,
  defineModule,
  login,
  type Module,
  type Reply,
  refuse,
  secretField,
  subjectOfUser,
} from "@castellan/core";
import { logout } from "@castellan/logout";
import { recover } from "@castellan/recover";
import { type RememberOptions, remember } from "@castellan/remember";
import {
  type Answer,
  type BrowserClient,
  type Harness,
  type HarnessOptions,
  harness,
  type MemoryStorer,
  TEST_SECRET,
} from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions, type Mail, minutes } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";
export const OTHER_PASSWORD = "a quite different pass phrase";
export const ANN = "ann@example.com";
export const BOB = "bob@example.com";
/** Has a second factor. */
export const CAT = "cat@example.com";
export const PIN = "271828";
export const COOKIE = "__Host-castellan-remember";

const fields = { pin: secretField({ label: "pin.label", autocomplete: "one-time-code" }) };

/** A second factor as small as one can be, by JSON only. */
const pin = (): Module<ChallengingServerStorer> =>
  defineModule({
    name: "pin",
    requires: [challenging],
    reasons: [],
    texts: { "pin.label": "Pin" },
    start(core) {
      core.challenges.counts("pin", (user) => user.login === CAT);
      core
        .on(login)
        .before("challenge", (event) =>
          event.user.login === CAT ? core.challenges.pend(event, "/pin", { tries: 5, lasts: minutes(10) }) : null,
        );
      core.route("POST", "/pin", async (ctx): Promise<Reply> => {
        const answer = await core.read(fields, ctx);
        const pending = await core.challenges.tryPending(ctx);
        if (!answer.ok || !pending) return refuse(401, "login_expired");
        const verdict = await core.attempt(ctx, subjectOfUser(pending.user), "pin", async () => answer.values.pin === PIN);
        return "refused" in verdict ? verdict.refused : core.challenges.complete(ctx, verdict.ok);
      });
    },
  });

interface Options {
  readonly remember?: RememberOptions;
  /** Stands between the gate and its storer. */
  readonly storer?: (storer: MemoryStorer) => MemoryStorer;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
}

const makeGate = (options: HarnessOptions, mails: Mail[], changes: Options) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    mail: { from: { address: "no-reply@app.example.test" }, every: null },
    mailer: { send: async (mail) => void mails.push(mail) },
    ...options,
    ...(changes.storer && { storer: changes.storer(options.storer) }),
    ...changes.gate,
    modules: { auth: auth(), logout: logout(), recover: recover(), remember: remember(changes.remember), pin: pin() },
  });

export type TestGate = ReturnType<typeof makeGate>;
export interface App extends Harness<TestGate> {
  /** Every mail that was delivered so far, the oldest first. */
  mails(): Promise<readonly Mail[]>;
}

/** Starts an application that knows Ann, Bob and Cat; it is closed when the test is over. `add` gives it more routes. */
export async function startApp(changes: Options & { readonly add?: (app: Express, gate: TestGate) => void } = {}): Promise<App> {
  const mails: Mail[] = [];
  const started = await harness({
    gate: (options) => makeGate(options, mails, changes),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/me", async (req, res) => {
        const signIn = await gate.currentSignIn(req);
        res.send(signIn ? `${(await gate.currentUser(req))?.login} ${signIn.level}` : "nobody");
      });
      app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
      app.get("/full", gate.require({ level: "full" }), (req, res) => void res.send(`full ${gate.user(req).login}`));
      app.post("/elsewhere", gate.require(), async (req, res) => {
        res.send(String(await gate.endSignIns(gate.user(req).pid, { exceptThatOf: req })));
      });
      changes.add?.(app, gate);
      return app;
    },
  });
  onTestFinished(() => started.close());
  for (const name of [ANN, BOB, CAT]) await haveUser(started, name);
  return Object.assign(started, {
    async mails() {
      await started.gate.deliverMails();
      return mails;
    },
  });
}

/** Makes an account as an import might. */
async function haveUser({ storer, hasher, clock }: Harness<TestGate>, name: string): Promise<void> {
  const passwordHash = await hasher.hash(PASSWORD);
  assert.ok(await storer.createUser({ pid: pidOf(name), login: name, email: name, passwordHash, profile: {}, createdAt: clock.now() }));
}

export const pidOf = (name: string): string => `pid-of-${name}`;

/** Signs in as a script of the page does, with the box ticked or not. */
export const logIn = (browser: BrowserClient, email = ANN, ticked = false, password = PASSWORD): Promise<Answer> =>
  browser.json("POST", "/auth/login", { email, password, ...(ticked && { remember: true }) });

/** A browser that is remembered, and still open. */
export async function remembered(app: App, email = ANN): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal((await logIn(browser, email, true)).status, 200);
  return browser;
}

/** A browser that was closed and opened again: what lives as long as the browser is gone. */
export async function reopened(app: App, email = ANN): Promise<BrowserClient> {
  const browser = await remembered(app, email);
  browser.jar.closeBrowser();
  return browser;
}

/** Who the application takes this browser for, and by how much. */
export const whoIs = async (browser: BrowserClient): Promise<string> => (await browser.get("/me")).text;

export const cookieOf = (browser: BrowserClient): string | null => browser.jar.get(COOKIE)?.value ?? null;

/** Puts another value into the cookie of a browser. */
export function replaceCookie(browser: BrowserClient, value: string): void {
  const cookie = browser.jar.get(COOKIE);
  assert.ok(cookie);
  browser.jar.put({ ...cookie, value });
}

/** Runs `count` times at once. */
export const parallel = <T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)));

export const HALF = `${ANN} half`;
export const FULL = `${ANN} full`;
export const seriesOf = ({ storer }: App) => storer.dump().series;
