/** Pieces of Lua that several scripts begin with. @module */

/** How long after its end a row is still kept by the engine, in milliseconds: the clock that decides is the caller's, and may be behind the server's. */
export const SLACK_MS = 86_400_000;

/**
 * `keep(key, ends)`: lets the engine remove a key of one row some time after its end. Never what ends a row: every script compares with the caller's `now`. An end that is long past by the server's clock is that
 * of a caller with a clock of its own, and is left to `sweep`.
 */
export const KEEP = `local function keep(key, ends)
  local remove_at = tonumber(ends) + ${SLACK_MS}
  if remove_at > tonumber(redis.call('TIME')[1]) * 1000 then
    redis.call('PEXPIREAT', key, string.format('%.0f', remove_at))
  else
    redis.call('PERSIST', key)
  end
end
`;

/** What an index key of a row that ends at `endsAt` may live, in milliseconds. It is worthless without the row, so that it need not go sooner. */
export const indexLife = (createdAt: Date, endsAt: Date): number => Math.max(0, endsAt.getTime() - createdAt.getTime()) + SLACK_MS;
