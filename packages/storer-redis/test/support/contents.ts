/** Everything that lies in a server under a prefix, past the storer. @module */
import type { Redis } from "ioredis";

/** What a key holds, whatever its kind. */
async function contentOf(past: Redis, key: string): Promise<unknown> {
  const type = await past.type(key);
  if (type === "hash") return past.hgetall(key);
  if (type === "zset") return past.call("ZRANGE", key, 0, -1, "WITHSCORES");
  if (type === "set") return (await past.smembers(key)).sort();
  if (type === "list") return past.lrange(key, 0, -1);
  return past.get(key);
}

/** Key and content of each, in the order of their keys. `prefix` has nothing in it that a pattern would read otherwise. */
export async function contents(past: Redis, prefix = ""): Promise<readonly (readonly [key: string, content: unknown])[]> {
  const keys = (await past.keys(`${prefix}*`)).sort();
  return Promise.all(keys.map(async (key) => [key, await contentOf(past, key)] as const));
}
