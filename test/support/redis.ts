/** Redis for the tests of whole applications: a server of the test that keeps what it is given, and the storer on it with the seams of `storers.ts`. @module */
import { redis } from "@castellan/storer-redis";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { newServer, type RedisServer } from "../../packages/storer-redis/test/support/servers.ts";
import type { OpenedStorer } from "./storers.ts";

export { withoutRedis } from "../../packages/storer-redis/test/support/servers.ts";

export interface OpenedRedis extends OpenedStorer {
  readonly server: RedisServer;
}

/** What a key holds, whatever its kind. */
async function contentOf(past: Redis, key: string): Promise<unknown> {
  const type = await past.type(key);
  if (type === "hash") return past.hgetall(key);
  if (type === "zset") return past.zrange(key, 0, -1, "WITHSCORES");
  if (type === "set") return past.smembers(key);
  return past.get(key);
}

export async function openRedis(): Promise<OpenedRedis> {
  const server = await newServer("--appendonly", "yes", "--appendfsync", "always");
  onTestFinished(() => server.end());
  const asked: string[] = [];
  const storer = await redis({ uri: server.uri, onQuery: (name) => asked.push(name) });
  onTestFinished(() => storer.close());
  return {
    server,
    storer,
    asked: () => asked.splice(0),
    before: () => {
      throw new Error("nobody stands between this storer and its operations");
    },
    removeUser: async (pid) => {
      await storer.removeUser(pid);
    },
    dump: async () => {
      const past = new Redis(server.uri);
      const rows = await Promise.all((await past.keys("*")).map(async (key) => [key, await contentOf(past, key)]));
      past.disconnect();
      return JSON.stringify(rows);
    },
    away: (isAway) => server.signal(isAway ? "SIGSTOP" : "SIGCONT"),
  };
}
