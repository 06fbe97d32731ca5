import { type RedisStorer, redis } from "@castellan/storer-redis";
import { conformance } from "@castellan/testkit";
import { afterAll, beforeAll, describe, it } from "vitest";
import { newServer, type RedisServer, withoutRedis } from "./support/servers.ts";

describe.skipIf(withoutRedis)("Redis, by a URL", () => {
  let server: RedisServer;
  let storers = 0;
  beforeAll(async () => {
    server = await newServer();
  });
  afterAll(() => server.end());

  conformance<RedisStorer>(
    {
      // One server for all cases: each works in a prefix of its own.
      make: () => redis({ uri: server.uri, prefix: `case-${storers++}`, dangerouslyAllowLoss: true, onWarning: () => {} }),
      removeUser: async (storer, pid) => {
        await storer.removeUser(pid);
      },
    },
    { describe, it },
  );
});
