/** A storer that keeps everything in etcd. @module */
import {
  ConfigError,
  type Duration,
  type EveryOperation,
  isDuration,
  type ServerStorer,
  type SessionOperations,
  seconds,
} from "@castellan/core";
import { addressOf, placeOf, tlsSettings } from "./address.ts";
import { Client } from "./client/client.ts";
import { Keys } from "./keys.ts";
import { checkStore } from "./layout.ts";
import { Life } from "./life.ts";
import { challengeOperations } from "./operations/challenges.ts";
import { countOperations } from "./operations/counts.ts";
import { factorOperations } from "./operations/factors.ts";
import { identityOperations } from "./operations/identities.ts";
import { linkOperations } from "./operations/links.ts";
import { lockOperations } from "./operations/locks.ts";
import { mailOperations } from "./operations/mails.ts";
import { rememberOperations } from "./operations/remember.ts";
import { type EtcdSessionOperations, sessionOperations } from "./operations/sessions.ts";
import { signInOperations } from "./operations/sign-ins.ts";
import { sweepOperation } from "./operations/sweep.ts";
import { trustedBrowserOperations } from "./operations/trusted-browsers.ts";
import { type EtcdUser, userFields, userOperations } from "./operations/users.ts";
import { Store } from "./store.ts";

export type { EtcdSessionOperations } from "./operations/sessions.ts";
export type { EtcdUser } from "./operations/users.ts";

export interface EtcdOptions {
  /** Where etcd is, for example `etcds://user:password@host:2379,host2:2379/prefix?sslrootcert=ca.pem`. */
  readonly uri: string;
  /** How long one request may take, and how long an operation may wait for others that want the same row. @default seconds(5) */
  readonly timeout?: Duration;
  /** How many connections to one server there are at most; further requests wait for one. @default 32 */
  readonly connections?: number;
  /** Is told of each request what it is, `read`, `list` or `write`, and never a key or a value. For tests and measurements. @default nothing is told */
  readonly onQuery?: (name: string) => void;
}

const DEFAULTS = { timeout: seconds(5), connections: 32, onQuery: () => {} } as const satisfies Omit<Required<EtcdOptions>, "uri">;

export interface EtcdStorer extends ServerStorer<EtcdUser>, Omit<EveryOperation, keyof SessionOperations>, EtcdSessionOperations {
  /** Deletes a user and all that belongs to them; their login is free again. Answers whether there was such a user. */
  removeUser(pid: string): Promise<boolean>;
  /** Looks whether etcd is new enough, lets us read and write, and is of no newer layout. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** A storer on etcd, 3.4 or later. It connects with the first operation, or by `ready()`, which Castellan calls. Throws a `ConfigError` for an address that cannot be one. */
export async function etcd(uriOrOptions: string | EtcdOptions): Promise<EtcdStorer> {
  const settings = { ...DEFAULTS, ...(typeof uriOrOptions === "string" ? { uri: uriOrOptions } : uriOrOptions) };
  checkSettings(settings);
  const address = addressOf(settings.uri);
  const client = new Client(address, await tlsSettings(address.tls), settings);
  const table = { store: new Store(client, settings), keys: new Keys(address.prefix) };
  const life = new Life();
  const operations = {
    ...userOperations(table),
    ...signInOperations(table),
    ...challengeOperations(table),
    ...countOperations(table),
    ...sessionOperations(table),
    ...linkOperations(table),
    ...lockOperations(table),
    ...rememberOperations(table),
    ...mailOperations(table),
    ...factorOperations(table),
    ...trustedBrowserOperations(table),
    ...identityOperations(table),
    sweep: sweepOperation(table),
    ready: () => checkStore(client, table.store, table.keys, placeOf(address)),
  };
  return {
    userFields,
    ...life.watch(operations),
    async close() {
      await life.end();
      client.close();
    },
  };
}

/** Options may come from plain JavaScript, or from a configuration file. */
function checkSettings({ timeout, connections, onQuery }: Required<EtcdOptions>): void {
  const problems: string[] = [];
  if (!isDuration(timeout)) problems.push("storer-etcd: `timeout` is a duration, for example seconds(5)");
  if (!Number.isSafeInteger(connections) || connections < 1) problems.push("storer-etcd: `connections` is a whole number from 1 on");
  if (typeof onQuery !== "function") problems.push("storer-etcd: `onQuery` is a function");
  if (problems.length > 0) throw new ConfigError(problems);
}
