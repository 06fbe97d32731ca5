/** Sample rows, and storers on a server of the test. @module */
import {
  type Challenge,
  days,
  hours,
  type LockPolicy,
  type MailedToken,
  minutes,
  type NewTotp,
  type NewUser,
  type QueuedMail,
  type RememberSeries,
  type SignIn,
  type TrustedBrowser,
} from "@castellan/core";
import { type EtcdOptions, type EtcdStorer, etcd } from "@castellan/storer-etcd";
import { onTestFinished } from "vitest";
import type { EtcdServer } from "./servers.ts";

/** A storer in a prefix of its own, closed when the test is over. */
export async function openStorer(server: Pick<EtcdServer, "uri">, options: Partial<EtcdOptions> = {}): Promise<EtcdStorer> {
  const storer = await etcd({ uri: `${server.uri}/${newPrefix()}`, ...options });
  onTestFinished(() => storer.close());
  return storer;
}

let prefixes = 0;

export const newPrefix = (): string => `test-${prefixes++}`;

const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

/** What lies under a prefix, past the storer: keys without it, and the lease of each. */
export async function rowsIn(server: Pick<EtcdServer, "call">, prefix: string): Promise<ReadonlyMap<string, { readonly lease: string }>> {
  const { kvs = [] } = await server.call("/v3/kv/range", { key: base64(`${prefix}/`), range_end: base64(`${prefix}0`) });
  const entries = kvs as readonly { readonly key: string; readonly lease?: string }[]; // as etcd documents it
  return new Map(
    entries.map(({ key, lease = "0" }) => [
      Buffer.from(key, "base64")
        .toString("utf8")
        .slice(prefix.length + 1),
      { lease },
    ]),
  );
}

/** Writes under a key, past the storer. */
export const putPast = async (server: Pick<EtcdServer, "call">, key: string, value: string): Promise<void> => {
  await server.call("/v3/kv/put", { key: base64(key), value: base64(value) });
};

const T0 = Date.UTC(2040, 0, 1);
export const at = (milliseconds: number): Date => new Date(T0 + milliseconds);

export const aUser = (name: string, fields: Partial<NewUser> = {}): NewUser => ({
  pid: `pid-${name}`,
  login: name,
  email: `${name}@example.com`,
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
