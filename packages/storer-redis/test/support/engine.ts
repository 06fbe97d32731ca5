/** Redis as the tests that span packages take a database: a server whose acknowledged writes survive it. @module */
import { DURABLE, newServer, type RedisServer, withoutRedis } from "./servers.ts";

export const engine = {
  name: "Redis",
  isMissing: withoutRedis,
  start: (): Promise<RedisServer> => newServer(...DURABLE),
} as const;
