/**
 * Trusted browsers: the capability "trusted-browsers". @module
 *
 * They lie in the shard of their user. That no two have one id or one key, whosever they are, is decided before by two claims in the shards of id and key; they lead nowhere, and go by themselves.
 */
import type { TrustedBrowser, TrustedBrowserOperations } from "@castellan/core";
import { dueMember, type Keys } from "../keys.ts";
import { indexLife, KEEP, ROWS } from "../lua.ts";
import { type Script, type Server, script } from "../server.ts";

const LONGEST_LIST = 100;

type Row = readonly [expiresAt: string, keyHash: string, epoch: string, createdAt: string, userAgent: string, network: string, id: string];

const addTrustedBrowser: Script<number> = script(
  "addTrustedBrowser",
  `${KEEP}${ROWS}
local row = {unpack(ARGV, 2)}
if redis.call('HGET', KEYS[1], 'epoch') ~= row[3] then return 0 end
put_row(KEYS[2], KEYS[3], ARGV[1], row)
keep_longer(KEYS[2], row[1])
return 1`,
);

/** All live ones; with a key, the one that has it. */
const listTrustedBrowsers: Script<readonly Row[]> = script(
  "listTrustedBrowsers",
  `local epoch, now, live = redis.call('HGET', KEYS[1], 'epoch'), tonumber(ARGV[1]), {}
for _, text in ipairs(redis.call('HVALS', KEYS[2])) do
  local row = cjson.decode(text)
  if row[3] == epoch and tonumber(row[1]) > now and (not ARGV[2] or row[2] == ARGV[2]) then live[#live + 1] = row end
end
return live`,
);

/** Answers id and key of each that it ended: the one that is named, or all. */
const endTrustedBrowsers: Script<readonly (readonly [id: string, keyHash: string])[]> = script(
  "endTrustedBrowsers",
  `${ROWS}
local ended = {}
for _, member in ipairs(ARGV[1] and {ARGV[1]} or redis.call('HKEYS', KEYS[1])) do
  local row = row_of(KEYS[1], member)
  if row then
    take_row(KEYS[1], KEYS[2], member)
    ended[#ended + 1] = {row[7], row[2]}
  end
end
return ended`,
);

const browserOf = (pid: string, [expiresAt, keyHash, epoch, createdAt, userAgent, network, id]: Row): TrustedBrowser => ({
  id,
  keyHash,
  pid,
  epoch: Number(epoch),
  createdAt: new Date(Number(createdAt)),
  expiresAt: new Date(Number(expiresAt)),
  userAgent,
  network,
});

export function trustedBrowserOperations(server: Server, keys: Keys): TrustedBrowserOperations {
  const rowsOf = (pid: string): [string, string] => [keys.of("trusted", pid), keys.due(pid)];
  const claimsOf = (id: string, keyHash: string) => [keys.of("trusted-id", id), keys.of("trusted-key", keyHash)] as const;
  const list = (pid: string, now: Date, ...keyHash: readonly string[]): Promise<readonly Row[]> =>
    server.run(listTrustedBrowsers, [keys.of("user", pid), keys.of("trusted", pid)], now.getTime(), ...keyHash);
  const end = async (pid: string, ...member: readonly string[]): Promise<number> => {
    const ended = await server.run(endTrustedBrowsers, rowsOf(pid), ...member);
    await server.tidy(ended.flatMap(([id, keyHash]) => claimsOf(id, keyHash)));
    return ended.length;
  };
  return {
    async addTrustedBrowser({ id, keyHash, pid, epoch, createdAt, expiresAt, userAgent, network }) {
      const row = [expiresAt.getTime(), keyHash, epoch, createdAt.getTime(), userAgent, network, id];
      const life = indexLife(createdAt, expiresAt);
      const claimed: string[] = [];
      for (const claim of claimsOf(id, keyHash)) {
        if ((await server.command<string | null>("SET", claim, pid, "PX", life, "NX")) === null) {
          await server.tidy(claimed);
          return false;
        }
        claimed.push(claim);
      }
      if ((await server.run(addTrustedBrowser, [keys.of("user", pid), ...rowsOf(pid)], dueMember("trusted", pid, id), ...row)) === 1)
        return true;
      await server.tidy(claimed);
      return false;
    },
    async findTrustedBrowser(pid, keyHash, now) {
      const [row] = await list(pid, now, keyHash);
      return row ? browserOf(pid, row) : null;
    },
    async listTrustedBrowsers(pid, now) {
      return (await list(pid, now))
        .map((row) => browserOf(pid, row))
        .sort((one, other) => other.createdAt.getTime() - one.createdAt.getTime())
        .slice(0, LONGEST_LIST);
    },
    async endTrustedBrowser(pid, id) {
      return (await end(pid, dueMember("trusted", pid, id))) > 0;
    },
    endTrustedBrowsers: (pid) => end(pid),
  };
}
