/**
 * Who has a login or an identity: claims that lead from a text in one slot to a user in another. See `creating.ts` and `identities.ts`. @module
 *
 * A claim is a number of the user's shard, given out once. Under a login or an identity stand claim and pid; in the user's shard stands, under the same claim, whether it was decided. So two slots agree without a transaction: the
 * one lets one claim in at a time, the other says yes or no to it for good. Whoever meets a claim that is not decided yet decides it, before answering anything; a claim that is dead is taken away from exactly itself.
 */
import { Unavailable } from "@castellan/core";
import type { Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";

/** How long what is only begun stays, by the server's clock, in milliseconds. Safe at any length; it must be longer than the way from the first step to the last. */
export const BEGUN_MS = 600_000;

/** How often a text that is nobody's is freed and claimed again before giving up: each time somebody else was quicker with both. */
const TRIES = 20;

/** What stands under a login, or an identity. */
export const claimText = (claim: string | number, pid: string): string => `${claim} ${pid}`;

export function parseClaim(text: string): [claim: string, pid: string] {
  const end = text.indexOf(" ");
  return [text.slice(0, end), text.slice(end + 1)];
}

/** Deletes a key only while it holds the given text. */
const releaseClaim: Script<number> = script(
  "release",
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
);

export async function isClaimed(server: Server, key: string, text: string): Promise<boolean> {
  return (await server.command<string | null>("GET", key)) === text;
}

export async function release(server: Server, key: string, text: string): Promise<void> {
  await server.run(releaseClaim, [key], text);
}

/** The same where all has been decided: a failure leaves a claim that is dead, and whoever meets it takes it away. */
export async function releaseLater(server: Server, key: string, text: string): Promise<void> {
  await release(server, key, text).catch(() => {});
}

/** Puts a claim under a key. `false` when somebody else's is there and `isHeld` says that it is decided, or could decide it. */
export async function claim(server: Server, key: string, own: string, isHeld: (holder: string) => Promise<boolean>): Promise<boolean> {
  for (let left = TRIES; left > 0; left -= 1) {
    if ((await server.command<string | null>("SET", key, own, "NX")) !== null) return true;
    const holder = await server.command<string | null>("GET", key);
    // Put there by whoever met this claim elsewhere and goes the same way to its end.
    if (holder === own) return true;
    if (holder === null) continue;
    if (await isHeld(holder)) return false;
    await release(server, key, holder);
  }
  throw new Unavailable("Redis: a name is claimed and freed without end", { reason: "busy", retryAfter: 1 });
}

/**
 * `settle(user, identities, claim, has_identity)`: 1 when the user with this claim exists, who may have been only begun up to now; 0 when there is none; 2 and what it wants when an identity must be claimed first.
 */
export const SETTLE = `local function settle(user, identities, claim, has_identity)
  local found = redis.call('HMGET', user, 'claim', 'epoch', 'wants')
  if found[1] ~= claim then return 0 end
  if found[2] then return 1 end
  if found[3] then
    local wanted = cjson.decode(found[3])
    if not has_identity then return 2, wanted[1] end
    local member = table.remove(wanted, 1)
    table.insert(wanted, 1, claim)
    redis.call('HSET', identities, member, cjson.encode(wanted))
    redis.call('HDEL', user, 'wants')
  end
  redis.call('HSET', user, 'epoch', 0)
  redis.call('PERSIST', user)
  return 1
end
`;

type State = readonly [state: 0 | 1] | readonly [state: 2, wanted: string];

const settleUser: Script<State> = script(
  "settleUser",
  `${SETTLE}
local state, wanted = settle(KEYS[1], KEYS[2], ARGV[1], ARGV[2] == '1')
return {state, wanted}`,
);

/** Answers whether the user exists: who does is not given up. */
const abandonUser: Script<number> = script(
  "abandonUser",
  `local found = redis.call('HMGET', KEYS[1], 'claim', 'epoch')
if found[1] ~= ARGV[1] then return 0 end
if found[2] then return 1 end
redis.call('DEL', KEYS[1])
return 0`,
);

/** `held(user, identities, linking, member, claim)`: the row of the identity, while it is this claim's; `nil` and the login where it waits for a user who is only begun. What is begun here is decided on the way. */
const HELD = `local function held(user, identities, linking, member, claim)
  local found = redis.call('HMGET', user, 'claim', 'epoch', 'wants', 'login')
  local text = found[2] and redis.call('HGET', identities, member)
  local row = text and cjson.decode(text)
  if row and row[1] == claim then return row end
  local begun = redis.call('GET', linking)
  if begun and begun ~= 'done' then
    local link = cjson.decode(begun)
    if not row and found[2] == link[1] and found[1] == link[2] then
      row = {claim, unpack(link, 3)}
      redis.call('HSET', identities, member, cjson.encode(row))
      redis.call('SET', linking, 'done', 'KEEPTTL')
      return row
    end
    redis.call('DEL', linking)
  end
  if found[1] == claim and not found[2] and found[3] and cjson.decode(found[3])[1] == member then return nil, found[4] end
end
`;

/** An identity as it lies in its user's shard. What may be `null` is `""` then, and begins with `=` otherwise. */
export type IdentityRow = readonly [
  claim: string,
  issuer: string,
  subject: string,
  provider: string,
  email: string,
  tokens: string,
  linkedAt: string,
];

type Holder = readonly ["row", IdentityRow] | readonly ["login", string] | readonly ["done"] | null;

/** `"done"`: it was this claim's, and is not any more. */
const holdIdentity: Script<Holder> = script(
  "holdIdentity",
  `${HELD}
local row, login = held(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
if row then return {'row', row} end
if login then return {'login', login} end
return redis.call('GET', KEYS[3]) == 'done' and {'done'} or false`,
);

/** Users and identities, and the claims that lead to them. */
export class Claims {
  readonly #server: Server;
  readonly #keys: Keys;

  constructor(server: Server, keys: Keys) {
    this.#server = server;
    this.#keys = keys;
  }

  /** Whether the user with this claim, under whose login it stands, exists: from now on, if all is there. */
  async isSettled(pid: string, claimed: string): Promise<boolean> {
    const [state, wanted] = await this.#settle(pid, claimed, false);
    if (wanted === undefined) return state === 1;
    const [identity, own] = [this.#keys.of("identity", wanted), claimText(claimed, pid)];
    if (!(await this.claimIdentity(wanted, own))) return this.abandon(pid, claimed);
    if ((await this.#settle(pid, claimed, true))[0] === 1) return true;
    await release(this.#server, identity, own);
    return false;
  }

  /** Gives a user up who is only begun. Answers whether they exist: then somebody else has settled them. */
  async abandon(pid: string, claimed: string): Promise<boolean> {
    return (await this.#server.run(abandonUser, [this.#keys.of("user", pid)], claimed)) === 1;
  }

  claimLogin(login: string, own: string): Promise<boolean> {
    return claim(this.#server, this.#keys.of("login", login), own, (holder) => {
      const [claimed, pid] = parseClaim(holder);
      return this.isSettled(pid, claimed);
    });
  }

  claimIdentity(member: string, own: string): Promise<boolean> {
    return claim(this.#server, this.#keys.of("identity", member), own, async (holder) => {
      const found = await this.holderOf(member, holder);
      return found !== null && found !== "done";
    });
  }

  /** The identity as the user has it whose claim stands under it. */
  async holderOf(member: string, holder: string): Promise<IdentityRow | "done" | null> {
    const [claimed, pid] = parseClaim(holder);
    const keys = this.#keys;
    const places = [keys.of("user", pid), keys.of("identities", pid), keys.linking(pid, claimed)] as const;
    const look = () => this.#server.run(holdIdentity, [...places], member, claimed);
    const found = await look();
    if (found?.[0] !== "login") return answerOf(found);
    // Of a user who is only begun: with login and identity all is there. Without the login, which is claimed first and given back last, nothing ever will be.
    const isWhole = await isClaimed(this.#server, keys.of("login", found[1]), holder);
    const exists = isWhole ? (await this.#settle(pid, claimed, true))[0] === 1 : await this.abandon(pid, claimed);
    return exists ? answerOf(await look()) : null;
  }

  #settle(pid: string, claimed: string, hasIdentity: boolean): Promise<State> {
    return this.#server.run(settleUser, [this.#keys.of("user", pid), this.#keys.of("identities", pid)], claimed, hasIdentity ? 1 : 0);
  }
}

function answerOf(found: Holder): IdentityRow | "done" | null {
  if (found?.[0] === "row") return found[1];
  return found?.[0] === "done" ? "done" : null;
}
