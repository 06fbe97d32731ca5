/** Sessions in Redis, by connect-redis and ioredis. @module */
import { RedisStore } from "connect-redis";
import { Redis } from "ioredis";

/** How connect-redis 9 says when a session ends, which is how the package redis is told. */
interface End {
  readonly expiration: { readonly type: "EX"; readonly value: number };
}

/** `patience` is how many milliseconds a request waits for Redis before it is answered with 503. */
export function ioredisSessions(url: string, patience = 3_000) {
  const redis = new Redis(url, {
    // Commands would wait until the server is back, and with them every request.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: patience,
    commandTimeout: patience,
    socketTimeout: patience,
    retryStrategy: (tries) => Math.min(tries * 50, 1_000),
  });
  redis.on("error", (error: Error) => console.error("sessions:", error.message));
  const client = {
    get: (key: string) => redis.get(key),
    set: (key: string, text: string, { expiration }: End) => redis.set(key, text, "EX", expiration.value),
    expire: (key: string, seconds: number) => redis.expire(key, seconds),
    del: (keys: string[]) => redis.del(keys),
  };
  const store = new RedisStore({ client, prefix: "shop:session:" });
  return { store, client: redis, close: async () => redis.disconnect() };
}
