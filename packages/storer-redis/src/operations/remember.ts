/** Remembered browsers: the capability "rememberable". An index key leads from a selector to the user, in whose shard the series lies. @module */
import type { RememberOperations } from "@castellan/core";
import { dueMember, type Keys } from "../keys.ts";
import { indexLife, KEEP, ROWS } from "../lua.ts";
import { type Script, type Server, script } from "../server.ts";

/** A row: its end, hash of the current secret, epoch, when it was made, User-Agent, hash of the secret before, when that was replaced. */
const addRememberSeries: Script<number> = script(
  "addRememberSeries",
  `${KEEP}${ROWS}
local row = {unpack(ARGV, 2)}
if redis.call('HGET', KEYS[1], 'epoch') ~= row[3] or redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 0 end
put_row(KEYS[2], KEYS[3], ARGV[1], row)
keep_longer(KEYS[2], row[1])
return 1`,
);

const rotateRememberSeries: Script<readonly [kind: "rotated" | "grace" | "stolen", epoch: string, expiresAt: string] | null> = script(
  "rotateRememberSeries",
  `${ROWS}
local row, now = row_of(KEYS[2], ARGV[1]), tonumber(ARGV[5])
if not row or tonumber(row[1]) <= now or redis.call('HGET', KEYS[1], 'epoch') ~= row[3] then return false end
if row[2] == ARGV[2] then
  row[2], row[6], row[7] = ARGV[3], ARGV[2], ARGV[5]
  put_row(KEYS[2], KEYS[3], ARGV[1], row)
  return {'rotated', row[3], row[1]}
end
if row[7] ~= '' and row[6] == ARGV[2] and tonumber(row[7]) + tonumber(ARGV[4]) > now then return {'grace', row[3], row[1]} end
take_row(KEYS[2], KEYS[3], ARGV[1])
return {'stolen', row[3], row[1]}`,
);

const endRememberSeries: Script<number> = script("endRememberSeries", `${ROWS}return take_row(KEYS[1], KEYS[2], ARGV[1])`);

/** Spares the member that is given. */
const endRememberSeriesOf: Script<number> = script(
  "endRememberSeriesOf",
  `${ROWS}
local ended = 0
for _, member in ipairs(redis.call('HKEYS', KEYS[1])) do
  if member ~= ARGV[1] then ended = ended + take_row(KEYS[1], KEYS[2], member) end
end
return ended`,
);

export function rememberOperations(server: Server, keys: Keys): RememberOperations {
  const rowsOf = (pid: string): [string, string] => [keys.of("remembered", pid), keys.due(pid)];
  const ownerOf = (selector: string): Promise<string | null> => server.command<string | null>("GET", keys.of("series", selector));
  return {
    async addRememberSeries({ selector, verifierHash, pid, epoch, createdAt, expiresAt, userAgent }) {
      const row = [expiresAt.getTime(), verifierHash, epoch, createdAt.getTime(), userAgent, "", ""];
      const lead = keys.of("series", selector);
      const isFirst = (await server.command<string | null>("SET", lead, pid, "PX", indexLife(createdAt, expiresAt), "NX")) !== null;
      if (!isFirst && (await ownerOf(selector)) !== pid) return false;
      const member = dueMember("series", pid, selector);
      if ((await server.run(addRememberSeries, [keys.of("user", pid), ...rowsOf(pid)], member, ...row)) === 1) return true;
      if (isFirst) await server.tidy([lead]);
      return false;
    },
    async rotateRememberSeries({ selector, verifierHash }, next, grace, now) {
      const at = now.getTime();
      const pid = await ownerOf(selector);
      if (pid === null) return null;
      const member = dueMember("series", pid, selector);
      const places = [keys.of("user", pid), ...rowsOf(pid)] as const;
      const reply = await server.run(rotateRememberSeries, [...places], member, verifierHash, next, grace, at);
      if (!reply) return null;
      const [kind, epoch, expiresAt] = reply;
      if (kind === "stolen") return { kind, pid };
      if (kind === "grace") return { kind, pid, epoch: Number(epoch) };
      return { kind, pid, epoch: Number(epoch), expiresAt: new Date(Number(expiresAt)) };
    },
    async endRememberSeries(selector) {
      const pid = await ownerOf(selector);
      if (pid === null) return false;
      const ended = await server.run(endRememberSeries, rowsOf(pid), dueMember("series", pid, selector));
      if (ended === 1) await server.tidy([keys.of("series", selector)]);
      return ended === 1;
    },
    endRememberSeriesOf: (pid, except) =>
      server.run(endRememberSeriesOf, rowsOf(pid), ...(except === null ? [] : [dueMember("series", pid, except)])),
  };
}
