/** Pieces of Lua that several scripts begin with. @module */

/** How long after its end a row is still kept by the engine, in milliseconds: the clock that decides is the caller's, and may be behind the server's. */
export const SLACK_MS = 86_400_000;

/**
 * `keep(key, ends)`: lets the engine remove a key of one row some time after its end. `keep_longer(key, ends)`: the same for a key of many rows, which stays as long as the one that ends last.
 * Never what ends a row: every script compares with the caller's `now`. An end that is long past by the server's clock is that
 * of a caller with a clock of its own, and is left to `sweep`.
 */
export const KEEP = `local function server_now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function keep(key, ends)
  local remove_at = tonumber(ends) + ${SLACK_MS}
  if remove_at > server_now() then
    redis.call('PEXPIREAT', key, string.format('%.0f', remove_at))
  else
    redis.call('PERSIST', key)
  end
end
local function keep_longer(key, ends)
  local left = redis.call('PTTL', key)
  if redis.call('HLEN', key) == 1 or (left >= 0 and tonumber(ends) + ${SLACK_MS} > server_now() + left) then keep(key, ends) end
end
`;

/**
 * Rows that lie together in one hash, each under the member by which the shard's list of ends knows it. A row is a JSON array of strings; the first is when it ends, in milliseconds. Strings, since the numbers of
 * Redis's JSON have 14 digits. Every script writes the list of ends before anything else: should something foreign lie there, nothing is half done.
 */
export const ROWS = `local function row_of(hash, member)
  local text = redis.call('HGET', hash, member)
  return text and cjson.decode(text)
end
local function put_row(hash, due, member, row)
  redis.call('ZADD', due, row[1], member)
  redis.call('HSET', hash, member, cjson.encode(row))
end
local function take_row(hash, due, member)
  redis.call('ZREM', due, member)
  return redis.call('HDEL', hash, member)
end
`;

/** What an index key of a row that ends at `endsAt` may live, in milliseconds. It is worthless without the row, so that it need not go sooner. */
export const indexLife = (createdAt: Date, endsAt: Date): number =>
  Math.min(LONGEST_LIFE_MS, Math.max(0, endsAt.getTime() - createdAt.getTime())) + SLACK_MS;

/** Redis refuses lives whose end is past its range; longer than a century is as good as without end. */
const LONGEST_LIFE_MS = 100 * 365 * 86_400_000;
