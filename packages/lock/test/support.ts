/** What the tests of this package start: an application with the module lock, a user, a small second factor, and the mails that go out. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import {
  type ChallengingServerStorer,
  challenging,
  defineModule,
  login,
  type MailContent,
  type Module,
  type Reply,
  redirect,
  refuse,
  secretField,
  subjectOfUser,
} from "@castellan/core";
import { type LockOptions, lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { type RecoverOptions, recover } from "@castellan/recover";
import { type Answer, type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions, type Mail, minutes } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";
export const OTHER_PASSWORD = "a quite different pass phrase";
export const ANN = "ann@example.com";
export const BOB = "bob@example.com";
/** A login that nobody has. */
export const NOBODY = "eve@example.com";
export const PIN = "271828";

const fields = { pin: secretField({ label: "pin.label", autocomplete: "one-time-code" }) };

/** A second factor as small as one can be, by JSON only: the same digits for everybody. Bob has it. */
const pin = (): Module<ChallengingServerStorer> =>
  defineModule({
    name: "pin",
    requires: [challenging],
    reasons: [],
    texts: { "pin.label": "Pin" },
    start(core) {
      core.challenges.counts("pin", (user) => user.login === BOB);
      core
        .on(login)
        .before("challenge", (event) =>
          event.user.login === BOB ? core.challenges.pend(event, "/pin", { tries: 20, lasts: minutes(10) }) : null,
        );
      core.route("POST", "/pin", async (ctx): Promise<Reply> => {
        const answer = await core.read(fields, ctx);
        const pending = await core.challenges.tryPending(ctx);
        if (!answer.ok || !pending) return refuse(401, "login_expired");
        const verdict = await core.attempt(ctx, subjectOfUser(pending.user), "pin", async () => answer.values.pin === PIN);
        return "refused" in verdict ? verdict.refused : core.challenges.complete(ctx, verdict.ok);
      });
      // Any secret of a module that stands outside the count, as a recovery does.
      core.route("POST", "/vouched", async (ctx): Promise<Reply> => {
        const verdict = await core.attempt(ctx, await core.subject(ANN), "recover", async () => true);
        if ("refused" in verdict) return verdict.refused;
        const outcome = await core.signIn(ctx, verdict.ok, { to: "/", remember: false }, "recover");
        return "refused" in outcome ? outcome.refused : redirect("/");
      });
    },
  });

interface Options {
  readonly lock?: LockOptions;
  readonly recover?: RecoverOptions;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<HarnessOptions["storer"], never>>;
}

const makeGate = (options: HarnessOptions, mails: Mail[], changes: Options) =>
  castellan({
    sessions: expressSessions({ secret: TEST_SECRET }),
    mail: { from: { address: "no-reply@app.example.test" }, every: null },
    mailer: { send: async (mail) => void mails.push(mail) },
    ...options,
    ...changes.gate,
    modules: { auth: auth(), logout: logout(), recover: recover(changes.recover), lock: lock(changes.lock), pin: pin() },
  });

export type TestGate = ReturnType<typeof makeGate>;
export interface App extends Harness<TestGate> {
  /** Every mail that was delivered so far, the oldest first. */
  mails(): Promise<readonly Mail[]>;
}

/** Limits that no test of locks runs into. */
export const UNTHROTTLED = {
  limits: { "attempt/subject": { max: 10_000, per: minutes(15) }, "attempt/network": { max: 10_000, per: minutes(15) } },
};

/** Starts an application that knows Ann and Bob; it is closed when the test is over. `add` gives it more routes. */
export async function startApp(changes: Options & { readonly add?: (app: Express, gate: TestGate) => void } = {}): Promise<App> {
  const mails: Mail[] = [];
  const started = await harness({
    gate: (options) => makeGate(options, mails, changes),
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
  for (const name of [ANN, BOB]) await haveUser(started, name);
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

/** Tries to sign in as a script of the page does. */
export const logIn = (browser: BrowserClient, email = ANN, password = PASSWORD): Promise<Answer> =>
  browser.json("POST", "/auth/login", { email, password });

/** The status of so many wrong tries, one after the other. */
export async function wrong(browser: BrowserClient, times: number, email = ANN): Promise<number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time += 1) statuses.push((await logIn(browser, email, `wrong ${time}`)).status);
  return statuses;
}

export const typePin = (browser: BrowserClient, digits: string): Promise<Answer> => browser.json("POST", "/auth/pin", { pin: digits });

export const times = (status: number, count: number): number[] => Array<number>(count).fill(status);

/** The JSON of an answer, without the token in it: that is another one each time. */
export function told(answer: Answer): Record<string, unknown> {
  const { csrfToken: _, ...rest } = Object(answer.json());
  return rest;
}

export const reasonOf = (answer: Answer): unknown => told(answer)["reason"];

/** Signs in a browser that must get in, and so is known from then on. */
export async function signedIn(app: App, email = ANN): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal((await logIn(browser, email)).status, 200);
  return browser;
}

/** Runs `count` times at once. */
export const parallel = <T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)));

/** The path of the link in a mail. */
export function linkIn(mail: Pick<MailContent, "text"> | undefined, { rootUrl }: App): string {
  const url = /https:\S+/.exec(mail?.text ?? "")?.[0] ?? "";
  assert.ok(url.startsWith(rootUrl), "a link to this application");
  return url.slice(rootUrl.length);
}

export const startStrict = (changes: Parameters<typeof startApp>[0] = {}) =>
  startApp({ gate: UNTHROTTLED, ...changes, lock: { after: 3, ...changes.lock } });

/** Uses up what strangers have, and one more: from here on the account is locked. */
export async function lockOut(app: App, email = ANN): Promise<void> {
  assert.deepEqual(await wrong(app.browser(), 4, email), [...times(401, 3), 403]);
}
