/** Users: looking them up, their epoch, and removing them. @module */
import { type EveryUser, everyUserFields, type SecondaryEmailOperations, type ServerStorer } from "@castellan/core";
import type { Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";
import { type Claims, claimText, isClaimed, parseClaim, releaseLater, SETTLE } from "./claims.ts";

/** The users of a Redis storer. */
export interface RedisUser extends EveryUser {
  readonly createdAt: Date;
}

export const userFields: readonly string[] = [...everyUserFields, "createdAt"];

type Text = string | null;

/** A user as the scripts answer it: the fields of the user's hash, and of the lock beside it. */
export type UserReply = readonly [
  user: readonly [
    epoch: string,
    login: string,
    email: Text,
    hash: Text,
    profile: string,
    created: string,
    disabled: Text,
    confirmed: Text,
    secondary: Text,
    totpEnabledAt: Text,
    smsNumber: Text,
  ],
  lock: readonly [until: Text, by: Text],
];

/** `read_user(user, attempts)`: what {@link userOf} makes a user of; `nil` where there is no such user. A user exists while there is an epoch. */
export const READ_USER = `local function read_user(user, attempts)
  local fields = redis.call('HMGET', user, 'epoch', 'login', 'email', 'hash', 'profile', 'created', 'disabled', 'confirmed', 'secondary', 'totp_at', 'sms')
  if not fields[1] then return nil end
  return {fields, redis.call('HMGET', attempts, 'until', 'by')}
end
`;

const dateOf = (milliseconds: Text): Date | null => (milliseconds === null ? null : new Date(Number(milliseconds)));

export function userOf(pid: string, [fields, [until, by]]: UserReply): RedisUser {
  const [epoch, login, email, hash, profile, created, disabled, confirmed, secondary, totpEnabledAt, smsNumber] = fields;
  return {
    pid,
    login,
    epoch: Number(epoch),
    passwordHash: hash,
    email,
    // Written by `createUser` and nobody else; core checks the fields of every loaded user besides.
    profile: JSON.parse(profile) as RedisUser["profile"],
    disabledAt: dateOf(disabled),
    confirmedAt: dateOf(confirmed),
    lockedUntil: dateOf(until),
    lockedBy: by,
    // Written by `setSecondaryEmails` and nobody else.
    secondaryEmails: secondary === null ? [] : (JSON.parse(secondary) as string[]),
    totpEnabledAt: dateOf(totpEnabledAt),
    smsNumber,
    createdAt: new Date(Number(created)),
  };
}

const load: Script<UserReply | readonly [claim: string, login: string] | null> = script(
  "load",
  `${READ_USER}
local found = read_user(KEYS[1], KEYS[2])
if found then return found end
local pending = redis.call('HMGET', KEYS[1], 'claim', 'login')
return pending[1] and pending or false`,
);

const loadClaimed: Script<UserReply | "begun" | null> = script(
  "findByLogin",
  `${READ_USER}${SETTLE}
local state = settle(KEYS[1], KEYS[3], ARGV[1])
if state == 2 then return 'begun' end
if state == 0 then return false end
return read_user(KEYS[1], KEYS[2]) or false`,
);

const advanceEpoch: Script<number | null> = script(
  "advanceEpoch",
  `if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return false end
return redis.call('HINCRBY', KEYS[1], 'epoch', 1)`,
);

const setSecondaryEmails: Script<number> = script(
  "setSecondaryEmails",
  `if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return 0 end
redis.call('HSET', KEYS[1], 'secondary', ARGV[1])
return 1`,
);

/** Answers claim and login of whom it removed, then name and claim of each of their identities. */
const removeUser: Script<readonly [claim: string, login: string, ...identities: string[]] | null> = script(
  "removeUser",
  `local user = redis.call('HMGET', KEYS[1], 'epoch', 'claim', 'login')
if not user[1] then return false end
local removed, identities = {user[2], user[3]}, redis.call('HGETALL', KEYS[2])
for index = 1, #identities, 2 do
  removed[#removed + 1] = identities[index]
  removed[#removed + 1] = cjson.decode(identities[index + 1])[1]
end
redis.call('DEL', unpack(KEYS))
return removed`,
);

/** What a user has besides themselves, each in a key. */
const BELONGINGS = ["identities", "sign-ins", "links", "remembered", "trusted", "recovery-codes", "one-time-passwords"] as const;

type UserOperations = Pick<ServerStorer<RedisUser>, "load" | "findByLogin" | "advanceEpoch"> &
  SecondaryEmailOperations & {
    /** Deletes a user and all that belongs to them; their login is free again. Answers whether there was such a user. */
    removeUser(pid: string): Promise<boolean>;
  };

const isUser = (reply: UserReply | readonly [string, string]): reply is UserReply => Array.isArray(reply[0]);

export function userOperations(server: Server, keys: Keys, claims: Claims): UserOperations {
  const loadUser = async (pid: string): Promise<RedisUser | null> => {
    const reply = await server.run(load, [keys.of("user", pid), keys.attemptsOfUser(pid)]);
    if (reply === null) return null;
    if (isUser(reply)) return userOf(pid, reply);
    // Begun and not yet there. Who claimed the login may exist, though the one who made them was killed before saying so.
    const [claim, login] = reply;
    const isLeft = (await isClaimed(server, keys.of("login", login), claimText(claim, pid))) && (await claims.isSettled(pid, claim));
    return isLeft ? loadUser(pid) : null;
  };
  return {
    load: loadUser,
    async findByLogin(login) {
      const holder = await server.command<string | null>("GET", keys.of("login", login));
      // Looked up all the same where nobody has the login, so that both take their time.
      const [claim, pid] = holder === null ? ["", login] : parseClaim(holder);
      const places = [keys.of("user", pid), keys.attemptsOfUser(pid), keys.of("identities", pid)] as const;
      const reply = await server.run(loadClaimed, [...places], claim);
      if (reply === "begun") return (await claims.isSettled(pid, claim)) ? loadUser(pid) : null;
      return reply && userOf(pid, reply);
    },
    advanceEpoch: (pid) => server.run(advanceEpoch, [keys.of("user", pid)]),
    async setSecondaryEmails(pid, addresses) {
      return (await server.run(setSecondaryEmails, [keys.of("user", pid)], JSON.stringify(addresses))) === 1;
    },
    async removeUser(pid) {
      const own = BELONGINGS.map((kind) => keys.of(kind, pid));
      const removed = await server.run(removeUser, [keys.of("user", pid), ...own, keys.attemptsOfUser(pid)]);
      if (!removed) return false;
      const [claim, login, ...identities] = removed;
      const claimed = [[keys.of("login", login), claimText(claim, pid)] as const];
      for (let index = 0; index < identities.length; index += 2) {
        const [name = "", of = ""] = identities.slice(index);
        claimed.push([keys.of("identity", name), claimText(of, pid)]);
      }
      await Promise.all(claimed.map(([key, text]) => releaseLater(server, key, text)));
      return true;
    },
  };
}
