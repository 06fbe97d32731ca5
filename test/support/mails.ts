/** The application with the modules that send mails, on SQLite, with a mailer of the test's choice. @module */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auth } from "@castellan/auth";
import { confirm } from "@castellan/confirm";
import { lock } from "@castellan/lock";
import { recover } from "@castellan/recover";
import { register } from "@castellan/register";
import { type SqliteStorer, sqlite } from "@castellan/storer-sql/sqlite";
import { type Answer, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions, type Mailer, type MailOptions, type SmtpOptions, smtpMailer } from "castellan";
import express from "express";
import { onTestFinished } from "vitest";
import { certificate } from "../../packages/defaults/test/mail-server.ts";

export const KEY = "a-key-of-the-mails-9876543210-zyxwvutsrqponm";
export const PASSWORD = "correct horse battery staple";
export const OTHER_PASSWORD = "a quite different pass phrase";
export const ANN = "ann@example.com";
export const BOB = "bob@example.com";

export interface MailingOptions {
  /** @default ":memory:" */
  readonly file?: string;
  readonly mailer: Mailer;
  readonly mail?: Partial<MailOptions>;
  /** Other options of the gate, which win. */
  readonly gate?: Partial<CastellanOptions<SqliteStorer, never>>;
}

const makeGate = (options: Omit<HarnessOptions, "storer">, storer: SqliteStorer, { mailer, mail, gate }: MailingOptions) =>
  castellan({
    ...options,
    keys: [KEY],
    storer,
    mailer,
    mail: { from: { name: "The gate", address: "no-reply@app.example.test" }, every: null, ...mail },
    sessions: expressSessions({ secret: TEST_SECRET }),
    ...gate,
    modules: { auth: auth(), register: register(), confirm: confirm(), recover: recover(), lock: lock() },
  });

export type MailingGate = ReturnType<typeof makeGate>;

export interface Mailing extends Harness<MailingGate> {
  readonly sqlite: SqliteStorer;
  /** Posts as a script of the page does, from a browser of its own. */
  post(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<Answer>;
}

/** Starts the application; it is closed when the test is over. */
export async function startMailing(options: MailingOptions): Promise<Mailing> {
  const storer = await sqlite(options.file ?? ":memory:");
  const started = await harness({
    gate: (given) => makeGate(given, storer, options),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      return app;
    },
  });
  onTestFinished(() => started.close());
  await started.gate.ready();
  return Object.assign(started, {
    sqlite: storer,
    post: (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
      started.browser({ headers }).json("POST", path, body),
  });
}

/** A file for a database, in a folder that goes when the test is over. */
export async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "castellan-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "app.db");
}

/** A mailer for the test's own SMTP server, over STARTTLS. */
export const mailerFor = (port: number, options: Partial<SmtpOptions> = {}): Mailer =>
  smtpMailer({ host: "localhost", port, tls: { ca: certificate }, ...options });

export const registerAs = (app: Mailing, email: string): Promise<Answer> => app.post("/auth/register", { email, password: PASSWORD });

/** The token of the link in a text. */
export const tokenIn = (text: string | undefined): string => /token=([\w-]{64})/.exec(text ?? "")?.[1] ?? "";
