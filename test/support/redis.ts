/** Redis for the tests of whole applications: a server of the test that keeps what it is given, and the storer on it with the seams of `storers.ts`. @module */
import { redis } from "@castellan/storer-redis";
import { Redis } from "ioredis";
import { onTestFinished } from "vitest";
import { contents } from "../../packages/storer-redis/test/support/contents.ts";
import { DURABLE, newServer, type RedisServer } from "../../packages/storer-redis/test/support/servers.ts";
import type { OpenedStorer } from "./storers.ts";

export { withoutRedis } from "../../packages/storer-redis/test/support/servers.ts";

export interface OpenedRedis extends OpenedStorer {
  readonly server: RedisServer;
}

export async function openRedis(): Promise<OpenedRedis> {
  const server = await newServer(...DURABLE);
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
      const rows = await contents(past);
      past.disconnect();
      return JSON.stringify(rows);
    },
    away: (isAway) => server.signal(isAway ? "SIGSTOP" : "SIGCONT"),
  };
}
