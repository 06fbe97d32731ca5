/** The application with every module that looks after accounts, on SQLite, with an outbox. @module */
import { type AuthOptions, auth } from "@castellan/auth";
import { type ConfirmOptions, confirm } from "@castellan/confirm";
import { type ExpireOptions, expire } from "@castellan/expire";
import { type LockOptions, lock } from "@castellan/lock";
import { logout } from "@castellan/logout";
import { type RecoverOptions, recover } from "@castellan/recover";
import { register } from "@castellan/register";
import { type RememberOptions, remember } from "@castellan/remember";
import { type SqliteStorer, sqlite } from "@castellan/storer-sql/sqlite";
import { type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { castellan, expressSessions, type LimitOptions, type Mail, type Mailer } from "castellan";
import express, { type Express } from "express";
import { onTestFinished } from "vitest";

export const PASSWORD = "correct horse battery staple";
export const OTHER_PASSWORD = "a quite different pass phrase";

export interface AccountOptions {
  readonly auth?: AuthOptions;
  readonly confirm?: ConfirmOptions;
  readonly recover?: RecoverOptions;
  readonly lock?: LockOptions;
  readonly remember?: RememberOptions;
  readonly expire?: ExpireOptions;
  /** @default ":memory:" */
  readonly file?: string;
  readonly mailer?: Mailer;
  /** Is told the text of each statement that the gate asks of the database. */
  readonly onQuery?: (sql: string) => void;
  /** Other figures for limits. */
  readonly limits?: LimitOptions;
  readonly add?: (app: Express, gate: AccountGate) => void;
}

const makeGate = (options: Omit<HarnessOptions, "storer">, storer: SqliteStorer, mailer: Mailer, changes: AccountOptions) =>
  castellan({
    ...options,
    storer,
    mailer,
    mail: { from: { name: "Tests", address: "no-reply@app.example.test" }, every: null },
    sessions: expressSessions({ secret: TEST_SECRET }),
    ...(changes.limits && { limits: changes.limits }),
    modules: {
      auth: auth(changes.auth),
      logout: logout(),
      register: register(),
      confirm: confirm(changes.confirm),
      recover: recover(changes.recover),
      lock: lock(changes.lock),
      expire: expire(changes.expire),
      remember: remember(changes.remember),
    },
  });

export type AccountGate = ReturnType<typeof makeGate>;

export interface Accounts extends Harness<AccountGate> {
  readonly sqlite: SqliteStorer;
  /** Every mail that was delivered so far, the oldest first. */
  readonly mails: readonly Mail[];
  /** The path of the link in the newest mail to `address`. */
  link(address: string): Promise<string>;
}

/** Starts the application; it is closed when the test is over. */
export async function startAccounts(changes: AccountOptions = {}): Promise<Accounts> {
  const storer = await sqlite({ file: changes.file ?? ":memory:", ...(changes.onQuery && { onQuery: changes.onQuery }) });
  const mails: Mail[] = [];
  const mailer: Mailer = changes.mailer ?? {
    async send(mail) {
      mails.push(mail);
    },
  };
  const started = await harness({
    gate: (options) => makeGate(options, storer, mailer, changes),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
      app.get("/full", gate.require({ level: "full" }), (req, res) => void res.send(`full ${gate.user(req).login}`));
      changes.add?.(app, gate);
      return app;
    },
  });
  onTestFinished(() => started.close());
  return Object.assign(started, {
    sqlite: storer,
    mails,
    async link(address: string) {
      await started.gate.deliverMails();
      const mail = mails.filter(({ to }) => to.address === address).at(-1);
      const url = /https:\S+/.exec(mail?.text ?? "")?.[0];
      if (url === undefined) throw new Error(`no link was mailed to ${address}; there are ${mails.length} mails`);
      return url.slice(started.rootUrl.length);
    },
  });
}

/** Makes a confirmed account by the pages, as a person does. */
export async function haveAccount(app: Accounts, login = "ann@example.com", password = PASSWORD): Promise<string> {
  const browser = app.browser();
  const first = await browser.get("/auth/register");
  if (first.status !== 200) throw new Error(JSON.stringify(app.log));
  const form = first.page.form();
  await form.submit({ email: login, password, confirm_password: password });
  const landing = await browser.get(await app.link(login));
  await landing.page.form().submit();
  const user = await app.sqlite.findByLogin(login);
  if (!user?.confirmedAt) throw new Error("the account could not be made");
  return user.pid;
}

export async function signIn(browser: BrowserClient, login = "ann@example.com", password = PASSWORD, remembered = false) {
  const { page } = await browser.get("/auth/login");
  return page.form().submit({ email: login, password, ...(remembered && { remember: true }) });
}
