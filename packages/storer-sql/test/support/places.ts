/** A place on the disk for a test, and sample rows. @module */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Challenge,
  days,
  hours,
  type LockPolicy,
  type MailedToken,
  minutes,
  type NewIdentity,
  type NewTotp,
  type NewUser,
  type OAuth2Flow,
  type QueuedMail,
  type RememberSeries,
  type SignIn,
  type TrustedBrowser,
} from "@castellan/core";
import { type SqliteOptions, type SqliteStorer, sqlite } from "@castellan/storer-sql/sqlite";
import { onTestFinished } from "vitest";
import { loadDriver } from "../../src/sqlite/driver.ts";

/** A file that is not there yet, in a folder that goes when the test is over. */
export async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "storer-sql-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "app.db");
}

/** A storer that is ready, and closed when the test is over. */
export async function openStorer(options: string | SqliteOptions): Promise<SqliteStorer> {
  const storer = await sqlite(options);
  onTestFinished(() => storer.close());
  await storer.ready();
  return storer;
}

/** Looks into a file, or changes it, past the storer. */
export async function withFile<T>(file: string, work: (all: (sql: string) => unknown[], exec: (sql: string) => void) => T): Promise<T> {
  const { DatabaseSync } = await loadDriver();
  const connection = new DatabaseSync(file);
  try {
    return work(
      (sql) => connection.prepare(sql).all(),
      (sql) => connection.exec(sql),
    );
  } finally {
    connection.close();
  }
}

const T0 = Date.UTC(2030, 0, 1);
export const at = (milliseconds: number): Date => new Date(T0 + milliseconds);

export const aUser = (name: string, fields: Partial<NewUser> = {}): NewUser => ({
  pid: `pid-${name}`,
  login: name,
  email: null,
  passwordHash: "hash",
  profile: {},
  createdAt: at(0),
  ...fields,
});

export const aSignIn = (name: string, fields: Partial<SignIn> = {}): SignIn => ({
  id: `sign-in-${name}`,
  pid: `pid-${name}`,
  epoch: 0,
  level: "full",
  factors: [{ method: "password", at: at(0) }],
  createdAt: at(0),
  seenAt: at(0),
  idleEndsAt: at(1000),
  endsAt: at(2000),
  userAgent: "a browser",
  network: "192.0.2.1",
  ...fields,
});

export const aChallenge = (name: string, fields: Partial<Challenge> = {}): Challenge => ({
  id: `challenge-${name}`,
  purpose: "login",
  pid: `pid-${name}`,
  epoch: 0,
  sessionKey: `session-${name}`,
  destination: "",
  data: "",
  triesLeft: 3,
  createdAt: at(0),
  expiresAt: at(1000),
  ...fields,
});

export const aLink = (name: string, fields: Partial<MailedToken> = {}): MailedToken => ({
  selector: `link-${name}`,
  verifierHash: `verifier-${name}`,
  pid: `pid-${name}`,
  epoch: 0,
  destination: `${name}@example.com`,
  createdAt: at(0),
  expiresAt: at(1000),
  ...fields,
});

export const aSeries = (name: string, fields: Partial<RememberSeries> = {}): RememberSeries => ({
  selector: `series-${name}`,
  verifierHash: `secret-${name}`,
  pid: `pid-${name}`,
  epoch: 0,
  createdAt: at(0),
  expiresAt: at(1000),
  userAgent: "a browser",
  ...fields,
});

export const aMail = (name: string): Omit<QueuedMail, "attempts"> => ({
  id: `mail-${name}`,
  payload: "sealed",
  createdAt: at(0),
  dueAt: at(0),
});

export const aTrusted = (name: string, fields: Partial<TrustedBrowser> = {}): TrustedBrowser => ({
  id: `trusted-${name}`,
  keyHash: `key-${name}`,
  pid: `pid-${name}`,
  epoch: 0,
  createdAt: at(0),
  expiresAt: at(1000),
  userAgent: "a browser",
  network: "192.0.2.0/24",
  ...fields,
});

export const aTotp: NewTotp = { secret: "sealed", step: 5, enabledAt: at(0) };

export const aPolicy: LockPolicy = { after: 1, window: minutes(15), lasts: minutes(5), longest: hours(1), forgets: days(1) };

export const anIdentity = (subject: string): NewIdentity => ({
  issuer: "https://id.example",
  subject,
  provider: "demo",
  email: null,
  tokens: null,
  linkedAt: at(0),
});

export const aFlow = (key: string): OAuth2Flow => ({
  key,
  browserKey: "browser",
  purpose: "callback/demo",
  data: "sealed",
  createdAt: at(0),
  expiresAt: at(1000),
});
