/** Rows for express-session: the capability "session-keeping". @module */
import type { SessionOperations } from "@castellan/core";
import { dueMember, type Keys } from "../keys.ts";
import { KEEP } from "../lua.ts";
import { type Script, type Server, script } from "../server.ts";

const saveSession: Script<number> = script(
  "saveSession",
  `${KEEP}
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[1], 'data', ARGV[3], 'ends', ARGV[1])
keep(KEYS[1], ARGV[1])
return 1`,
);

const touchSession: Script<number> = script(
  "touchSession",
  `${KEEP}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[1], 'ends', ARGV[1])
keep(KEYS[1], ARGV[1])
return 1`,
);

const destroySession: Script<number> = script(
  "destroySession",
  `redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])`,
);

/** `SessionOperations` of core, always by promises. */
export type RedisSessionOperations = {
  readonly [Name in keyof SessionOperations]: (
    ...args: Parameters<SessionOperations[Name]>
  ) => Promise<Awaited<ReturnType<SessionOperations[Name]>>>;
};

export function sessionOperations(server: Server, keys: Keys): RedisSessionOperations {
  const places = (key: string): [string, string] => [keys.of("session", key), keys.due(key)];
  return {
    async loadSession(key, now) {
      const at = now.getTime();
      const [data, ends] = await server.command<[string | null, string | null]>("HMGET", keys.of("session", key), "data", "ends");
      return data !== null && Number(ends) > at ? { data, expiresAt: new Date(Number(ends)) } : null;
    },
    async saveSession(key, { data, expiresAt }) {
      await server.run(saveSession, places(key), expiresAt.getTime(), dueMember("session", key, ""), data);
    },
    async touchSession(key, expiresAt) {
      await server.run(touchSession, places(key), expiresAt.getTime(), dueMember("session", key, ""));
    },
    async destroySession(key) {
      await server.run(destroySession, places(key), dueMember("session", key, ""));
    },
  };
}
