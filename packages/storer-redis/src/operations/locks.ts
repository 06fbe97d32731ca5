/** Counted attempts and locks: the capability "lockable", but for its links. @module */
import type { LockOperations } from "@castellan/core";
import { dueMember, type Keys, subjectOf } from "../keys.ts";
import { KEEP } from "../lua.ts";
import { type Script, type Server, script } from "../server.ts";

/**
 * `rest(key, due, member)`: notes by when a subject's attempts say nothing any more, and lets the engine remove them after that. It comes last, when the ends are known: should something foreign lie in the list of ends, the attempt is counted
 * and the lock made all the same, and the caller is told of a failure.
 */
const REST = `${KEEP}
local function rest(key, due, member)
  local ends = 0
  for _, moment in ipairs({'window', 'until', 'forgets'}) do ends = math.max(ends, tonumber(redis.call('HGET', key, moment) or 0)) end
  ends = string.format('%.0f', ends)
  redis.call('HSET', key, 'ends', ends)
  redis.call('ZADD', due, ends, member)
  keep(key, ends)
end
`;

/** While a lock runs nothing is written: a flood that is turned away costs nothing. */
const admitAttempt: Script<readonly [admitted: number, lockedUntil: string, lockedNow: number]> = script(
  "admitAttempt",
  `${REST}
local now, after, window, lasts, longest, forgets = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local found = redis.call('HMGET', KEYS[1], 'uses', 'window', 'until', 'locks', 'forgets')
local locked_until = found[3]
if locked_until and tonumber(locked_until) > now then return {0, locked_until, 0} end
if not found[2] or locked_until or tonumber(found[2]) <= now then
  redis.call('HSET', KEYS[1], 'uses', 1, 'window', string.format('%.0f', now + window))
  redis.call('HDEL', KEYS[1], 'at', 'until', 'by')
  rest(KEYS[1], KEYS[2], ARGV[1])
  return {1, '', 0}
end
if tonumber(found[1]) < after then
  redis.call('HINCRBY', KEYS[1], 'uses', 1)
  return {1, '', 0}
end
local locks = found[5] and tonumber(found[5]) > now and tonumber(found[4] or 0) + 1 or 1
local ends = now + math.min(lasts * 2 ^ (locks - 1), longest)
locked_until = string.format('%.0f', ends)
redis.call('HSET', KEYS[1], 'uses', 0, 'locks', locks, 'forgets', string.format('%.0f', ends + forgets), 'at', ARGV[2], 'until', locked_until, 'by', 'attempts')
rest(KEYS[1], KEYS[2], ARGV[1])
return {0, locked_until, 1}`,
);

const takeBackAttempt: Script<number> = script(
  "takeBackAttempt",
  `local found = redis.call('HMGET', KEYS[1], 'uses', 'window', 'until')
if not found[1] or found[3] or tonumber(found[1]) < 1 or tonumber(found[2]) <= tonumber(ARGV[1]) then return 0 end
redis.call('HINCRBY', KEYS[1], 'uses', -1)
return 1`,
);

const clearAttempts: Script<number> = script(
  "clearAttempts",
  `local locked_until = redis.call('HGET', KEYS[1], 'until')
if locked_until and tonumber(locked_until) > tonumber(ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])`,
);

const lockUser: Script<number> = script(
  "lockUser",
  `${REST}
if redis.call('HEXISTS', KEYS[3], 'epoch') == 0 then return 0 end
redis.call('HSETNX', KEYS[1], 'window', ARGV[2])
redis.call('HSET', KEYS[1], 'uses', 0, 'at', 0, 'until', ARGV[2], 'by', 'administrator')
rest(KEYS[1], KEYS[2], ARGV[1])
return 1`,
);

const unlockUser: Script<number> = script(
  "unlockUser",
  `if redis.call('HEXISTS', KEYS[3], 'epoch') == 0 then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[1])
return 1`,
);

export function lockOperations(server: Server, keys: Keys): Omit<LockOperations, "startUnlock" | "finishUnlock"> {
  const places = (subject: string): [string, string] => [keys.attempts(subject), keys.dueOfAttempts(subject)];
  const member = (subject: string): string => dueMember("attempts", subject, "");
  return {
    async admitAttempt(subject, { after, window, lasts, longest, forgets }, now) {
      const policy = [after, window, lasts, longest, forgets];
      const [admitted, until, lockedNow] = await server.run(admitAttempt, places(subject), member(subject), now.getTime(), ...policy);
      return admitted === 1 ? { admitted: true } : { admitted: false, lockedUntil: new Date(Number(until)), lockedNow: lockedNow === 1 };
    },
    async takeBackAttempt(subject, now) {
      await server.run(takeBackAttempt, [keys.attempts(subject)], now.getTime());
    },
    async clearAttempts(subject, now) {
      await server.run(clearAttempts, places(subject), member(subject), now.getTime());
    },
    async lockUser(pid, until) {
      const subject = subjectOf(pid);
      return (await server.run(lockUser, [...places(subject), keys.of("user", pid)], member(subject), until.getTime())) === 1;
    },
    async unlockUser(pid) {
      const subject = subjectOf(pid);
      return (await server.run(unlockUser, [...places(subject), keys.of("user", pid)], member(subject))) === 1;
    },
  };
}
