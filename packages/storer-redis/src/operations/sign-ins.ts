/**
 * Who is signed in: a part of the capability "server", and "expirable". @module
 *
 * The rows of a user lie together in the user's shard, so that one script sees row, user and epoch at once. An index key leads from the key of a sign-in to the user. It is made before the row and goes after it, and opens nothing
 * by itself: every script compares the row's own key.
 */
import type { ExpireOperations, FactorProof, SignIn, SignInOperations } from "@castellan/core";
import { dueMember, type Keys } from "../keys.ts";
import { indexLife, KEEP, ROWS, SLACK_MS } from "../lua.ts";
import { type Script, type Server, script } from "../server.ts";
import { READ_USER, type RedisUser, type UserReply, userOf } from "./users.ts";

/** How many sign-ins a list holds at most. */
const LONGEST_LIST = 100;

/** A row: its end, its key, and what else the scripts look at; then what they only carry. */
type Row = readonly [
  ends: string,
  key: string,
  epoch: string,
  endsAt: string,
  seenAt: string,
  idleEndsAt: string,
  level: string,
  factors: string,
  createdAt: string,
  userAgent: string,
  network: string,
  id: string,
];

const createSignIn: Script<number> = script(
  "createSignIn",
  `${KEEP}${ROWS}
local row = {unpack(ARGV, 2)}
if redis.call('HGET', KEYS[1], 'epoch') ~= row[3] or redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 0 end
put_row(KEYS[2], KEYS[3], ARGV[1], row)
keep_longer(KEYS[2], row[4])
return 1`,
);

/** `live_row(user, hash, member, key, now)`: the row, while it is live and has this key. */
const LIVE_ROW = `${ROWS}
local function live_row(user, hash, member, key, now)
  local row = row_of(hash, member)
  if not row or row[2] ~= key or tonumber(row[1]) <= tonumber(now) or redis.call('HGET', user, 'epoch') ~= row[3] then return nil end
  return row
end
`;

const findSignIn: Script<readonly [UserReply, Row] | null> = script(
  "findSignIn",
  `${LIVE_ROW}${READ_USER}
local row = live_row(KEYS[1], KEYS[3], ARGV[1], ARGV[2], ARGV[3])
return row and {read_user(KEYS[1], KEYS[2]), row} or false`,
);

const touchSignIn: Script<number> = script(
  "touchSignIn",
  `${LIVE_ROW}
local row = live_row(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])
if not row then return 0 end
row[5] = ARGV[3]
row[6] = tonumber(ARGV[4]) < tonumber(row[4]) and ARGV[4] or row[4]
row[1] = row[6]
put_row(KEYS[2], KEYS[3], ARGV[1], row)
return 1`,
);

const replaceSignIn: Script<number> = script(
  "replaceSignIn",
  `${LIVE_ROW}
local row = live_row(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])
if not row or row[3] ~= ARGV[4] then return 0 end
row[2], row[7], row[8] = ARGV[5], ARGV[6], ARGV[7]
put_row(KEYS[2], KEYS[3], ARGV[1], row)
return 1`,
);

const endSignIn: Script<number> = script(
  "endSignIn",
  `${ROWS}
local row = row_of(KEYS[1], ARGV[1])
if not row or row[2] ~= ARGV[2] then return 0 end
return take_row(KEYS[1], KEYS[2], ARGV[1])`,
);

const takeExpiredSignIn: Script<Row | null> = script(
  "takeExpiredSignIn",
  `${ROWS}
local row = row_of(KEYS[2], ARGV[1])
if not row or row[2] ~= ARGV[2] or tonumber(row[1]) > tonumber(ARGV[3]) or redis.call('HGET', KEYS[1], 'epoch') ~= row[3] then return false end
take_row(KEYS[2], KEYS[3], ARGV[1])
return row`,
);

/** Answers the key of the one that it ended. */
const endSignInOf: Script<string | null> = script(
  "endSignInOf",
  `${ROWS}
local row = row_of(KEYS[1], ARGV[1])
if not row then return false end
take_row(KEYS[1], KEYS[2], ARGV[1])
return row[2]`,
);

/** Answers the keys of those that it ended. */
const endSignIns: Script<readonly string[]> = script(
  "endSignIns",
  `${ROWS}
local ended = {}
local all = redis.call('HGETALL', KEYS[1])
for index = 1, #all, 2 do
  local key = cjson.decode(all[index + 1])[2]
  if key ~= ARGV[1] then
    take_row(KEYS[1], KEYS[2], all[index])
    ended[#ended + 1] = key
  end
end
return ended`,
);

const listSignIns: Script<readonly Row[]> = script(
  "listSignIns",
  `local epoch, now, live = redis.call('HGET', KEYS[1], 'epoch'), tonumber(ARGV[1]), {}
for _, text in ipairs(redis.call('HVALS', KEYS[2])) do
  local row = cjson.decode(text)
  if row[3] == epoch and tonumber(row[1]) > now then live[#live + 1] = row end
end
return live`,
);

const textOf = (factors: readonly FactorProof[]): string => JSON.stringify(factors.map(({ method, at }) => [method, at.getTime()]));

/** Written by {@link textOf} and nobody else. */
const factorsOf = (text: string): FactorProof[] =>
  (JSON.parse(text) as [string, number][]).map(([method, at]) => ({ method, at: new Date(at) }));

function signInOf(pid: string, row: Row): SignIn {
  const [, , epoch, endsAt, seenAt, idleEndsAt, level, factors, createdAt, userAgent, network, id] = row;
  return {
    id,
    pid,
    epoch: Number(epoch),
    level: level === "full" ? "full" : "half",
    factors: factorsOf(factors),
    createdAt: new Date(Number(createdAt)),
    seenAt: new Date(Number(seenAt)),
    idleEndsAt: new Date(Number(idleEndsAt)),
    endsAt: new Date(Number(endsAt)),
    userAgent,
    network,
  };
}

export function signInOperations(server: Server, keys: Keys): SignInOperations<RedisUser> & ExpireOperations {
  const rowsOf = (pid: string): [string, string] => [keys.of("sign-ins", pid), keys.due(pid)];
  const memberOf = (pid: string, id: string): string => dueMember("sign-in", pid, id);

  /** Whose sign-in `key` leads to. */
  const leadOf = async (key: string): Promise<{ pid: string; member: string; text: string } | null> => {
    const text = await server.command<string | null>("GET", keys.of("sign-in", key));
    if (text === null) return null;
    // Written by `indexText` and nobody else.
    const [pid, id] = JSON.parse(text) as [string, string];
    return { pid, member: memberOf(pid, id), text };
  };
  const indexText = (pid: string, id: string): string => JSON.stringify([pid, id]);
  const addLead = async (key: string, text: string, life: number): Promise<boolean> =>
    (await server.command<string | null>("SET", keys.of("sign-in", key), text, "PX", life, "NX")) !== null;
  const forgetLeads = (...ended: readonly string[]): Promise<void> => server.tidy(ended.map((key) => keys.of("sign-in", key)));

  return {
    async createSignIn(key, { id, pid, epoch, level, factors, createdAt, seenAt, idleEndsAt, endsAt, userAgent, network }) {
      const idle = Math.min(idleEndsAt.getTime(), endsAt.getTime());
      const row = [
        idle,
        key,
        epoch,
        endsAt.getTime(),
        seenAt.getTime(),
        idle,
        level,
        textOf(factors),
        createdAt.getTime(),
        userAgent,
        network,
        id,
      ];
      if (!(await addLead(key, indexText(pid, id), indexLife(createdAt, endsAt)))) return false;
      const made = await server.run(createSignIn, [keys.of("user", pid), ...rowsOf(pid)], memberOf(pid, id), ...row);
      if (made === 1) return true;
      await forgetLeads(key);
      return false;
    },
    async findSignIn(key, now) {
      const at = now.getTime();
      const lead = await leadOf(key);
      if (!lead) return null;
      const { pid, member } = lead;
      const places = [keys.of("user", pid), keys.attemptsOfUser(pid), keys.of("sign-ins", pid)] as const;
      const found = await server.run(findSignIn, [...places], member, key, at);
      return found && { user: userOf(pid, found[0]), signIn: signInOf(pid, found[1]) };
    },
    async touchSignIn(key, seenAt, idleEndsAt) {
      const times = [seenAt.getTime(), idleEndsAt.getTime()];
      const lead = await leadOf(key);
      if (lead) await server.run(touchSignIn, [keys.of("user", lead.pid), ...rowsOf(lead.pid)], lead.member, key, ...times);
    },
    async replaceSignIn(key, { key: nextKey, level, factors, epoch }, now) {
      const changes = [now.getTime(), epoch, nextKey, level, textOf(factors)];
      const lead = await leadOf(key);
      if (!lead) return false;
      const isOther = nextKey !== key;
      if (isOther) {
        const left = await server.command<number>("PTTL", keys.of("sign-in", key));
        if (!(await addLead(nextKey, lead.text, Math.max(left, SLACK_MS)))) return false;
      }
      const won = await server.run(replaceSignIn, [keys.of("user", lead.pid), ...rowsOf(lead.pid)], lead.member, key, ...changes);
      if (isOther) await forgetLeads(won === 1 ? key : nextKey);
      return won === 1;
    },
    async takeExpiredSignIn(key, now) {
      const at = now.getTime();
      const lead = await leadOf(key);
      if (!lead) return null;
      const row = await server.run(takeExpiredSignIn, [keys.of("user", lead.pid), ...rowsOf(lead.pid)], lead.member, key, at);
      if (!row) return null;
      await forgetLeads(key);
      return signInOf(lead.pid, row);
    },
    async endSignIn(key) {
      const lead = await leadOf(key);
      if (!lead || (await server.run(endSignIn, rowsOf(lead.pid), lead.member, key)) === 0) return false;
      await forgetLeads(key);
      return true;
    },
    async endSignInOf(pid, id) {
      const key = await server.run(endSignInOf, rowsOf(pid), memberOf(pid, id));
      if (key === null) return false;
      await forgetLeads(key);
      return true;
    },
    async endSignIns(pid, exceptKey) {
      const ended = await server.run(endSignIns, rowsOf(pid), ...(exceptKey === null ? [] : [exceptKey]));
      await forgetLeads(...ended);
      return ended.length;
    },
    async listSignIns(pid, now) {
      const rows = await server.run(listSignIns, [keys.of("user", pid), keys.of("sign-ins", pid)], now.getTime());
      return rows
        .map((row) => signInOf(pid, row))
        .sort((one, other) => other.seenAt.getTime() - one.seenAt.getTime())
        .slice(0, LONGEST_LIST);
    },
  };
}
