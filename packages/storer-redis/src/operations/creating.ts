/**
 * Making users: the capability "creating". @module
 *
 * A login and a pid lie in different slots of a cluster, so that no one script can take both. Three steps, of which the second decides:
 *
 * 1. In the pid's slot the user is written down as *begun*: everything but an epoch, and with a claim, a number that is never given out again. Nobody sees a user without an epoch; who is only begun goes by itself.
 * 2. In the login's slot `SET … NX` puts claim and pid under the login. Of any number of parallel calls one succeeds: it has made the user, whatever happens to it now.
 * 3. In the pid's slot the user is *settled*: gets an epoch.
 *
 * Killed after 1, nothing is left but a hash that expires. Killed after 2, whoever meets the login (looking it up, or wanting it) settles the user first: the claims are equal, so it was decided. A login whose
 * claim no user has is nobody's (a user was deleted by hand, or step 3 came so late that the begun user had gone), and is taken away from exactly that claim: the one who made it finds its user gone and answers `false`.
 */
import type { CreateOperations } from "@castellan/core";
import { Unavailable } from "@castellan/core";
import type { Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";
import { claimText, isSettled, parseClaim, release } from "./claims.ts";

/** How long a user who is only begun stays, by the server's clock. Safe at any length; it must be longer than the way from step 1 to step 3. */
const BEGUN_MS = 600_000;

/** How often a login that is nobody's is freed and claimed again before giving up: each time somebody else was quicker with both. */
const TRIES = 20;

const begin: Script<number> = script(
  "createUser",
  `if redis.call('HEXISTS', KEYS[1], 'epoch') == 1 then return 0 end
local claim = redis.call('INCR', KEYS[2])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'claim', claim, unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return claim`,
);

const abandon: Script<number> = script(
  "abandonUser",
  `local found = redis.call('HMGET', KEYS[1], 'claim', 'epoch')
if found[1] == ARGV[1] and not found[2] then return redis.call('DEL', KEYS[1]) end
return 0`,
);

export function createOperations(server: Server, keys: Keys): CreateOperations {
  /** Step 2. `false` when somebody else has the login. */
  const claimLogin = async (login: string, own: string): Promise<boolean> => {
    const key = keys.of("login", login);
    for (let left = TRIES; left > 0; left -= 1) {
      if ((await server.command<string | null>("SET", key, own, "NX")) !== null) return true;
      const holder = await server.command<string | null>("GET", key);
      // The client sent it twice, and the first time was not in vain.
      if (holder === own) return true;
      if (holder === null) continue;
      const [claim, pid] = parseClaim(holder);
      if (await isSettled(server, keys, pid, claim)) return false;
      await release(server, keys, login, holder);
    }
    throw new Unavailable("Redis: a login is claimed and freed without end", { reason: "busy", retryAfter: 1 });
  };

  return {
    async createUser({ pid, login, email, passwordHash, profile, createdAt }) {
      const fields = ["login", login, "profile", JSON.stringify(profile), "created", createdAt.getTime()];
      if (email !== null) fields.push("email", email);
      if (passwordHash !== null) fields.push("hash", passwordHash);
      const user = keys.of("user", pid);
      const serial = await server.run(begin, [user, keys.serial(pid)], BEGUN_MS, ...fields);
      if (serial === 0) return false;
      const claim = String(serial);
      const own = claimText(claim, pid);
      if (!(await claimLogin(login, own))) {
        await server.run(abandon, [user], claim);
        return false;
      }
      if (await isSettled(server, keys, pid, claim)) return true;
      // Another call with this pid, or a long wait, has put an end to what was begun.
      await release(server, keys, login, own);
      return false;
    },
  };
}
