/** Putting users out: the capability "disableable". @module */
import type { DisableOperations } from "@castellan/core";
import type { Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";

const disableUser: Script<number> = script(
  "disableUser",
  `if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return 0 end
redis.call('HSETNX', KEYS[1], 'disabled', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'epoch', 1)
return 1`,
);

const enableUser: Script<number> = script(
  "enableUser",
  `if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return 0 end
redis.call('HDEL', KEYS[1], 'disabled')
return 1`,
);

export function disableOperations(server: Server, keys: Keys): DisableOperations {
  return {
    async disableUser(pid, now) {
      return (await server.run(disableUser, [keys.of("user", pid)], now.getTime())) === 1;
    },
    async enableUser(pid) {
      return (await server.run(enableUser, [keys.of("user", pid)])) === 1;
    },
  };
}
