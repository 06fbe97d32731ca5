/** What the tests of this package start: an application whose people confirm their addresses, its mails, and words for answers. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { type ConfirmOptions, confirm } from "@castellan/confirm";
import { recover } from "@castellan/recover";
import { type RegisterOptions, register } from "@castellan/register";
import {
  type Answer,
  type BrowserClient,
  type Harness,
  type HarnessOptions,
  harness,
  type MemoryDump,
  memoryStorer,
  TEST_SECRET,
} from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions, type Mail } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";
export const OTHER_PASSWORD = "a quite different pass phrase";
export const ANN = "ann@example.com";
export const ROOT = "https://app.example.test";

interface Options {
  readonly confirm?: ConfirmOptions;
  readonly register?: RegisterOptions;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
}

const makeGate = (options: HarnessOptions, changes: Options, mails: Mail[]) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    mailer: {
      async send(mail) {
        mails.push(mail);
      },
    },
    mail: { from: { address: "no-reply@app.example.test" }, every: null },
    ...options,
    ...changes.gate,
    modules: { auth: auth(), register: register(changes.register), confirm: confirm(changes.confirm), recover: recover() },
  });

export type TestGate = ReturnType<typeof makeGate>;

export interface App extends Harness<TestGate> {
  /** Every mail that was delivered so far, the oldest first. */
  readonly mails: readonly Mail[];
}

/** Starts the application; it is closed when the test is over. */
export async function startApp(changes: Options & { readonly add?: (app: Express, gate: TestGate) => void } = {}): Promise<App> {
  const mails: Mail[] = [];
  const started = await harness({
    gate: (options) => makeGate(options, changes, mails),
    app(gate) {
      const app = express();
      app.set("trust proxy", "loopback");
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
      app.get("/wall", gate.confirm.middleware(), (_req, res) => void res.send("wall"));
      changes.add?.(app, gate);
      return app;
    },
  });
  onTestFinished(() => started.close());
  return Object.assign(started, { mails });
}

/** Registers by the page, as a person does. */
export async function registerBy(browser: BrowserClient, email = ANN, password = PASSWORD): Promise<Answer> {
  const { page } = await browser.get("/auth/register");
  return page.form("/auth/register").submit({ email, password, confirm_password: password });
}

/** Makes an account by the page; its address waits to be confirmed. Answers its pid. */
export async function haveUnconfirmed(app: App, email = ANN): Promise<string> {
  await registerBy(app.browser(), email);
  return (await userOf(app, email)).pid;
}

/** The same with the address confirmed by its link. */
export async function haveConfirmed(app: App, email = ANN): Promise<string> {
  const pid = await haveUnconfirmed(app, email);
  assert.equal((await spend(app, await tokenFor(app, email))).status, 200);
  return pid;
}

/** As it is stored. */
export async function userOf({ storer }: Pick<App, "storer">, login = ANN) {
  const user = await storer.findByLogin(login);
  assert.ok(user, `there is no ${login}`);
  return user;
}

export const isConfirmed = async (app: App, login = ANN): Promise<boolean> => (await userOf(app, login)).confirmedAt !== null;

/** The mails to an address, once the queue is empty. */
export async function mailsTo(app: App, address: string): Promise<readonly Mail[]> {
  await app.gate.deliverMails();
  return app.mails.filter(({ to }) => to.address === address);
}

/** The link of the newest mail to an address. */
export async function linkFor(app: App, address = ANN): Promise<string> {
  const text = (await mailsTo(app, address)).at(-1)?.text ?? "";
  const link = /https:\S+/.exec(text)?.[0];
  assert.ok(link, `no link was mailed to ${address}`);
  return link;
}

export async function tokenFor(app: App, address = ANN): Promise<string> {
  const token = new URL(await linkFor(app, address)).searchParams.get("token");
  assert.ok(token);
  return token;
}

/** Spends a token as a program does that has no cookies. */
export const spend = (app: App, token: unknown): Promise<Answer> => app.browser().json("POST", "/auth/confirm", { token });

/** Signs in by the form. */
export async function signIn(browser: BrowserClient, email = ANN, password = PASSWORD): Promise<Answer> {
  const { page } = await browser.get("/auth/login");
  return page.form("/auth/login").submit({ email, password });
}

/** Part of what an answer told. */
export function toldOf(answer: Answer, ...names: readonly string[]): Record<string, unknown> {
  const data = answer.json();
  assert.ok(typeof data === "object" && data !== null, "a JSON object");
  return Object.fromEntries(names.map((name) => [name, Reflect.get(data, name)]));
}

export const statusAndReason = (answer: Answer): string => `${answer.status} ${toldOf(answer, "reason")["reason"]}`;

/** Everything that a visitor can tell an answer by, without what is another one each time. */
export function visible(answer: Answer) {
  const { date: _, "set-cookie": cookies = [], ...headers } = answer.headers;
  const names = cookies.map((line) => line.replace(/=[^;]*/, "=")).sort();
  return { status: answer.status, headers, cookies: names, text: answer.text.replaceAll(/[\w-]{86}/g, "TOKEN") };
}

/** Everything at rest but the counts of limits. */
export function kept({ storer }: App): Omit<MemoryDump, "counters"> {
  const { counters: _, ...rest } = storer.dump();
  return rest;
}

/** How many operations `work` asks of the storer, with the delivery of what it queued. */
export async function operationsOf(app: App, work: () => Promise<unknown>): Promise<Record<string, number>> {
  await app.gate.deliverMails();
  const before = { ...app.storer.queries };
  await work();
  await app.gate.deliverMails();
  const after = app.storer.queries;
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)])
      .filter(([, count]) => count !== 0),
  );
}

/** What somebody gets who forgets the option `mail`. */
export const startGateWithoutMail = () =>
  castellan({
    rootUrl: ROOT,
    keys: [TEST_SECRET],
    storer: memoryStorer(),
    sessions: expressSessions({ secret: TEST_SECRET }),
    modules: { confirm: confirm() },
  });
