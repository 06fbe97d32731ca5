/** The server goes away and comes back, freezes, fills up, is not the master any more: every answer is a failure, never a "no". */
import { ConfigError, seconds, Unavailable } from "@castellan/core";
import { redis } from "@castellan/storer-redis";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { loadDriver } from "../src/open.ts";
import { everything } from "./support/everything.ts";
import { aChallenge, aPolicy, aSignIn, at, aUser, openStorer } from "./support/rows.ts";
import { connectionTo, DURABLE, freePort, newServer, type RedisServer, withoutRedis } from "./support/servers.ts";

const unavailable = { code: "CASTELLAN_UNAVAILABLE", status: 503, cause: expect.any(Error) };

/** One for the file: who stops, freezes or fills it leaves it as it was. */
let server: RedisServer;
let past: Redis;
beforeAll(async () => {
  if (withoutRedis) return;
  server = await newServer(...DURABLE);
  past = connectionTo(server);
  // It is cut off by what is tested here.
  past.on("error", () => {});
});
afterAll(async () => {
  past?.disconnect();
  await server?.end();
});

async function stop(): Promise<void> {
  onTestFinished(() => server.start());
  await server.stop();
}

function freeze(): void {
  onTestFinished(() => server.signal("SIGCONT"));
  server.signal("SIGSTOP");
}

/** How many tries it takes until one succeeds, at most `most`. */
async function triesUntil(most: number, work: () => Promise<unknown>): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    try {
      await work();
      return tries;
    } catch (error) {
      if (tries === most) throw error;
    }
  }
}

describe.skipIf(withoutRedis)("a server that goes away", () => {
  it("makes every operation reject as unavailable, and within five tries after its return all is as it was, without a restart of ours", async () => {
    const storer = await openStorer({ uri: server.uri });
    await storer.createUser(aUser("ann"));
    await storer.createSignIn("key", aSignIn("ann"));
    await storer.createChallenge(aChallenge("ann"));
    for (const _ of [1, 2]) {
      await stop();
      const calls = Object.entries(everything);
      await Promise.all(calls.map(([name, work]) => expect(work(storer), name).rejects.toMatchObject(unavailable)));
      await server.start();
      expect(await triesUntil(5, () => storer.load("pid-ann"))).toBeLessThanOrEqual(5);
      expect(await storer.findSignIn("key", at(0))).toMatchObject({ user: { pid: "pid-ann", epoch: 0 }, signIn: { id: "sign-in-ann" } });
      expect(await storer.load("pid-bob")).toBeNull();
    }
    expect(await storer.consumeChallenge("challenge-ann", "session-ann", at(0))).not.toBeNull();
  });

  it("keeps what it has acknowledged when it is killed in the middle of it all", async () => {
    const storer = await openStorer({ uri: server.uri });
    const [asked, made]: [string[], string[]] = [[], []];
    let killed: Promise<void> | null = null;
    const worker = async (_: unknown, number: number) => {
      for (let nth = 0; killed === null; nth += 1) {
        const name = `user-${number}-${nth}`;
        asked.push(name);
        if (await storer.createUser(aUser(name)).catch(() => false)) made.push(name);
        if (made.length >= 300) killed ??= stop();
      }
    };
    await Promise.all(Array.from({ length: 50 }, worker));
    await killed;
    expect(made.length).toBeLessThan(asked.length);
    await server.start();
    await triesUntil(5, () => storer.load("pid-nobody"));
    for (const name of made) expect(await storer.findByLogin(name), name).toMatchObject({ pid: `pid-${name}` });
    // Of the others each is there whole, or its login and pid are free.
    for (const name of asked.filter((one) => !made.includes(one))) {
      const user = await storer.findByLogin(name);
      expect(await storer.load(`pid-${name}`), name).toEqual(user);
      expect(await storer.createUser(aUser(name)), name).toBe(user === null);
    }
  });

  it("by freezing is given up after the timeout, and answers again when it wakes", async () => {
    const storer = await openStorer({ uri: server.uri, timeout: seconds(0.2) });
    await storer.createUser(aUser("ann"));
    freeze();
    await expect(storer.load("pid-ann")).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining("no answer within 200 ms"),
    });
    server.signal("SIGCONT");
    expect(await triesUntil(5, () => storer.load("pid-ann"))).toBeLessThanOrEqual(5);
  });

  it("by never having been there is unavailable to `ready`, too", async () => {
    const storer = await openStorer({ uri: `redis://127.0.0.1:${await freePort()}` });
    await expect(storer.ready()).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining("ECONNREFUSED") });
  });

  it("by wanting a password that it is not given, or another one, is unavailable and says so", async () => {
    onTestFinished(async () => void (await past.config("SET", "requirepass", "")));
    await past.config("SET", "requirepass", "the right one");
    for (const password of ["", ":hunter2@"]) {
      const storer = await openStorer({ uri: server.uri.replace("//", `//${password}`) });
      const failure: unknown = await storer.ready().catch((error: unknown) => error);
      expect(failure).toMatchObject({ ...unavailable, message: expect.stringMatching(/NOAUTH|WRONGPASS/) });
      expect(String(failure)).not.toContain("hunter2");
    }
  });
});

describe.skipIf(withoutRedis)("a server that fails", () => {
  it("by being full rejects writes, answers reads, and works again when there is room", async () => {
    const storer = await openStorer({ uri: server.uri });
    await storer.createUser(aUser("ann"));
    onTestFinished(async () => void (await past.config("SET", "maxmemory", "0")));
    await past.config("SET", "maxmemory", "1");
    await expect(storer.createUser(aUser("bob"))).rejects.toMatchObject(unavailable);
    await expect(storer.admitAttempt("subject", aPolicy, at(0))).rejects.toMatchObject(unavailable);
    expect(await storer.load("pid-ann")).not.toBeNull();
    await past.config("SET", "maxmemory", "0");
    expect(await storer.load("pid-bob")).toBeNull();
    expect(await storer.createUser(aUser("bob"))).toBe(true);
  });

  it("by being a replica now rejects writes, and works again when it is the master", async () => {
    const storer = await openStorer({ uri: server.uri });
    await storer.createUser(aUser("ann"));
    onTestFinished(async () => void (await past.call("REPLICAOF", "NO", "ONE")));
    await past.call("REPLICAOF", "127.0.0.1", await freePort());
    await expect(storer.setPasswordHash("pid-ann", "new")).rejects.toMatchObject(unavailable);
    await past.call("REPLICAOF", "NO", "ONE");
    await triesUntil(5, () => storer.setPasswordHash("pid-ann", "new"));
    expect((await storer.load("pid-ann"))?.passwordHash).toBe("new");
  });

  it("by having forgotten our scripts is given them again", async () => {
    const storer = await openStorer({ uri: server.uri });
    await storer.createUser(aUser("ann"));
    await past.script("FLUSH");
    expect(await storer.advanceEpoch("pid-ann")).toBe(1);
  });

  it("by holding something else under a key of ours rejects: a failure is never 'not found'", async () => {
    const storer = await openStorer({ uri: server.uri, prefix: "odd" });
    await storer.createUser(aUser("ann"));
    const [key = ""] = await past.keys("odd:user:*");
    await past.set(key, "no hash");
    await expect(storer.load("pid-ann")).rejects.toMatchObject(unavailable);
    await expect(storer.findByLogin("ann")).rejects.toMatchObject(unavailable);
  });

  it("tells the log, and not by its message or its cause, what was to be stored", async () => {
    const storer = await openStorer({ uri: server.uri });
    await stop();
    const failure: unknown = await storer
      .createUser(aUser("ann", { passwordHash: "the-hash", login: "the-login" }))
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Unavailable);
    const { cause, message } = failure as Unavailable; // just looked at
    const all = [
      message,
      String(cause),
      JSON.stringify(cause),
      ...Object.values(Object.getOwnPropertyDescriptors(cause)).map(({ value }) => JSON.stringify(value)),
    ];
    for (const text of all) expect(text ?? "").not.toMatch(/the-hash|the-login/);
  });
});

describe.skipIf(withoutRedis)("a closed storer", () => {
  it("rejects every operation, and may be closed again, also while its server is away", async () => {
    const storer = await openStorer({ uri: server.uri });
    await storer.createUser(aUser("ann"));
    await stop();
    await storer.close();
    await storer.close();
    for (const [name, work] of Object.entries(everything)) await expect(work(storer), name).rejects.toThrow(/closed/);
    await expect(storer.ready()).rejects.toThrow(Unavailable);
  });

  it("is closed within the timeout while its server is frozen", async () => {
    const storer = await openStorer({ uri: server.uri, timeout: seconds(0.2) });
    await storer.createUser(aUser("ann"));
    freeze();
    const late = expect(storer.load("pid-ann")).rejects.toMatchObject(unavailable);
    await storer.close();
    await late;
  });

  it("lets what is under way finish", async () => {
    const storer = await openStorer({ uri: server.uri });
    await storer.createUser(aUser("ann"));
    const epoch = storer.advanceEpoch("pid-ann");
    await storer.close();
    expect(await epoch).toBe(1);
  });
});

describe("a storer that is wired wrongly", () => {
  it("says what to install when there is no driver", async () => {
    const failure = loadDriver("ioredis-that-is-not-there");
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(/npm install ioredis.*ioredis-that-is-not-there/s);
  });

  it("lists all that is wrong with its options", async () => {
    // As plain JavaScript might: no compiler has looked at it.
    const options = { prefix: "{a}", timeout: -1, dangerouslyAllowLoss: 1, onWarning: null, onQuery: "log" } as unknown as Parameters<
      typeof redis
    >[0];
    const failure = await redis(options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure).toMatchObject({ problems: { length: 6 } });
  });

  it("is given something that is no client", async () => {
    // As plain JavaScript might.
    const client = { get: () => null } as unknown as NonNullable<Exclude<Parameters<typeof redis>[0], string>["client"]>;
    await expect(redis({ client })).rejects.toThrow(/createClient or createCluster/);
    await expect(redis({ client, uri: "redis://localhost" })).rejects.toThrow(/either a `uri` or a `client`/);
  });
});

describe.skipIf(withoutRedis)("a value that is no text and no number", () => {
  it.each([[{ $ne: 1 }], [undefined], [new Date(0)], [true], [["pid-ann"]], [new Uint8Array(2)]])(
    "is refused, and never stored or looked up as its text: %j",
    async (value) => {
      const storer = await openStorer({ uri: server.uri });
      await storer.createUser(aUser("ann"));
      // As plain JavaScript might: no compiler has looked at it.
      const wrong = value as unknown as string;
      await expect((async () => storer.load(wrong))()).rejects.toThrow(TypeError);
      await expect(storer.createUser(aUser("bob", { email: wrong }))).rejects.toThrow(TypeError);
      await expect(storer.endSignIns("pid-ann", wrong)).rejects.toThrow(TypeError);
      await expect((async () => storer.endRememberSeriesOf("pid-ann", wrong))()).rejects.toThrow(TypeError);
      await expect(storer.endChallengesOf("pid-ann", wrong)).rejects.toThrow(TypeError);
      await expect(storer.createSignIn("key", aSignIn("ann", { userAgent: wrong }))).rejects.toThrow(TypeError);
      expect(await storer.load("pid-bob")).toBeNull();
      expect(await storer.listSignIns("pid-ann", at(0))).toEqual([]);
    },
  );

  it("is text with half a character, which would be another text on its way back", async () => {
    const storer = await openStorer({ uri: server.uri });
    await expect(storer.createUser(aUser("ann", { login: "ann\ud800" }))).rejects.toThrow(TypeError);
  });
});
