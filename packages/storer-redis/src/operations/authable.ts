/** Passwords: the capability "authable". @module */
import type { AuthOperations } from "@castellan/core";
import type { Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";

const changePasswordHash: Script<number | null> = script(
  "changePasswordHash",
  `if redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return false end
redis.call('HSET', KEYS[1], 'hash', ARGV[2])
return redis.call('HINCRBY', KEYS[1], 'epoch', 1)`,
);

const setPasswordHash: Script<number | null> = script(
  "setPasswordHash",
  `if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return false end
redis.call('HSET', KEYS[1], 'hash', ARGV[1])
return redis.call('HINCRBY', KEYS[1], 'epoch', 1)`,
);

const upgradePasswordHash: Script<number> = script(
  "upgradePasswordHash",
  `local user = redis.call('HMGET', KEYS[1], 'epoch', 'hash')
if not user[1] or user[2] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'hash', ARGV[2])
return 1`,
);

export function authOperations(server: Server, keys: Keys): AuthOperations {
  return {
    changePasswordHash: (pid, from, passwordHash) => server.run(changePasswordHash, [keys.of("user", pid)], from, passwordHash),
    setPasswordHash: (pid, passwordHash) => server.run(setPasswordHash, [keys.of("user", pid)], passwordHash),
    async upgradePasswordHash(pid, from, passwordHash) {
      return (await server.run(upgradePasswordHash, [keys.of("user", pid)], from, passwordHash)) === 1;
    },
  };
}
