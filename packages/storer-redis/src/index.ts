/** A storer that keeps everything in Redis, alone or as a cluster. @module */
import {
  type AuthOperations,
  type ChallengeOperations,
  ConfigError,
  type ConfirmOperations,
  type CountOperations,
  type CreateOperations,
  type DisableOperations,
  type Duration,
  type ExpireOperations,
  isDuration,
  type LockOperations,
  type MailQueueOperations,
  type OneTimePasswordOperations,
  type RecoverOperations,
  type RecoveryCodeOperations,
  type RememberOperations,
  type SecondaryEmailOperations,
  type ServerStorer,
  type SmsOperations,
  seconds,
  type TotpOperations,
  type TrustedBrowserOperations,
} from "@castellan/core";
import { type RedisClient, sendBy } from "./client.ts";
import { checkServer } from "./durability.ts";
import { Keys } from "./keys.ts";
import { Life } from "./life.ts";
import { closeConnection, isRedisUrl, openConnection } from "./open.ts";
import { authOperations } from "./operations/authable.ts";
import { challengeOperations } from "./operations/challenges.ts";
import { countOperations } from "./operations/counts.ts";
import { createOperations } from "./operations/creating.ts";
import { disableOperations } from "./operations/disableable.ts";
import { factorOperations } from "./operations/factors.ts";
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
  /** One server, as `redis://user:password@host:port/database`, or `rediss://…` for TLS. Needs the package `ioredis`. @default the server of `client` */
  readonly url?: string;
  /** A client of your own in place of `url`, of `ioredis` or `redis`; also for a cluster. It stays yours: `close()` leaves it open. @default one made for `url` */
  readonly client?: RedisClient;
  /** What the name of every key begins with. Another namespace is another storer. @default "castellan" */
  readonly namespace?: string;
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
  namespace: "castellan",
  timeout: seconds(2),
  dangerouslyAllowLoss: false,
  onWarning: (message: string) => process.emitWarning(message, "CastellanWarning"),
  onQuery: () => {},
} as const satisfies Omit<Required<RedisOptions>, "url" | "client">;

export interface RedisStorer
  extends ServerStorer<RedisUser>,
    AuthOperations,
    CreateOperations,
    DisableOperations,
    CountOperations,
    ChallengeOperations,
    ConfirmOperations,
    RecoverOperations,
    SecondaryEmailOperations,
    LockOperations,
    RememberOperations,
    ExpireOperations,
    MailQueueOperations,
    TotpOperations,
    SmsOperations,
    RecoveryCodeOperations,
    TrustedBrowserOperations,
    OneTimePasswordOperations,
    RedisSessionOperations {
  /** Deletes a user and all that belongs to them; their login is free again. Answers whether there was such a user. */
  removeUser(pid: string): Promise<boolean>;
  /** Connects, and looks whether the server is new enough and keeps what it is given. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Makes a storer for a server. It connects with the first operation, or by `ready()`, which Castellan calls. */
export async function redis(urlOrOptions: string | RedisOptions): Promise<RedisStorer> {
  const options = typeof urlOrOptions === "string" ? { url: urlOrOptions } : urlOrOptions;
  const settings = { ...DEFAULTS, ...options };
  checkSettings(settings);
  const { namespace, timeout, onQuery } = settings;
  const { client, close } = await clientFor(settings, timeout);
  const server = new Server(sendBy(client), { timeout, onQuery });
  const keys = new Keys(`${namespace}:`);
  const life = new Life();
  const operations = {
    ...userOperations(server, keys),
    ...authOperations(server, keys),
    ...createOperations(server, keys),
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
    ...sessionOperations(server, keys),
    sweep: sweepOperation(server, keys),
    ready: () => checkServer(server, settings),
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

async function clientFor({ url, client }: Pick<RedisOptions, "url" | "client">, timeout: Duration): Promise<OpenClient> {
  if (client !== undefined) return { client, close: async () => {} };
  const own = await openConnection(url ?? "", timeout);
  return { client: own, close: () => closeConnection(own, timeout) };
}

/** Options may come from plain JavaScript, or from a configuration file. */
function checkSettings(settings: RedisOptions): void {
  const { url, client, namespace, timeout, dangerouslyAllowLoss, onWarning, onQuery } = settings;
  const problems: string[] = [];
  if ((url === undefined) === (client === undefined)) problems.push("storer-redis: redis() needs either a URL or a client");
  else if (client === undefined && (typeof url !== "string" || !isRedisUrl(url))) {
    problems.push('storer-redis: the URL begins with redis:// or rediss:// and names a host, for example redis("redis://localhost:6379")');
  }
  // A brace would be the hash tag of every key, or hide the one that we give.
  if (typeof namespace !== "string" || !/^[^{}]{1,100}$/.test(namespace)) {
    problems.push("storer-redis: `namespace` is a text of at most 100 characters without braces");
  }
  if (!isDuration(timeout)) problems.push("storer-redis: `timeout` is a duration, for example seconds(2)");
  if (typeof dangerouslyAllowLoss !== "boolean") problems.push("storer-redis: `dangerouslyAllowLoss` is true or false");
  if (typeof onWarning !== "function") problems.push("storer-redis: `onWarning` is a function");
  if (typeof onQuery !== "function") problems.push("storer-redis: `onQuery` is a function");
  if (problems.length > 0) throw new ConfigError(problems);
}
