/** The application that most tests are about: every module that exists, a page for everybody, one for users, one for full sign-ins. @module */
import { type AuthOptions, auth } from "@castellan/auth";
import { type LogoutOptions, logout } from "@castellan/logout";
import { type RegisterOptions, register } from "@castellan/register";
import { type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";

interface Options {
  readonly auth?: AuthOptions;
  readonly logout?: LogoutOptions;
  readonly register?: RegisterOptions;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
  readonly rootUrl?: string;
}

const makeGate = (options: HarnessOptions, changes: Options) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    ...options,
    ...changes.gate,
    modules: { auth: auth(changes.auth), logout: logout(changes.logout), register: register(changes.register) },
  });

export type TestGate = ReturnType<typeof makeGate>;

/** The application of the tests; `add` puts more routes before the last line. */
export function appOf(gate: TestGate, add: (app: Express) => void = () => {}): Express {
  const app = express();
  app.use(gate.clientState());
  app.use("/auth", gate.router);
  app.get("/", (_req, res) => void res.send("start"));
  app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
  app.get("/full", gate.require({ level: "full" }), (req, res) => void res.send(`full ${gate.user(req).login}`));
  add(app);
  return app;
}

/** Starts the application; it is closed when the test is over. */
export async function startApp(
  changes: Options & { readonly add?: (app: Express, gate: TestGate) => void } = {},
): Promise<Harness<TestGate>> {
  const started = await harness({
    ...(changes.rootUrl !== undefined && { rootUrl: changes.rootUrl }),
    gate: (options) => makeGate(options, changes),
    app: (gate) => appOf(gate, (app) => changes.add?.(app, gate)),
  });
  onTestFinished(() => started.close());
  return started;
}

/** Makes an account without signing anybody in. */
export async function haveUser({ gate }: Harness<TestGate>, login = "ann@example.com", password = PASSWORD): Promise<string> {
  const outcome = await gate.register.register({ login, password });
  if ("refused" in outcome) throw new Error(`the user could not be made: ${JSON.stringify(outcome.refused)}`);
  return outcome.ok.pid;
}

/** Signs in by the form, as a person does. */
export async function signIn(browser: BrowserClient, login = "ann@example.com", password = PASSWORD) {
  const { page } = await browser.get("/auth/login");
  return page.form().submit({ email: login, password });
}
