/** Flows to providers and back: the rest of the capability "oauth2". A flow lies in the shard of its own key. @module */
import type { OAuth2Flow, OAuth2Operations } from "@castellan/core";
import { dueMember, type Keys } from "../keys.ts";
import { KEEP } from "../lua.ts";
import { type Script, type Server, script } from "../server.ts";

type Row = readonly [data: string, created: string, ends: string];

const startFlow: Script<number> = script(
  "startFlow",
  `${KEEP}
redis.call('ZADD', KEYS[2], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[1], 'browser', ARGV[3], 'purpose', ARGV[4], 'data', ARGV[5], 'created', ARGV[6], 'ends', ARGV[1])
keep(KEYS[1], ARGV[1])
return 1`,
);

/** `live_flow()`: the flow of KEYS[1], while it is live and of the browser and the purpose in ARGV. */
const LIVE_FLOW = `local function live_flow()
  local flow = redis.call('HMGET', KEYS[1], 'browser', 'purpose', 'data', 'created', 'ends')
  if flow[1] ~= ARGV[1] or flow[2] ~= ARGV[2] or tonumber(flow[5]) <= tonumber(ARGV[3]) then return nil end
  return {flow[3], flow[4], flow[5]}
end
`;

const findFlow: Script<Row | null> = script("findFlow", `${LIVE_FLOW}return live_flow() or false`);

const takeFlow: Script<Row | null> = script(
  "takeFlow",
  `${LIVE_FLOW}
local flow = live_flow()
if not flow then return false end
redis.call('ZREM', KEYS[2], ARGV[4])
redis.call('DEL', KEYS[1])
return flow`,
);

export function flowOperations(server: Server, keys: Keys): Pick<OAuth2Operations, "startFlow" | "findFlow" | "takeFlow"> {
  const places = (key: string): [string, string] => [keys.of("flow", key), keys.due(key)];
  const member = (key: string): string => dueMember("flow", key, "");
  const look =
    (looking: Script<Row | null>) =>
    async (key: string, browserKey: string, purpose: string, now: Date): Promise<OAuth2Flow | null> => {
      const row = await server.run(looking, places(key), browserKey, purpose, now.getTime(), member(key));
      if (!row) return null;
      const [data, created, ends] = row;
      return { key, browserKey, purpose, data, createdAt: new Date(Number(created)), expiresAt: new Date(Number(ends)) };
    };
  return {
    async startFlow({ key, browserKey, purpose, data, createdAt, expiresAt }) {
      const row = [expiresAt.getTime(), member(key), browserKey, purpose, data, createdAt.getTime()];
      await server.run(startFlow, places(key), ...row);
    },
    findFlow: look(findFlow),
    takeFlow: look(takeFlow),
  };
}
