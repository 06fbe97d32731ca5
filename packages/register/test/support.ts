/** What the tests of this package start: an application in which one can register, sign in and sign out. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { type RegisterOptions, register } from "@castellan/register";
import {
  type Answer,
  type BrowserClient,
  type Harness,
  type HarnessOptions,
  harness,
  type MemoryDump,
  TEST_SECRET,
  type UserRow,
} from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";
export const ANN = "ann@example.com";

interface Options {
  readonly register?: RegisterOptions;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
}

const makeGate = (options: HarnessOptions, changes: Options) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    ...options,
    ...changes.gate,
    modules: { auth: auth(), register: register(changes.register) },
  });

export type TestGate = ReturnType<typeof makeGate>;
export type App = Harness<TestGate>;

/** Starts an application that knows nobody; it is closed when the test is over. `add` gives it more routes. */
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
  return started;
}

/** Registers by the form, as a person does. */
export async function signUp(
  browser: BrowserClient,
  values: Readonly<Record<string, string>> = {},
  from = "/auth/register",
): Promise<Answer> {
  const { page } = await browser.get(from);
  return page.form("/auth/register").submit({ email: ANN, password: PASSWORD, confirm_password: PASSWORD, ...values });
}

/** Registers as a script of the page does. */
export const signUpByJson = (browser: BrowserClient, values: object = {}): Promise<Answer> =>
  browser.json("POST", "/auth/register", { email: ANN, password: PASSWORD, ...values });

/** The JSON of an answer, without the token in it: that is another one each time. */
export function told(answer: Answer): Record<string, unknown> {
  const data = answer.json();
  assert.ok(typeof data === "object" && data !== null, "a JSON object");
  const { csrfToken, ...rest }: Record<string, unknown> = { ...data };
  assert.match(String(csrfToken), /^[\w-]{86}$/, "a token for the next request");
  return rest;
}

/** Part of what an answer told. */
export const toldOf = (answer: Answer, ...names: readonly string[]): Record<string, unknown> => {
  const all = told(answer);
  return Object.fromEntries(names.map((name) => [name, all[name]]));
};

/** The problems that an answer named, as `field reason`. */
export const problemsOf = (answer: Answer): string[] => {
  const { problems } = toldOf(answer, "problems");
  return Array.isArray(problems) ? problems.map(({ field, reason }) => `${field} ${reason}`) : [];
};

export const usersOf = ({ storer }: App): readonly UserRow[] => storer.dump().users;

/** Everything at rest but the counts of limits. */
export function kept({ storer }: App): Omit<MemoryDump, "counters"> {
  const { counters: _, ...rest } = storer.dump();
  return rest;
}

/** Whether the browser is let in where only those who are signed in are. */
export async function isSignedIn(browser: BrowserClient): Promise<boolean> {
  const { status } = await browser.get("/account", { followRedirects: false });
  return status === 200;
}
