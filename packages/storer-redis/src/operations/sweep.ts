/** Removing what has expired: `sweep` of the capability "server". @module */
import type { DueKind, Keys } from "../keys.ts";
import { ROWS } from "../lua.ts";
import { type Script, type Server, script } from "../server.ts";

/** Looks again at the row itself: what has been given more time since stays, and is noted anew. */
const sweepOwn: Script<number> = script(
  "sweep: own",
  `local ends = redis.call('HGET', KEYS[1], 'ends')
if ends and tonumber(ends) > tonumber(ARGV[2]) then
  redis.call('ZADD', KEYS[2], ends, ARGV[1])
  return 0
end
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])`,
);

const sweepRow: Script<number> = script(
  "sweep: row",
  `${ROWS}
local row = row_of(KEYS[1], ARGV[1])
if row and tonumber(row[1]) > tonumber(ARGV[2]) then
  redis.call('ZADD', KEYS[2], row[1], ARGV[1])
  return 0
end
return take_row(KEYS[1], KEYS[2], ARGV[1])`,
);

type Place = readonly [script: Script<number>, keyOf: (keys: Keys, owner: string) => string];

/** Which script removes what, and the key that it lies in. */
const PLACES: { readonly [Kind in DueKind]: Place } = {
  session: [sweepOwn, (keys, owner) => keys.of("session", owner)],
  flow: [sweepOwn, (keys, owner) => keys.of("flow", owner)],
  count: [sweepOwn, (keys, owner) => keys.of("count", owner)],
  attempts: [sweepOwn, (keys, owner) => keys.attempts(owner)],
  challenge: [sweepRow, (keys, owner) => keys.of("challenges", owner)],
  "sign-in": [sweepRow, (keys, owner) => keys.of("sign-ins", owner)],
  link: [sweepRow, (keys, owner) => keys.of("links", owner)],
  series: [sweepRow, (keys, owner) => keys.of("remembered", owner)],
  trusted: [sweepRow, (keys, owner) => keys.of("trusted", owner)],
};

export function sweepOperation(server: Server, keys: Keys): (now: Date, limit: number) => Promise<number> {
  const remove = (due: string, member: string, at: number): Promise<number> => {
    // Written by `dueMember` and nobody else.
    const [kind, owner] = JSON.parse(member) as [DueKind, string];
    const [sweeping, keyOf] = PLACES[kind];
    return server.run(sweeping, [keyOf(keys, owner), due], member, at);
  };
  return async (now, limit) => {
    const at = now.getTime();
    const shards = keys.everyDue;
    const counts = await Promise.all(shards.map((due) => server.command<number>("ZCOUNT", due, "-inf", at)));
    let swept = 0;
    for (const [index, due] of shards.entries()) {
      // A member may outlive its row; so there may be more to do than the first look found room for.
      while (Number(counts[index]) > 0 && swept < limit) {
        const asked = limit - swept;
        const members = await server.command<readonly string[]>("ZRANGEBYSCORE", due, "-inf", at, "LIMIT", 0, asked);
        for (const removed of await Promise.all(members.map((member) => remove(due, member, at)))) swept += removed;
        if (members.length < asked) break;
      }
    }
    return swept;
  };
}
