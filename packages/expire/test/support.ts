/** What the tests of this package start: an application with the modules expire and remember, in an order of the test's choice. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { type ExpireOptions, expire } from "@castellan/expire";
import { logout } from "@castellan/logout";
import { remember } from "@castellan/remember";
import { type Answer, type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";
export const ANN = "ann@example.com";
export const PID = "pid-of-ann";

interface Options {
  readonly expire?: ExpireOptions;
  /** Whether `remember` stands before `expire` among the modules. */
  readonly rememberFirst?: boolean;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
}

function makeGate(options: HarnessOptions, changes: Options) {
  const rest = { sessions: expressSessions({ secret: TEST_SECRET }), ...options, ...changes.gate };
  const first = { auth: auth(), logout: logout() };
  // The same modules either way; only the order is another.
  return changes.rememberFirst
    ? castellan({ ...rest, modules: { ...first, remember: remember(), expire: expire(changes.expire) } })
    : castellan({ ...rest, modules: { ...first, expire: expire(changes.expire), remember: remember() } });
}

export type TestGate = ReturnType<typeof makeGate>;
export type App = Harness<TestGate>;

/** Starts an application that knows Ann; it is closed when the test is over. `add` gives it more routes. */
export async function startApp(changes: Options & { readonly add?: (app: Express, gate: TestGate) => void } = {}): Promise<App> {
  const started = await harness({
    gate: (options) => makeGate(options, changes),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/me", async (req, res) => {
        const signIn = await gate.currentSignIn(req);
        res.send(signIn ? `${(await gate.currentUser(req))?.login} ${signIn.level}` : "nobody");
      });
      app.get("/ends", async (req, res) => void res.send((await gate.expire.endsAt(req))?.toISOString() ?? "never"));
      app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
      changes.add?.(app, gate);
      return app;
    },
  });
  onTestFinished(() => started.close());
  const { storer, hasher, clock } = started;
  const passwordHash = await hasher.hash(PASSWORD);
  assert.ok(await storer.createUser({ pid: PID, login: ANN, email: ANN, passwordHash, profile: {}, createdAt: clock.now() }));
  return started;
}

/** Signs in as a script of the page does, with the box ticked or not. */
export const logIn = (browser: BrowserClient, ticked = false): Promise<Answer> =>
  browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD, ...(ticked && { remember: true }) });

/** Signs in a browser that must get in. */
export async function signedIn(app: App, ticked = false): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal((await logIn(browser, ticked)).status, 200);
  return browser;
}

/** Who the application takes this browser for, and by how much. */
export const whoIs = async (browser: BrowserClient): Promise<string> => (await browser.get("/me")).text;
