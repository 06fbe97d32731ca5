/**
 * Pending logins and challenges: the capability "challenging". @module
 *
 * A challenge lies in the shard of its browser session, where one script decides who gets it; its user lies in another. So each answer takes two scripts: the first spends a try or takes the challenge, the second asks
 * whether the user is still the one that it was made for. In this order nothing is answered that was dead at the moment when it was spent: an epoch and the marks below only ever move on. What was spent on a dead
 * challenge was worth nothing.
 *
 * "End every challenge of this user" cannot reach into the shards of all browser sessions. It moves a mark of the user instead, and whatever was made under an earlier mark is dead.
 */
import type { Challenge, ChallengeOperations } from "@castellan/core";
import { dueMember, type Keys } from "../keys.ts";
import { KEEP, ROWS } from "../lua.ts";
import { type Script, type Server, script } from "../server.ts";

type Row = readonly [
  ends: string,
  id: string,
  pid: string,
  epoch: string,
  mark: string,
  purpose: string,
  destination: string,
  data: string,
  triesLeft: string,
  createdAt: string,
];

/** The claim is another for another user of the same pid. */
const MARK = `local function mark_of(user, purpose)
  local found = redis.call('HMGET', user, 'claim', 'ended', 'ended:' .. purpose)
  return (found[1] or '') .. ' ' .. (found[2] or 0) .. ' ' .. (found[3] or 0)
end
`;

/** `""` for nobody: a mark that no user ever has. */
const readMark: Script<string> = script(
  "createChallenge: mark",
  `${MARK}
if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return '' end
return mark_of(KEYS[1], ARGV[1])`,
);

const isMarked: Script<number> = script(
  "challenge: user",
  `${MARK}
return redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] and mark_of(KEYS[1], ARGV[3]) == ARGV[2] and 1 or 0`,
);

const createChallenge: Script<number> = script(
  "createChallenge",
  `${KEEP}${ROWS}
put_row(KEYS[1], KEYS[2], ARGV[1], {unpack(ARGV, 2)})
keep_longer(KEYS[1], ARGV[2])
return 1`,
);

/** `row_with(hash, id, now)`: the row of a browser session that has this id, with its member, unless its time is over. */
const ROW_WITH = `${ROWS}
local function row_with(hash, id, now)
  local all = redis.call('HGETALL', hash)
  for index = 1, #all, 2 do
    local row = cjson.decode(all[index + 1])
    if row[2] == id then
      if tonumber(row[1]) > tonumber(now) then return row, all[index] end
      return nil
    end
  end
end
`;

const findChallenge: Script<Row | null> = script("findChallenge", `${ROW_WITH}return row_with(KEYS[1], ARGV[1], ARGV[2]) or false`);

const admitTry: Script<Row | null> = script(
  "admitTry",
  `${ROW_WITH}
local row, member = row_with(KEYS[1], ARGV[1], ARGV[2])
if not row or tonumber(row[9]) < 1 then return false end
row[9] = string.format('%d', tonumber(row[9]) - 1)
put_row(KEYS[1], KEYS[2], member, row)
return row`,
);

const consumeChallenge: Script<Row | null> = script(
  "consumeChallenge",
  `${ROW_WITH}
local row, member = row_with(KEYS[1], ARGV[1], ARGV[2])
if not row then return false end
take_row(KEYS[1], KEYS[2], member)
return row`,
);

const endChallengesOfSession: Script<number> = script(
  "endChallengesOfSession",
  `for _, member in ipairs(redis.call('HKEYS', KEYS[1])) do redis.call('ZREM', KEYS[2], member) end
return redis.call('DEL', KEYS[1])`,
);

const endChallengesOf: Script<number> = script(
  "endChallengesOf",
  `if redis.call('HEXISTS', KEYS[1], 'epoch') == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], ARGV[1] and 'ended:' .. ARGV[1] or 'ended', 1)`,
);

function challengeOf(sessionKey: string, row: Row): Challenge {
  const [expiresAt, id, pid, epoch, , purpose, destination, data, triesLeft, createdAt] = row;
  return {
    id,
    purpose,
    pid,
    epoch: Number(epoch),
    sessionKey,
    destination,
    data,
    triesLeft: Number(triesLeft),
    createdAt: new Date(Number(createdAt)),
    expiresAt: new Date(Number(expiresAt)),
  };
}

export function challengeOperations(server: Server, keys: Keys): ChallengeOperations {
  const places = (sessionKey: string): [string, string] => [keys.of("challenges", sessionKey), keys.due(sessionKey)];
  const look = (first: Script<Row | null>) => async (id: string, sessionKey: string, now: Date) => {
    const row = await server.run(first, places(sessionKey), id, now.getTime());
    if (!row) return null;
    const [, , pid, epoch, mark, purpose] = row;
    const isLive = (await server.run(isMarked, [keys.of("user", pid)], epoch, mark, purpose)) === 1;
    return isLive ? challengeOf(sessionKey, row) : null;
  };
  return {
    async createChallenge({ id, purpose, pid, epoch, sessionKey, destination, data, triesLeft, createdAt, expiresAt }) {
      const [ends, created] = [expiresAt.getTime(), createdAt.getTime()];
      const mark = await server.run(readMark, [keys.of("user", pid)], purpose);
      const row = [ends, id, pid, epoch, mark, purpose, destination, data, triesLeft, created];
      // One place for each purpose: a new challenge takes the old one's.
      await server.run(createChallenge, places(sessionKey), dueMember("challenge", sessionKey, purpose), ...row);
    },
    findChallenge: look(findChallenge),
    admitTry: look(admitTry),
    consumeChallenge: look(consumeChallenge),
    async endChallengesOfSession(sessionKey) {
      await server.run(endChallengesOfSession, places(sessionKey));
    },
    async endChallengesOf(pid, purpose) {
      await server.run(endChallengesOf, [keys.of("user", pid)], ...(purpose === null ? [] : [purpose]));
    },
  };
}
