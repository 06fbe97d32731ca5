/** What the tests of this package start: an application whose people can get a new password, with everything that could stand against a sign-in. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { type ConfirmOptions, confirm } from "@castellan/confirm";
import {
  type ChallengeOperations,
  challenging,
  defineModule,
  defineView,
  html,
  login,
  type Module,
  minutes,
  page,
  type Reply,
  refuse,
  type ServerStorer,
  secretField,
  showOn,
  subjectOfUser,
  type User,
  type View,
} from "@castellan/core";
import { lock } from "@castellan/lock";
import { type RecoverOptions, recover } from "@castellan/recover";
import { remember } from "@castellan/remember";
import {
  type Answer,
  type BrowserClient,
  type Harness,
  type HarnessOptions,
  harness,
  type MemoryDump,
  TEST_SECRET,
} from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions, type Mail } from "castellan";
import express from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";
export const OTHER_PASSWORD = "a quite different pass phrase";
export const ANN = "ann@example.com";
export const ROOT = "https://app.example.test";
export const PIN = "271828";

interface Options {
  readonly recover?: RecoverOptions;
  readonly confirm?: ConfirmOptions;
  /** Who has a second factor. @default nobody */
  readonly hasPin?: (user: User) => boolean;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
}

const pinFields = { pin: secretField({ label: "pin.label", autocomplete: "one-time-code" }) };
const pinView: View<{ readonly fields: typeof pinFields }> = defineView("pin/form", {
  title: "pin.title",
  body: (_data, { form }) => html`${form({ action: "/pin", fields: pinFields, submit: "pin.submit" })}`,
});

/** A second factor as small as one can be: six digits that are the same for everybody. */
const pin = (has: (user: User) => boolean): Module<ServerStorer & ChallengeOperations> =>
  defineModule<ServerStorer & ChallengeOperations, object>({
    name: "pin",
    requires: [challenging],
    reasons: [],
    texts: { "pin.title": "Your pin", "pin.label": "Pin", "pin.submit": "Go on" },
    start(core) {
      core.challenges.counts("pin", has);
      core
        .on(login)
        .before("challenge", (event) => (has(event.user) ? core.challenges.pend(event, "/pin", { tries: 5, lasts: minutes(10) }) : null));
      core.route("GET", "/pin", async (ctx): Promise<Reply> => {
        return (await core.challenges.pending(ctx)) ? page(pinView, { fields: pinFields }) : refuse(401, "login_expired");
      });
      core.route("POST", "/pin", async (ctx): Promise<Reply> => {
        const pending = await core.challenges.tryPending(ctx);
        if (!pending) return refuse(401, "login_expired");
        const verdict = await core.attempt(ctx, subjectOfUser(pending.user), "pin", async () => ctx.body.get("pin") === PIN);
        if ("refused" in verdict) return showOn(verdict.refused, pinView, { fields: pinFields });
        return core.challenges.complete(ctx, verdict.ok);
      });
      return {};
    },
  });

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
    modules: {
      auth: auth(),
      confirm: confirm(changes.confirm),
      recover: recover(changes.recover),
      lock: lock(),
      remember: remember(),
      pin: pin(changes.hasPin ?? (() => false)),
    },
  });

export type TestGate = ReturnType<typeof makeGate>;

export interface App extends Harness<TestGate> {
  /** Every mail that was delivered so far, the oldest first. */
  readonly mails: readonly Mail[];
}

/** Starts an application that knows Ann, whose address is confirmed; it is closed when the test is over. */
export async function startApp(changes: Options = {}): Promise<App> {
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
      return app;
    },
  });
  onTestFinished(() => started.close());
  const app = Object.assign(started, { mails });
  await haveUser(app, ANN);
  return app;
}

/** Makes an account as an import might. Answers its pid. */
export async function haveUser(app: App, name: string, email: string | null = name, confirmed = true): Promise<string> {
  const { storer, hasher, clock } = app;
  await app.gate.ready();
  const pid = `pid-of-${name}`;
  const passwordHash = await hasher.hash(PASSWORD);
  assert.ok(await storer.createUser({ pid, login: name, email, passwordHash, profile: {}, createdAt: clock.now() }));
  if (confirmed && email !== null) assert.ok(await storer.confirmUser(pid, email, clock.now()));
  return pid;
}

/** As it is stored. */
export async function userOf({ storer }: Pick<App, "storer">, name = ANN) {
  const user = await storer.findByLogin(name);
  assert.ok(user, `there is no ${name}`);
  return user;
}

/** Asks for a link as a script of the page does. */
export const ask = (app: App, email: string): Promise<Answer> => app.browser().json("POST", "/auth/recover", { email });

/** The mails to an address, once the queue is empty. */
export async function mailsTo(app: App, address: string): Promise<readonly Mail[]> {
  await app.gate.deliverMails();
  return app.mails.filter(({ to }) => to.address === address);
}

/** The link of the newest mail to an address that has one. */
export async function linkFor(app: App, address = ANN): Promise<string> {
  const mail = (await mailsTo(app, address)).findLast(({ text }) => text.includes("https:"));
  const link = /https:\S+/.exec(mail?.text ?? "")?.[0];
  assert.ok(link, `no link was mailed to ${address}`);
  return link;
}

export async function tokenFor(app: App, address = ANN): Promise<string> {
  const token = new URL(await linkFor(app, address)).searchParams.get("token");
  assert.ok(token);
  return token;
}

/** Asks for a link and answers the token in it. */
export async function newToken(app: App, email = ANN): Promise<string> {
  assert.equal((await ask(app, email)).status, 200);
  return tokenFor(app, email);
}

/** Spends a token as a program does that has no cookies. */
export const spend = (app: App, token: unknown, password = OTHER_PASSWORD, browser = app.browser()): Promise<Answer> =>
  browser.json("POST", "/auth/recover/end", { token, password });

/** Goes the way of a person: the link, the page, the form. */
export async function recoverBy(browser: BrowserClient, link: string, password = OTHER_PASSWORD): Promise<Answer> {
  const landing = await browser.get(link);
  return landing.page.form("/auth/recover/end").submit({ password, confirm_password: password });
}

/** Tries to sign in as a script of the page does. */
export const signIn = (browser: BrowserClient, password: string, email = ANN): Promise<Answer> =>
  browser.json("POST", "/auth/login", { email, password });

/** Signs in a browser that must get in. */
export async function signedIn(app: App, password = PASSWORD, email = ANN, remembered = false): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal((await browser.json("POST", "/auth/login", { email, password, remember: remembered })).status, 200);
  return browser;
}

/** Whether the password of a login is this one. */
export const has = async (app: App, password: string, email = ANN): Promise<boolean> =>
  app.gate.verifyPassword((await userOf(app, email)).pid, password);

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

/** How many operations `work` asks of the storer, by name, with the delivery of what it queued. */
export async function operationsOf(app: App, work: () => Promise<unknown>): Promise<Record<string, number>> {
  await app.gate.deliverMails();
  const before = { ...app.storer.queries };
  await work();
  await app.gate.deliverMails();
  const { claimMails: _, ...after } = app.storer.queries;
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count !== 0),
  );
}
