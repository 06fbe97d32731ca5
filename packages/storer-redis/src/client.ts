/** The clients that can be handed in, and the one small interface that the rest of this package sees of them. @module */
import { ConfigError } from "@castellan/core";

/** What may be sent. Redis knows only bytes: a number arrives as its decimal text. */
export type Argument = string | number;

/** What comes back. */
export type Answer = string | number | null | readonly Answer[];

/** `Redis` or `Cluster` of the package `ioredis`, from version 5 on. */
export interface IoRedisClient {
  call(command: string, ...args: Argument[]): Promise<unknown>;
}

/** What `createClient` or `createClientPool` of the package `redis` makes, from version 5 on. */
export interface NodeRedisClient {
  sendCommand(args: string[], options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>;
}

/** What `createCluster` of the package `redis` makes, from version 5 on. */
export interface NodeRedisCluster {
  readonly masters: readonly unknown[];
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
}

export type RedisClient = IoRedisClient | NodeRedisClient | NodeRedisCluster;

/** Sends one command. `key` is the one that says which node of a cluster it is for; `null` for any. */
export type Send = (command: string, key: string | null, args: readonly Argument[], timeoutMs: number) => Promise<unknown>;

type Candidate = Partial<Record<"call" | "sendCommand" | "masters", unknown>>;

export function sendBy(client: RedisClient): Send {
  // It may come from plain JavaScript: what it has is looked at, whatever the types say.
  const { call, sendCommand, masters } = client as Candidate;
  if (typeof call === "function") {
    const ioredis = client as IoRedisClient;
    return (command, _key, args) => ioredis.call(command, ...args);
  }
  if (typeof sendCommand !== "function") {
    throw new ConfigError([
      "storer-redis: redis() needs a URL, a client of the package ioredis (5 or later) or one of the package redis (5 or later), made by createClient or createCluster",
    ]);
  }
  if (Array.isArray(masters)) {
    const cluster = client as NodeRedisCluster;
    return (command, key, args) => cluster.sendCommand(key ?? undefined, false, [command, ...args.map(String)]);
  }
  const single = client as NodeRedisClient;
  // Without the signal a command that could not be sent would wait without end, and be run long after its caller was told that it failed.
  return (command, _key, args, timeoutMs) =>
    single.sendCommand([command, ...args.map(String)], { abortSignal: AbortSignal.timeout(timeoutMs) });
}
