/** What the tests of this package start: an application with sign-in and sign-out, and Ann, who is signed in. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { type LogoutOptions, logout } from "@castellan/logout";
import { type Answer, type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";

const PASSWORD = "correct horse battery staple";
export const ANN = "ann@example.com";

interface Options {
  readonly logout?: LogoutOptions;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
}

const makeGate = (options: HarnessOptions, changes: Options) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    ...options,
    ...changes.gate,
    modules: { auth: auth(), logout: logout(changes.logout) },
  });

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
      app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
      changes.add?.(app, gate);
      return app;
    },
  });
  onTestFinished(() => started.close());
  const { storer, hasher, clock } = started;
  const passwordHash = await hasher.hash(PASSWORD);
  assert.ok(await storer.createUser({ pid: "pid-ann", login: ANN, email: ANN, passwordHash, profile: {}, createdAt: clock.now() }));
  return started;
}

/** A browser in which Ann is signed in. */
export async function annsBrowser(app: App, browser = app.browser()): Promise<BrowserClient> {
  const reply = await browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD });
  assert.equal(reply.status, 200, reply.text);
  return browser;
}

/** Whether the browser is let in where only those who are signed in are. */
export async function isSignedIn(browser: BrowserClient): Promise<boolean> {
  const { status } = await browser.get("/account", { followRedirects: false });
  return status === 200;
}

/** The JSON of an answer, without the token in it: that is another one each time. */
export function told(answer: Answer): Record<string, unknown> {
  const data = answer.json();
  assert.ok(typeof data === "object" && data !== null, "a JSON object");
  const { csrfToken, ...rest }: Record<string, unknown> = { ...data };
  assert.match(String(csrfToken), /^[\w-]{86}$/, "a token for the next request");
  return rest;
}

/** A new token of this browser, as a script would ask for it. */
export const tokenOf = async (browser: BrowserClient): Promise<string> =>
  String(Reflect.get(Object((await browser.json("GET", "/auth/logout")).json()), "csrfToken"));
