/** A storer that keeps everything in Redis, alone or as a cluster. @module */
import { ConfigError, type Duration, type EveryStorer, isDuration, seconds } from "@castellan/core";
import { addressOf } from "./address.ts";
import { type RedisClient, sendBy } from "./client.ts";
import { checkServer } from "./durability.ts";
import { Keys } from "./keys.ts";
import { Life } from "./life.ts";
import { openConnection } from "./open.ts";
import { authOperations } from "./operations/authable.ts";
import { challengeOperations } from "./operations/challenges.ts";
import { Claims } from "./operations/claims.ts";
import { countOperations } from "./operations/counts.ts";
import { createOperations } from "./operations/creating.ts";
import { disableOperations } from "./operations/disableable.ts";
import { factorOperations } from "./operations/factors.ts";
import { flowOperations } from "./operations/flows.ts";
import { identityOperations } from "./operations/identities.ts";
import { linkOperations } from "./operations/links.ts";
import { lockOperations } from "./operations/locks.ts";
import { mailOperations } from "./operations/mails.ts";
import { oneTimePasswordOperations } from "./operations/one-time-passwords.ts";
import { rememberOperations } from "./operations/remember.ts";
import { type RedisSessionOperations, sessionOperations } from "./operations/sessions.ts";
import { signInOperations } from "./operations/sign-ins.ts";
import { sweepOperation } from "./operations/sweep.ts";
import { trustedBrowserOperations } from "./operations/trusted-browsers.ts";
import { type RedisUser, userFields, userOperations } from "./operations/users.ts";
import { Server } from "./server.ts";

export type { Argument, IoRedisClient, NodeRedisClient, NodeRedisCluster, RedisClient } from "./client.ts";
export type { RedisSessionOperations } from "./operations/sessions.ts";
export type { RedisUser } from "./operations/users.ts";

export interface RedisOptions {
  /** Where the server is: `redis://user:password@host:6379/0`, or `rediss://…` for TLS. Needs the package `ioredis`. @default the server of `client` */
  readonly uri?: string;
  /** A client of your own in place of `uri`, of `ioredis` or `redis`; also for a cluster. It stays yours: `close()` leaves it open. @default one made for `uri` */
  readonly client?: RedisClient;
  /** What the name of every key begins with, before a colon. Another prefix is another storer. @default "castellan" */
  readonly prefix?: string;
  /** How long the server may take to answer. @default seconds(2) */
  readonly timeout?: Duration;
  /** Lets `ready()` warn where it would refuse a server that throws keys away or keeps nothing on a disk. For tests and development. @default false */
  readonly dangerouslyAllowLoss?: boolean;
  /** Is told what `ready()` finds doubtful. @default a warning of the process */
  readonly onWarning?: (message: string) => void;
  /** Is told the name of each script or command before it is sent, never a value. For tests and measurements. @default nothing is told */
  readonly onQuery?: (name: string) => void;
}

const DEFAULTS = {
  prefix: "castellan",
  timeout: seconds(2),
  dangerouslyAllowLoss: false,
  onWarning: (message: string) => process.emitWarning(message, "CastellanWarning"),
  onQuery: () => {},
} as const satisfies Omit<Required<RedisOptions>, "uri" | "client">;

export interface RedisStorer extends Omit<EveryStorer<RedisUser>, keyof RedisSessionOperations>, RedisSessionOperations {
  /** Deletes a user and all that belongs to them; their login is free again. Answers whether there was such a user. */
  removeUser(pid: string): Promise<boolean>;
  /** Connects, and looks whether the server is new enough and keeps what it is given. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Makes a storer for a server. It connects with the first operation, or by `ready()`, which Castellan calls. */
export async function redis(uriOrOptions: string | RedisOptions): Promise<RedisStorer> {
  const options = typeof uriOrOptions === "string" ? { uri: uriOrOptions } : uriOrOptions;
  const settings = { ...DEFAULTS, ...options };
  checkSettings(settings);
  const { prefix, timeout, onQuery } = settings;
  const { client, close } = await clientFor(settings, timeout);
  const server = new Server(sendBy(client), { timeout, onQuery });
  const keys = new Keys(`${prefix}:`);
  const claims = new Claims(server, keys);
  const life = new Life();
  const operations = {
    ...userOperations(server, keys, claims),
    ...authOperations(server, keys),
    ...createOperations(server, keys, claims),
    ...disableOperations(server, keys),
    ...signInOperations(server, keys),
    ...challengeOperations(server, keys),
    ...countOperations(server, keys),
    ...linkOperations(server, keys),
    ...lockOperations(server, keys),
    ...rememberOperations(server, keys),
    ...mailOperations(server, keys),
    ...factorOperations(server, keys),
    ...trustedBrowserOperations(server, keys),
    ...oneTimePasswordOperations(server, keys),
    ...identityOperations(server, keys, claims),
    ...flowOperations(server, keys),
    ...sessionOperations(server, keys),
    sweep: sweepOperation(server, keys),
    ready: () => checkServer(server, { ...settings, isOwn: client !== settings.client }),
  };
  return {
    userFields,
    ...life.watch(operations),
    async close() {
      await life.end();
      await close();
    },
  };
}

interface OpenClient {
  readonly client: RedisClient;
  readonly close: () => Promise<void>;
}

async function clientFor({ uri, client }: Pick<RedisOptions, "uri" | "client">, timeout: Duration): Promise<OpenClient> {
  if (client !== undefined) return { client, close: async () => {} };
  return openConnection(addressOf(uri), timeout);
}

/** Options may come from plain JavaScript, or from a configuration file. */
function checkSettings(settings: RedisOptions): void {
  const { uri, client, prefix, timeout, dangerouslyAllowLoss, onWarning, onQuery } = settings;
  const problems: string[] = [];
  if ((uri === undefined) === (client === undefined)) problems.push("storer-redis: redis() needs either a `uri` or a `client`");
  // A brace would be the hash tag of every key, or hide the one that we give.
  if (typeof prefix !== "string" || !/^[^{}]{1,100}$/.test(prefix)) {
    problems.push("storer-redis: `prefix` is a text of at most 100 characters without braces");
  }
  if (!isDuration(timeout)) problems.push("storer-redis: `timeout` is a duration, for example seconds(2)");
  if (typeof dangerouslyAllowLoss !== "boolean") problems.push("storer-redis: `dangerouslyAllowLoss` is true or false");
  if (typeof onWarning !== "function") problems.push("storer-redis: `onWarning` is a function");
  if (typeof onQuery !== "function") problems.push("storer-redis: `onQuery` is a function");
  if (problems.length > 0) throw new ConfigError(problems);
}
