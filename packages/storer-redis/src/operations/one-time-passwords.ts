/** One-time passwords: the capability "one-time-passwords". A hash of the secrets' hashes, each with the epoch that it was made under. @module */
import type { OneTimePasswordOperations } from "@castellan/core";
import type { Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";

/** `live_hashes(user, passwords)`: those of the epoch that the user is of. */
const LIVE_HASHES = `local function live_hashes(user, passwords)
  local epoch, live = redis.call('HGET', user, 'epoch'), {}
  local all = redis.call('HGETALL', passwords)
  for index = 1, #all, 2 do
    if all[index + 1] == epoch then live[#live + 1] = all[index] end
  end
  return live, #all / 2
end
`;

const addOneTimePassword: Script<number | null> = script(
  "addOneTimePassword",
  `${LIVE_HASHES}
if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return false end
local live, all = live_hashes(KEYS[1], KEYS[2])
if #live >= tonumber(ARGV[3]) or redis.call('HGET', KEYS[2], ARGV[2]) == ARGV[1] then return false end
if #live == 0 and all > 0 then redis.call('DEL', KEYS[2]) end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[1])
return #live + 1`,
);

const countOneTimePasswords: Script<number> = script(
  "countOneTimePasswords",
  `${LIVE_HASHES}
local live = live_hashes(KEYS[1], KEYS[2])
return #live`,
);

const consumeOneTimePassword: Script<number> = script(
  "consumeOneTimePassword",
  `local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch or redis.call('HGET', KEYS[2], ARGV[1]) ~= epoch then return 0 end
return redis.call('HDEL', KEYS[2], ARGV[1])`,
);

const clearOneTimePasswords: Script<number> = script(
  "clearOneTimePasswords",
  `${LIVE_HASHES}
local live = live_hashes(KEYS[1], KEYS[2])
redis.call('DEL', KEYS[2])
return #live`,
);

export function oneTimePasswordOperations(server: Server, keys: Keys): OneTimePasswordOperations {
  const places = (pid: string): [string, string] => [keys.of("user", pid), keys.of("one-time-passwords", pid)];
  return {
    addOneTimePassword: (pid, epoch, hash, max) => server.run(addOneTimePassword, places(pid), epoch, hash, max),
    countOneTimePasswords: (pid) => server.run(countOneTimePasswords, places(pid)),
    async consumeOneTimePassword(pid, hash) {
      return (await server.run(consumeOneTimePassword, places(pid), hash)) === 1;
    },
    clearOneTimePasswords: (pid) => server.run(clearOneTimePasswords, places(pid)),
  };
}
