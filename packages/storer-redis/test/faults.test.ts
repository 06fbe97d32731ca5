/** A server without room, without our scripts, with foreign things under our keys, or empty again: each operation is done whole or not at all, and a failure is never a "no". */
import type { RedisStorer } from "@castellan/storer-redis";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { contents } from "./support/contents.ts";
import { ending, everything, furnish, growing, reading } from "./support/everything.ts";
import { newPrefix, openStorer } from "./support/rows.ts";
import { connectionTo, freePort, newServer, type RedisServer, withoutRedis } from "./support/servers.ts";

const unavailable = { code: "CASTELLAN_UNAVAILABLE", status: 503 };

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

async function furnished(): Promise<{ storer: RedisStorer; prefix: string }> {
  const prefix = newPrefix();
  const storer = await openStorer({ client: past, prefix });
  await furnish(storer);
  return { storer, prefix };
}

describe.skipIf(withoutRedis)("every operation", () => {
  it("is one of those that read, need room, or end something, and finds its row", async () => {
    const { storer } = await furnished();
    const others = ["userFields", "ready", "close"];
    expect(Object.keys(storer).sort()).toEqual([...Object.keys(everything), ...others].sort());
    for (const [name, read] of Object.entries(reading)) expect([null, 0], name).not.toContainEqual(await read(storer));
  });
});

describe.skipIf(withoutRedis)("on a server without room", () => {
  const full = async <T>(work: () => Promise<T>): Promise<T> => {
    onTestFinished(async () => void (await past.config("SET", "maxmemory", "0")));
    await past.config("SET", "maxmemory", "1");
    try {
      return await work();
    } finally {
      await past.config("SET", "maxmemory", "0");
    }
  };

  it("what needs room is refused, and nothing of it is done", async () => {
    const { storer, prefix } = await furnished();
    const before = await contents(past, `${prefix}:`);
    await full(async () => {
      for (const [name, work] of Object.entries(growing)) {
        await expect(work(storer), name).rejects.toMatchObject(unavailable);
        expect(await contents(past, `${prefix}:`), name).toEqual(before);
      }
      for (const [name, read] of Object.entries(reading)) expect([null, 0], name).not.toContainEqual(await read(storer));
    });
  });

  it.each(Object.entries(ending))("%s ends what it should, whole", async (_, work) => {
    const [short, roomy] = [await furnished(), await furnished()];
    const answer = await full(() => work(short.storer));
    expect(answer).toEqual(await work(roomy.storer));
    const named = async ({ prefix }: { prefix: string }) => JSON.stringify(await contents(past, `${prefix}:`)).replaceAll(prefix, "");
    expect(await named(short)).toEqual(await named(roomy));
  });
});

describe.skipIf(withoutRedis)("on a server where something else lies under our keys", () => {
  /** Indexes are worth nothing without what they lead to; an attempt that is counted and a lock that is made are on the safe side. */
  const inert = /:(sign-in|link|series|trusted-id|trusted-key|attempts):\{/;

  /** What `spoil` chooses of the keys that an operation meets, those included that it would make, holds a list from now on. */
  const spoiled = async (work: (storer: RedisStorer) => Promise<unknown>, spoil: RegExp) => {
    const { storer, prefix } = await furnished();
    const keys = await past.keys(`${prefix}:*`);
    const model = await furnished();
    await work(model.storer);
    keys.push(...(await past.keys(`${model.prefix}:*`)).map((key) => key.replace(model.prefix, prefix)));
    for (const key of new Set(keys)) {
      if (!spoil.test(key)) continue;
      await past.del(key);
      await past.rpush(key, "foreign");
    }
    return { storer, rows: async () => (await contents(past, `${prefix}:`)).filter(([key]) => !inert.test(key)) };
  };

  it("every operation fails as unavailable and changes no row; a name that is taken is taken, whoever has it", async () => {
    const taken = ["createSignIn", "addTrustedBrowser"];
    for (const [name, work] of Object.entries(everything)) {
      const { storer, rows } = await spoiled(work, /./);
      const before = await rows();
      if (taken.includes(name)) expect(await work(storer), name).toBe(false);
      else await expect(work(storer), name).rejects.toMatchObject(unavailable);
      expect(await rows(), name).toEqual(before);
    }
  });

  it("an operation that meets it in the list of what ends only fails before it has done anything", async () => {
    let failed = 0;
    for (const [name, work] of Object.entries(everything)) {
      const { storer, rows } = await spoiled(work, /:(due|mails-due):\{/);
      const before = await rows();
      const failure: unknown = await work(storer).then(
        () => null,
        (error: unknown) => error,
      );
      if (failure === null) continue;
      failed += 1;
      expect(failure, name).toMatchObject(unavailable);
      expect(await rows(), name).toEqual(before);
    }
    expect(failed).toBeGreaterThan(30);
  });
});

describe.skipIf(withoutRedis)("on a replica", () => {
  it("what reads answers, and what writes is refused", async () => {
    const { storer, prefix } = await furnished();
    const before = await contents(past, `${prefix}:`);
    onTestFinished(async () => void (await past.call("REPLICAOF", "NO", "ONE")));
    await past.call("REPLICAOF", "127.0.0.1", await freePort());
    for (const [name, read] of Object.entries(reading)) expect([null, 0], name).not.toContainEqual(await read(storer));
    for (const [name, work] of Object.entries({ ...growing, ...ending })) {
      await expect(work(storer), name).rejects.toMatchObject(unavailable);
    }
    expect(await contents(past, `${prefix}:`)).toEqual(before);
  });
});

/** Each may succeed once, for whoever comes first. */
const once = [
  "consumeChallenge",
  "finishConfirmation",
  "finishRecovery",
  "finishUnlock",
  "consumeRecoveryCode",
  "consumeOneTimePassword",
  "takeExpiredSignIn",
  "takeFlow",
  "endSignIn",
  "unlinkIdentity",
  "disableTotp",
  "changePasswordHash",
  "acceptTotpStep",
  "replaceTokens",
  "replaceSignIn",
  "createUser",
  "createUserWithIdentity",
  "linkIdentity",
  "addTrustedBrowser",
  "enableSms",
  "removeUser",
];

describe.skipIf(withoutRedis)("on a server that forgets our scripts again and again", () => {
  it.each(once)("of twenty at once one succeeds: %s", async (name) => {
    const work = everything[name];
    const { storer } = await furnished();
    const flushes = Array.from({ length: 5 }, () => past.script("FLUSH"));
    const calls = Array.from({ length: 20 }, async () => {
      const answer = work?.(storer);
      await past.script("FLUSH");
      return answer;
    });
    const answers = await Promise.all(calls);
    await Promise.all(flushes);
    expect(answers.filter((answer) => answer !== null && answer !== false)).toHaveLength(1);
  });
});

describe.skipIf(withoutRedis)("on a server that comes back empty", () => {
  it("nobody is known, and everything works", async () => {
    const { storer } = await furnished();
    await past.flushall();
    await past.script("FLUSH");
    const [signIn, user, identity] = [reading["findSignIn"], reading["findByLogin"], reading["findIdentity"]];
    for (const read of [signIn, user, identity]) expect(await read?.(storer)).toBeNull();
    await furnish(storer);
    for (const read of [signIn, user, identity]) expect(await read?.(storer)).not.toBeNull();
  });
});
