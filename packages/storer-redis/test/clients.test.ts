/** Clients that are handed in, of both packages, for one server and for a cluster: every promise is kept through each of them. */
import { type RedisClient, type RedisStorer, redis } from "@castellan/storer-redis";
import { conformance } from "@castellan/testkit";
import { Cluster, Redis } from "ioredis";
import { createClient, createClientPool, createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { aLink, anIdentity, aSignIn, at, aUser, newPrefix, openStorer } from "./support/rows.ts";
import { newCluster, newServer, type RedisCluster, type RedisServer, withoutRedis } from "./support/servers.ts";

interface Opened {
  readonly client: RedisClient;
  readonly isOpen: () => Promise<unknown>;
  readonly end: () => unknown;
}

const rootNodes = ({ servers }: RedisCluster) => servers.map(({ uri }) => ({ url: uri }));

const forServer: Readonly<Record<string, (server: RedisServer) => Promise<Opened>>> = {
  "createClient of redis": async ({ uri }) => {
    const client = createClient({ url: uri });
    await client.connect();
    return { client, isOpen: () => client.ping(), end: () => client.destroy() };
  },
  "Redis of ioredis": async ({ uri }) => {
    const client = new Redis(uri);
    return { client, isOpen: () => client.ping(), end: () => client.disconnect() };
  },
};

const forCluster: Readonly<Record<string, (cluster: RedisCluster) => Promise<Opened>>> = {
  "createCluster of redis": async (cluster) => {
    const client = createCluster({ rootNodes: rootNodes(cluster) });
    await client.connect();
    return { client, isOpen: () => client.get("any"), end: () => client.destroy() };
  },
  "Cluster of ioredis": async ({ servers }) => {
    const client = new Cluster(servers.map(({ port }) => ({ host: "127.0.0.1", port })));
    return { client, isOpen: () => client.get("any"), end: () => client.disconnect() };
  },
};

/** The suites, and what is left of the client afterwards. */
function keepsEveryPromise(opened: () => Opened): void {
  const options = () => ({ client: opened().client, prefix: newPrefix(), dangerouslyAllowLoss: true, onWarning: () => {} });
  conformance<RedisStorer>(
    {
      make: () => redis(options()),
      removeUser: async (storer, pid) => {
        await storer.removeUser(pid);
      },
    },
    { describe, it },
  );

  it("keeps apart whatever texts, in logins, pids, keys and selectors: braces, colons, patterns, NUL, a login of a megabyte", async () => {
    const storer = await redis(options());
    const odd = [
      "",
      "a",
      "A",
      "a ",
      "a\0",
      "a\0b",
      "{a}",
      "{",
      "}",
      "{}a",
      "a:b",
      "a:{07}:b",
      "*",
      "?[a]",
      "\\",
      '"',
      "ä",
      "a\u0308",
      "𐀀",
      "x".repeat(10_000),
    ];
    for (const text of odd) {
      expect(await storer.createUser(aUser(text, { pid: text, login: text, email: text }))).toBe(true);
      expect(await storer.createSignIn(text, aSignIn("", { id: text, pid: text, userAgent: text }))).toBe(true);
      expect(await storer.linkIdentity(text, 0, anIdentity(text))).toBe(true);
      await storer.startConfirmation(aLink("", { selector: text, pid: text, destination: text }));
      await storer.saveSession(text, { data: text, expiresAt: at(1000) });
      expect((await storer.countUse(text, 1, 1000, at(0))).admitted).toBe(true);
    }
    for (const text of odd) {
      expect(await storer.findByLogin(text)).toMatchObject({ pid: text, login: text, email: text });
      expect(await storer.findSignIn(text, at(0))).toMatchObject({ user: { pid: text }, signIn: { id: text, userAgent: text } });
      expect((await storer.findIdentity("https://id.example", text))?.pid).toBe(text);
      expect(await storer.finishConfirmation({ selector: text, verifierHash: aLink("").verifierHash }, at(0))).toEqual({ pid: text });
      expect((await storer.loadSession(text, at(0)))?.data).toBe(text);
      expect((await storer.countUse(text, 1, 1000, at(0))).admitted).toBe(false);
      expect(await storer.createUser(aUser(`other ${text}`, { login: text }))).toBe(false);
    }
    const [long, user] = ["x".repeat(1_000_000), aUser("long")];
    expect(await storer.createUser({ ...user, login: long })).toBe(true);
    expect((await storer.findByLogin(long))?.pid).toBe(user.pid);
    expect(await storer.findByLogin(long.slice(1))).toBeNull();
    expect(await storer.sweep(at(9000), 1000)).toBe(3 * odd.length);
    for (const text of odd) expect(await storer.removeUser(text)).toBe(true);
  });

  it("leaves the client open when the storer is closed", async () => {
    const storer = await redis(options());
    expect(await storer.createUser(aUser("ann"))).toBe(true);
    await storer.close();
    await expect(storer.load("pid-ann")).rejects.toThrow(/closed/);
    await opened().isOpen();
  });
}

for (const [name, open] of Object.entries(forServer)) {
  describe.skipIf(withoutRedis)(`a server by ${name}`, () => {
    let server: RedisServer;
    let opened: Opened;
    beforeAll(async () => {
      server = await newServer();
      opened = await open(server);
    });
    afterAll(async () => {
      await opened.end();
      await server.end();
    });
    keepsEveryPromise(() => opened);
  });
}

for (const [name, open] of Object.entries(forCluster)) {
  describe.skipIf(withoutRedis)(`a cluster of three by ${name}`, () => {
    let cluster: RedisCluster;
    let opened: Opened;
    beforeAll(async () => {
      cluster = await newCluster();
      opened = await open(cluster);
    });
    afterAll(async () => {
      await opened.end();
      await cluster.end();
    });
    keepsEveryPromise(() => opened);
  });
}

describe.skipIf(withoutRedis)("a pool of clients", () => {
  it("is taken as one client is", async () => {
    const server = await newServer();
    onTestFinished(() => server.end());
    const client = createClientPool({ url: server.uri });
    await client.connect();
    onTestFinished(() => client.destroy());
    const storer = await openStorer({ client });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => storer.createUser(aUser(`${index}`, { login: "ann" }))));
    expect(answers.filter(Boolean)).toHaveLength(1);
  });
});
