/** A storer that keeps everything in a MongoDB database: a server that stands alone, a replica set, or behind mongos. @module */
import { ConfigError, type Duration, type EveryStorer, isDuration, seconds } from "@castellan/core";
import type { MongoClient } from "mongodb";
import { collectionsOf } from "./collections.ts";
import { prepare } from "./indexes.ts";
import { Life } from "./life.ts";
import { databaseOf, openClient } from "./open.ts";
import { challengeOperations } from "./operations/challenges.ts";
import { countOperations } from "./operations/counts.ts";
import { factorOperations } from "./operations/factors.ts";
import { identityOperations } from "./operations/identities.ts";
import { linkOperations } from "./operations/links.ts";
import { lockOperations } from "./operations/locks.ts";
import { mailOperations } from "./operations/mails.ts";
import { rememberOperations } from "./operations/remember.ts";
import { type MongoSessionOperations, sessionOperations } from "./operations/sessions.ts";
import { signInOperations } from "./operations/sign-ins.ts";
import { sweepOperation } from "./operations/sweep.ts";
import { trustedBrowserOperations } from "./operations/trusted-browsers.ts";
import { type MongoUser, userFields, userOperations } from "./operations/users.ts";

export type { MongoSessionOperations } from "./operations/sessions.ts";
export type { MongoUser } from "./operations/users.ts";

export interface MongoOptions {
  /** Where the database is: `mongodb://user:password@host:27017/database`, or `mongodb+srv://…`. Needs the package `mongodb`. @default the servers of `client` */
  readonly uri?: string;
  /** A client of your own in place of `uri`. It stays yours: `close()` leaves it open. @default one made for `uri` */
  readonly client?: MongoClient;
  /** The name of the database. Needed with `client`. @default the one in `uri` */
  readonly database?: string;
  /** What the name of every collection begins with, before an underscore. Another prefix is another storer. @default "castellan" */
  readonly prefix?: string;
  /** How long an operation may take. @default seconds(5) */
  readonly timeout?: Duration;
  /** How long to wait for a server that takes writes, which is looked for every half second, and for a connection to it. Not of a `client`. @default seconds(2) */
  readonly connectTimeout?: Duration;
}

const DEFAULTS = { prefix: "castellan", timeout: seconds(5), connectTimeout: seconds(2) } as const satisfies Omit<
  Required<MongoOptions>,
  "uri" | "client" | "database"
>;

type Settings = MongoOptions & Required<Pick<MongoOptions, keyof typeof DEFAULTS>>;

export interface MongoStorer extends Omit<EveryStorer<MongoUser>, keyof MongoSessionOperations>, MongoSessionOperations {
  /** Deletes a user and all that belongs to them; their login is free again. Answers whether there was such a user. */
  removeUser(pid: string): Promise<boolean>;
  /** Connects, and makes the indexes that are missing. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Makes a storer for a database. It connects with the first operation, or by `ready()`, which Castellan calls. */
export async function mongodb(uriOrOptions: string | MongoOptions): Promise<MongoStorer> {
  const options = typeof uriOrOptions === "string" ? { uri: uriOrOptions } : uriOrOptions;
  const settings: Settings = { ...DEFAULTS, ...options };
  checkSettings(settings);
  const { prefix, timeout } = settings;
  const { client, close } = await clientFor(settings);
  const database = client.db(settings.database ?? databaseOf(settings.uri) ?? undefined);
  const collections = collectionsOf(database, prefix, timeout);
  const life = new Life(async () => {
    // Asked for by name: where the first connection failed, no command would make another.
    await client.connect();
    await prepare(database, collections);
  }, timeout);
  const operations = life.watch({
    ...userOperations(collections),
    ...signInOperations(collections),
    ...challengeOperations(collections),
    ...countOperations(collections),
    ...sessionOperations(collections),
    ...linkOperations(collections),
    ...lockOperations(collections),
    ...rememberOperations(collections),
    ...mailOperations(collections),
    ...factorOperations(collections),
    ...trustedBrowserOperations(collections),
    ...identityOperations(collections),
    sweep: sweepOperation(collections),
  });
  return {
    userFields,
    ...operations,
    ready: () => life.ready(),
    async close() {
      await life.end();
      await close();
    },
  };
}

interface OpenClient {
  readonly client: MongoClient;
  readonly close: () => Promise<void>;
}

async function clientFor({ uri, client, timeout, connectTimeout }: Settings): Promise<OpenClient> {
  if (client !== undefined) return { client, close: async () => {} };
  const own = await openClient(String(uri), { timeout, connectTimeout });
  return { client: own, close: () => own.close() };
}

/** Options may come from plain JavaScript, or from a configuration file. */
function checkSettings(settings: Settings): void {
  const { uri, client, database, prefix, timeout, connectTimeout } = settings;
  const problems: string[] = [];
  if ((uri === undefined) === (client === undefined)) problems.push("storer-mongodb: mongodb() needs either a `uri` or a `client`");
  if (client !== undefined && typeof client?.db !== "function")
    problems.push("storer-mongodb: `client` is a MongoClient of the package mongodb");
  if (client !== undefined && database === undefined) problems.push("storer-mongodb: a `client` needs the name of its `database`");
  // What MongoDB allows on every system, and a little less.
  if (database !== undefined && !(typeof database === "string" && /^[\w-]{1,63}$/.test(database))) {
    problems.push("storer-mongodb: `database` is a text of at most 63 letters, digits, - and _");
  }
  if (typeof prefix !== "string" || !/^[A-Za-z_][\w.-]{0,99}$/.test(prefix) || prefix.startsWith("system.")) {
    problems.push("storer-mongodb: `prefix` is a text of at most 100 letters, digits, - . and _, with a letter first");
  }
  if (!isDuration(timeout)) problems.push("storer-mongodb: `timeout` is a duration, for example seconds(5)");
  if (!isDuration(connectTimeout)) problems.push("storer-mongodb: `connectTimeout` is a duration, for example seconds(2)");
  if (problems.length > 0) throw new ConfigError(problems);
}
