/**
 * Mailed links: the capabilities "confirmable" and "recoverable", and the links of "lockable". @module
 *
 * The links of one request are one row in the shard of their user, one row for each purpose: a newer request takes the place of the older. An index key leads from a selector to the user.
 */
import type { ConfirmOperations, LockOperations, MailedToken, RecoverOperations, TokenProof } from "@castellan/core";
import { dueMember, type Keys, subjectOf } from "../keys.ts";
import { indexLife, KEEP, ROWS } from "../lua.ts";
import { type Script, type Server, script } from "../server.ts";

type Purpose = "confirm" | "recover" | "unlock";

/** A row: its end, epoch, when it was made; then selector, hash and destination of each link. */
const startLinks: Script<number> = script(
  "startLinks",
  `${KEEP}${ROWS}
put_row(KEYS[1], KEYS[2], ARGV[1], {unpack(ARGV, 2)})
keep_longer(KEYS[1], ARGV[2])
return 1`,
);

/** `live_link()`: destination and row of the link that KEYS (user, links) and ARGV (member, selector, hash, now) name, while it is live. */
const LIVE_LINK = `${ROWS}
local function live_link()
  local row = row_of(KEYS[2], ARGV[1])
  if not row or tonumber(row[1]) <= tonumber(ARGV[4]) or redis.call('HGET', KEYS[1], 'epoch') ~= row[2] then return nil end
  for index = 4, #row, 3 do
    if row[index] == ARGV[2] and row[index + 1] == ARGV[3] then return row[index + 2], row end
  end
end
`;

const finishConfirmation: Script<number> = script(
  "finishConfirmation",
  `${LIVE_LINK}
local destination = live_link()
if not destination then return 0 end
local user = redis.call('HMGET', KEYS[1], 'email', 'confirmed')
if user[1] ~= destination or user[2] then return 0 end
take_row(KEYS[2], KEYS[3], ARGV[1])
redis.call('HSET', KEYS[1], 'confirmed', ARGV[4])
return 1`,
);

const confirmUser: Script<number> = script(
  "confirmUser",
  `local user = redis.call('HMGET', KEYS[1], 'epoch', 'email')
if not user[1] or user[2] ~= ARGV[1] then return 0 end
redis.call('HSETNX', KEYS[1], 'confirmed', ARGV[2])
return 1`,
);

const findRecovery: Script<string | null> = script("findRecovery", `${LIVE_LINK}return live_link() or false`);

const finishRecovery: Script<readonly [epoch: number, destination: string] | null> = script(
  "finishRecovery",
  `${LIVE_LINK}
local destination = live_link()
if not destination then return false end
take_row(KEYS[2], KEYS[3], ARGV[1])
redis.call('HSET', KEYS[1], 'hash', ARGV[5])
return {redis.call('HINCRBY', KEYS[1], 'epoch', 1), destination}`,
);

/** Only for the lock that was there when the link was made, so that the link is worthless for the next one. */
const finishUnlock: Script<number> = script(
  "finishUnlock",
  `${LIVE_LINK}
local destination, row = live_link()
if not destination then return 0 end
local lock = redis.call('HMGET', KEYS[4], 'by', 'at')
if lock[1] ~= 'attempts' or tonumber(row[3]) < tonumber(lock[2]) then return 0 end
redis.call('ZREM', KEYS[3], ARGV[5])
redis.call('DEL', KEYS[4])
take_row(KEYS[2], KEYS[3], ARGV[1])
return 1`,
);

type Operations = ConfirmOperations & RecoverOperations & Pick<LockOperations, "startUnlock" | "finishUnlock">;

export function linkOperations(server: Server, keys: Keys): Operations {
  const replace = async (purpose: Purpose, tokens: readonly MailedToken[]): Promise<void> => {
    const [first] = tokens;
    if (!first) return;
    const { pid, epoch, createdAt, expiresAt } = first;
    const row = [
      expiresAt.getTime(),
      epoch,
      createdAt.getTime(),
      ...tokens.flatMap((token) => [token.selector, token.verifierHash, token.destination]),
    ];
    const life = indexLife(createdAt, expiresAt);
    const leads = tokens.map(({ selector }) => keys.of("link", selector));
    await Promise.all(leads.map((lead) => server.command("SET", lead, pid, "PX", life)));
    await server.run(startLinks, [keys.of("links", pid), keys.due(pid)], dueMember("link", pid, purpose), ...row);
  };

  /** Whose link it is, and what the scripts are given. */
  const leadOf = async (purpose: Purpose, { selector, verifierHash }: TokenProof, now: Date) => {
    const at = now.getTime();
    const pid = await server.command<string | null>("GET", keys.of("link", selector));
    if (pid === null) return null;
    const places: [string, string, string] = [keys.of("user", pid), keys.of("links", pid), keys.due(pid)];
    return { pid, places, params: [dueMember("link", pid, purpose), selector, verifierHash, at] };
  };

  return {
    startConfirmation: (token) => replace("confirm", [token]),
    async finishConfirmation(proof, now) {
      const lead = await leadOf("confirm", proof, now);
      if (!lead || (await server.run(finishConfirmation, lead.places, ...lead.params)) === 0) return null;
      return { pid: lead.pid };
    },
    async confirmUser(pid, address, now) {
      return (await server.run(confirmUser, [keys.of("user", pid)], address, now.getTime())) === 1;
    },
    startRecovery: (tokens) => replace("recover", tokens),
    async findRecovery(proof, now) {
      const lead = await leadOf("recover", proof, now);
      const destination = lead && (await server.run(findRecovery, lead.places, ...lead.params));
      return lead && destination !== null ? { pid: lead.pid, destination } : null;
    },
    async finishRecovery(proof, passwordHash, now) {
      const lead = await leadOf("recover", proof, now);
      const done = lead && (await server.run(finishRecovery, lead.places, ...lead.params, passwordHash));
      return done && { pid: lead.pid, epoch: done[0], destination: done[1] };
    },
    startUnlock: (token) => replace("unlock", [token]),
    async finishUnlock(proof, now) {
      const lead = await leadOf("unlock", proof, now);
      if (!lead) return null;
      const { pid, places, params } = lead;
      const subject = subjectOf(pid);
      const done = await server.run(finishUnlock, [...places, keys.attempts(subject)], ...params, dueMember("attempts", subject, ""));
      return done === 1 ? { pid } : null;
    },
  };
}
