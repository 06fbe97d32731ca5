/** What `ready` makes of a server that would lose what it is given. */
import { ConfigError } from "@castellan/core";
import { type IoRedisClient, type RedisOptions, redis } from "@castellan/storer-redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connectionTo, newServer, type RedisServer, withoutRedis } from "./support/servers.ts";

/** One for the file: each test gives it the settings that it is about. */
let server: RedisServer;
let past: Redis;
beforeAll(async () => {
  if (withoutRedis) return;
  server = await newServer();
  past = connectionTo(server);
});
afterAll(async () => {
  past?.disconnect();
  await server?.end();
});

const PLAIN = { appendonly: "no", appendfsync: "always", save: "", maxmemory: "0", "maxmemory-policy": "noeviction" };

/** Gets a storer ready on a server of these settings. Answers what was warned of. */
async function warningsOf(settings: Partial<typeof PLAIN>, options: Partial<RedisOptions> = {}): Promise<readonly string[]> {
  for (const [name, value] of Object.entries({ ...PLAIN, ...settings })) await past.config("SET", name, value);
  const warnings: string[] = [];
  const storer = await redis({ uri: server.uri, onWarning: (message) => warnings.push(message), ...options });
  onTestFinished(() => storer.close());
  await storer.ready();
  return warnings;
}

const LOG = { appendonly: "yes" };
const FULL = { maxmemory: "100mb" };
const FORGETFUL = { "maxmemory-policy": "allkeys-lru" };

describe.skipIf(withoutRedis)("a server", () => {
  it("that writes a log and throws nothing away is taken without a word", async () => {
    expect(await warningsOf(LOG)).toEqual([]);
    expect(await warningsOf({ ...LOG, ...FULL })).toEqual([]);
    // Without a limit nothing is ever thrown away.
    expect(await warningsOf({ ...LOG, ...FORGETFUL })).toEqual([]);
  });

  it.each(["allkeys-lru", "allkeys-random", "volatile-lru", "volatile-ttl"])(
    "that throws keys away when it is full (%s) is refused",
    async (policy) => {
      const failure = warningsOf({ ...LOG, ...FULL, "maxmemory-policy": policy });
      await expect(failure).rejects.toThrow(ConfigError);
      await expect(failure).rejects.toThrow(new RegExp(`${policy}.*noeviction`, "s"));
    },
  );

  it("that keeps nothing on a disk is refused", async () => {
    await expect(warningsOf({})).rejects.toThrow(/appendonly yes/);
  });

  it.each(["everysec", "no"])("that answers before its log is on the disk (%s) is taken with a warning", async (appendfsync) => {
    expect(await warningsOf({ ...LOG, appendfsync })).toEqual([expect.stringMatching(new RegExp(`${appendfsync}.*appendfsync always`))]);
  });

  it("that writes snapshots only is taken with a warning", async () => {
    expect(await warningsOf({ save: "3600 1" })).toEqual([expect.stringMatching(/snapshots only.*appendonly yes/)]);
  });

  it("that answers no CONFIG is taken: with a warning where it writes no log, for it may write snapshots", async () => {
    onTestFinished(async () => void (await past.call("ACL", "DELUSER", "hosted")));
    await past.call("ACL", "SETUSER", "hosted", "on", ">secret", "~*", "+@all", "-config");
    const uri = server.uri.replace("//", "//hosted:secret@");
    expect(await warningsOf({}, { uri })).toEqual([expect.stringContaining("snapshots only")]);
    expect(await warningsOf({ ...LOG, appendfsync: "everysec" }, { uri })).toEqual([]);
  });

  it("that would lose everything is taken with warnings by whoever says so, and all mends are told at once", async () => {
    const warnings = await warningsOf({ ...FULL, ...FORGETFUL }, { dangerouslyAllowLoss: true });
    expect(warnings).toEqual([expect.stringContaining("noeviction"), expect.stringContaining("appendonly yes")]);
    await expect(warningsOf({ ...FULL, ...FORGETFUL })).rejects.toMatchObject({ problems: { length: 2 } });
  });
});

/** A server of another version cannot be had here: only its answer to INFO stands in for it. */
const clientOf = (info: string): IoRedisClient => ({ call: async (command) => ({ INFO: info, EVAL: [1, "text", null] })[command] ?? null });

describe("a server of another version", () => {
  it.each(["5.0.14", "6.0.20", "4.0.0"])("that is too old is refused: %s", async (version) => {
    const storer = await redis({ client: clientOf(`# Server\r\nredis_version:${version}\r\naof_enabled:1\r\n`) });
    await expect(storer.ready()).rejects.toThrow(new RegExp(`Redis ${version}; 6.2 or later`));
  });

  it.each(["6.2.0", "7.0.15", "8.4.0", "10.0.0"])("that is new enough is taken: %s", async (version) => {
    const storer = await redis({ client: clientOf(`# Server\r\nredis_version:${version}\r\naof_enabled:1\r\n`) });
    await storer.ready();
  });

  it("that does not say which is refused", async () => {
    const storer = await redis({ client: clientOf("aof_enabled:1") });
    await expect(storer.ready()).rejects.toThrow(/of an unknown version/);
  });
});

describe.skipIf(withoutRedis)("a client", () => {
  it("that makes texts of numbers is refused: every yes would be taken for a no", async () => {
    const client = new Redis(server.uri, { stringNumbers: true });
    onTestFinished(() => client.disconnect());
    const storer = await redis({ client });
    await expect(storer.ready()).rejects.toThrow(/stringNumbers/);
  });

  it("is told to be needed where an address is that of a node of a cluster", async () => {
    const node = await newServer("--cluster-enabled", "yes");
    onTestFinished(() => node.end());
    const storer = await redis(node.uri);
    onTestFinished(() => storer.close());
    await expect(storer.ready()).rejects.toThrow(/createCluster/);
  });
});
