/**
 * Making users: the capability "creating", and `createUserWithIdentity` of "oauth2". @module
 *
 * A login, an identity and a pid lie in different slots of a cluster, so that no one script can take all. Steps, each of which somebody else can go on with:
 *
 * 1. In the pid's slot the user is written down as *begun*: everything but an epoch, with a claim, a number that is never given out again, and the identity that it wants. Nobody sees a user without an epoch; who is only begun goes by itself.
 * 2. In the login's slot `SET … NX` puts claim and pid under the login.
 * 3. With an identity: in its slot `SET … NX` puts the same under the identity.
 * 4. In the pid's slot the user is *settled*: gets an epoch, and the identity its row.
 *
 * Of any number of parallel calls for a login or an identity one has its claim there. Whoever meets a claim (looking the login up, or wanting it) first goes on with the steps that are left, and answers then: so nobody is refused for
 * the sake of a user who is never made. Killed in between, nothing is left but a hash that expires and claims without a user, which are nobody's and are taken away from exactly that claim.
 */
import type { CreateOperations, NewIdentity, NewUser, OAuth2Operations } from "@castellan/core";
import type { Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";
import { BEGUN_MS, type Claims, claimText, release } from "./claims.ts";
import { identityParams } from "./identities.ts";

/** ARGV: how long, how many parameters of an identity, these, and the fields of the user. What KEYS has after the second is of an earlier user with this pid. */
const beginUser: Script<number> = script(
  "createUser",
  `if redis.call('HEXISTS', KEYS[1], 'epoch') == 1 then return 0 end
local claim = redis.call('INCR', KEYS[2])
redis.call('DEL', KEYS[1], unpack(KEYS, 3))
local wanted = tonumber(ARGV[2])
redis.call('HSET', KEYS[1], 'claim', claim, unpack(ARGV, 3 + wanted))
if wanted > 0 then redis.call('HSET', KEYS[1], 'wants', cjson.encode({unpack(ARGV, 3, 2 + wanted)})) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return claim`,
);

export function createOperations(
  server: Server,
  keys: Keys,
  claims: Claims,
): CreateOperations & Pick<OAuth2Operations, "createUserWithIdentity"> {
  const create = async (user: NewUser, identity: NewIdentity | null): Promise<boolean> => {
    const { pid, login, email, passwordHash, profile, createdAt } = user;
    const fields = ["login", login, "profile", JSON.stringify(profile), "created", createdAt.getTime()];
    if (email !== null) fields.push("email", email);
    if (passwordHash !== null) fields.push("hash", passwordHash);
    const wanted = identity === null ? [] : identityParams(identity);
    const places = [keys.of("user", pid), keys.serial(pid), keys.of("identities", pid), keys.of("links", pid)] as const;
    const serial = await server.run(beginUser, [...places], BEGUN_MS, wanted.length, ...wanted, ...fields);
    if (serial === 0) return false;
    const claimed = String(serial);
    const own = claimText(claimed, pid);
    // Settled by somebody who met the claim, it is made all the same.
    if (!(await claims.claimLogin(login, own))) return claims.abandon(pid, claimed);
    if (await claims.isSettled(pid, claimed)) return true;
    // The identity is somebody's; or another call with this pid, or a long wait, has put an end to what was begun.
    await release(server, keys.of("login", login), own);
    return false;
  };
  return {
    createUser: (user) => create(user, null),
    createUserWithIdentity: create,
  };
}
