/** What the tests of this package start: an application with the module auth, some accounts, and words for answers. @module */
import assert from "node:assert/strict";
import { type AuthOptions, auth } from "@castellan/auth";
import { register } from "@castellan/register";
import {
  type Answer,
  type BrowserClient,
  type Harness,
  type HarnessOptions,
  harness,
  type MemoryDump,
  TEST_SECRET,
} from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions, type Mail, minutes } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";
export const ANN = "ann@example.com";

interface Options {
  readonly auth?: AuthOptions;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
  readonly rootUrl?: string;
}

const makeGate = (options: HarnessOptions, changes: Options) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    ...options,
    ...changes.gate,
    modules: { auth: auth(changes.auth) },
  });

export type TestGate = ReturnType<typeof makeGate>;
export type App = Harness<TestGate>;

/** Starts an application that knows Ann; it is closed when the test is over. `add` gives it more routes. */
export async function startApp(changes: Options & { readonly add?: (app: Express, gate: TestGate) => void } = {}): Promise<App> {
  const started = await harness({
    ...(changes.rootUrl !== undefined && { rootUrl: changes.rootUrl }),
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
  await haveUser(started, ANN);
  return started;
}

/** Makes an account as an import might. Answers its pid. */
export async function haveUser(
  { storer, hasher, clock }: Pick<App, "storer" | "hasher" | "clock">,
  login: string,
  password: string | null = PASSWORD,
  email: string | null = null,
): Promise<string> {
  const pid = `pid-of-${login}`;
  const passwordHash = password === null ? null : await hasher.hash(password);
  assert.ok(await storer.createUser({ pid, login, email, passwordHash, profile: {}, createdAt: clock.now() }));
  return pid;
}

const makeMailingGate = (options: HarnessOptions, mails: Mail[], changes: Options) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    mail: { from: { address: "no-reply@app.example.test" }, every: null },
    mailer: { send: async (mail) => void mails.push(mail) },
    ...options,
    ...changes.gate,
    modules: { auth: auth(changes.auth), register: register() },
  });

export interface MailingApp extends Harness<ReturnType<typeof makeMailingGate>> {
  /** Every mail that was delivered so far, the oldest first. */
  mails(): Promise<readonly Mail[]>;
}

/** Limits that no test of anything else runs into. */
export const UNTHROTTLED = {
  limits: { "attempt/subject": { max: 10_000, per: minutes(15) }, "attempt/network": { max: 10_000, per: minutes(15) } },
};

/** Starts an application that sends mails and knows Ann, by her address, and has a page for full sign-ins; it is closed when the test is over. */
export async function startMailing(changes: Options = {}): Promise<MailingApp> {
  const mails: Mail[] = [];
  const started = await harness({
    gate: (options) => makeMailingGate(options, mails, changes),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
      return app;
    },
  });
  onTestFinished(() => started.close());
  await haveUser(started, ANN, PASSWORD, ANN);
  return Object.assign(started, {
    async mails() {
      await started.gate.deliverMails();
      return mails;
    },
  });
}

/** Signs in by the form, as a person does. */
export async function signIn(browser: BrowserClient, login = ANN, password = PASSWORD, from = "/auth/login"): Promise<Answer> {
  const { page } = await browser.get(from);
  return page.form().submit({ email: login, password });
}

/** Tries to sign in as a script of the page does. */
export const tryJson = (browser: BrowserClient, values: unknown): Promise<Answer> => browser.json("POST", "/auth/login", values);

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

/** A page without its tokens. */
export const withoutTokens = (text: string): string => text.replaceAll(/[\w-]{86}/g, "TOKEN");

/** Everything at rest but the counts of limits. */
export function kept({ storer }: App): Omit<MemoryDump, "counters"> {
  const { counters: _, ...rest } = storer.dump();
  return rest;
}

/** A new token of this browser, as a script would ask for it. */
export async function tokenOf(browser: BrowserClient): Promise<string> {
  const data = (await browser.json("GET", "/auth/login")).json();
  assert.ok(typeof data === "object" && data !== null);
  return String(Reflect.get(data, "csrfToken"));
}
