/** Who has a login: the claim that leads from a login in one slot to a user in another. See `creating.ts`. @module */
import type { Keys } from "../keys.ts";
import { type Script, type Server, script } from "../server.ts";

/** What stands under a login. */
export const claimText = (claim: string | number, pid: string): string => `${claim} ${pid}`;

export function parseClaim(text: string): [claim: string, pid: string] {
  const end = text.indexOf(" ");
  return [text.slice(0, end), text.slice(end + 1)];
}

/** `settle(user, claim)`: whether the user has this claim; who is only begun exists from now on. */
export const SETTLE = `local function settle(user, claim)
  local found = redis.call('HMGET', user, 'claim', 'epoch')
  if found[1] ~= claim then return false end
  if not found[2] then
    redis.call('HSET', user, 'epoch', 0)
    redis.call('PERSIST', user)
  end
  return true
end
`;

const settleUser: Script<number> = script("settleUser", `${SETTLE}return settle(KEYS[1], ARGV[1]) and 1 or 0`);

/** Deletes a key only while it holds the given text. */
const releaseLogin: Script<number> = script(
  "releaseLogin",
  "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
);

export async function isSettled(server: Server, keys: Keys, pid: string, claim: string): Promise<boolean> {
  return (await server.run(settleUser, [keys.of("user", pid)], claim)) === 1;
}

export async function isClaimed(server: Server, keys: Keys, login: string, text: string): Promise<boolean> {
  return (await server.command<string | null>("GET", keys.of("login", login))) === text;
}

export async function release(server: Server, keys: Keys, login: string, text: string): Promise<void> {
  await server.run(releaseLogin, [keys.of("login", login)], text);
}
