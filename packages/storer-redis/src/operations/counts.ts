/** Counters for limits: the capability "counting". @module */
import type { CountOperations } from "@castellan/core";
import { dueMember, type Keys } from "../keys.ts";
import { KEEP } from "../lua.ts";
import { type Script, type Server, script } from "../server.ts";

/** Writes nothing when the use is refused. */
const countUse: Script<readonly [admitted: number, resetsAt: string]> = script(
  "countUse",
  `${KEEP}
local limit, now = tonumber(ARGV[1]), tonumber(ARGV[3])
local count = redis.call('HMGET', KEYS[1], 'uses', 'ends')
if count[1] and tonumber(count[2]) > now then
  if tonumber(count[1]) >= limit then return {0, count[2]} end
  redis.call('HINCRBY', KEYS[1], 'uses', 1)
  return {1, count[2]}
end
local ends = string.format('%.0f', now + tonumber(ARGV[2]))
if limit < 1 then return {0, ends} end
redis.call('ZADD', KEYS[2], ends, ARGV[4])
redis.call('HSET', KEYS[1], 'uses', 1, 'ends', ends)
keep(KEYS[1], ends)
return {1, ends}`,
);

const takeBackUse: Script<number> = script(
  "takeBackUse",
  `local count = redis.call('HMGET', KEYS[1], 'uses', 'ends')
if count[1] and tonumber(count[1]) > 0 and tonumber(count[2]) > tonumber(ARGV[1]) then redis.call('HINCRBY', KEYS[1], 'uses', -1) end
return 1`,
);

const forgetUses: Script<number> = script(
  "forgetUses",
  `redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])`,
);

export function countOperations(server: Server, keys: Keys): CountOperations {
  return {
    async countUse(key, limit, windowMs, now) {
      const places = [keys.of("count", key), keys.due(key)] as const;
      const [admitted, resetsAt] = await server.run(countUse, [...places], limit, windowMs, now.getTime(), dueMember("count", key, ""));
      return { admitted: admitted === 1, resetsAt: new Date(Number(resetsAt)) };
    },
    async takeBackUse(key, now) {
      await server.run(takeBackUse, [keys.of("count", key)], now.getTime());
    },
    async forgetUses(key) {
      await server.run(forgetUses, [keys.of("count", key), keys.due(key)], dueMember("count", key, ""));
    },
  };
}
