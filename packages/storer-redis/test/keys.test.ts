/** What lies in the server: under which keys, for how long, and how a sweep gets rid of it. */
import { seconds } from "@castellan/core";
import type { RedisStorer } from "@castellan/storer-redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aChallenge, aLink, aMail, aPolicy, aSeries, aSignIn, aTotp, aTrusted, at, aUser, newPrefix, openStorer } from "./support/rows.ts";
import { newServer, type RedisServer, withoutRedis } from "./support/servers.ts";

const DAY_MS = 86_400_000;

let server: RedisServer;
let past: Redis;
beforeAll(async () => {
  if (withoutRedis) return;
  server = await newServer();
  past = new Redis(server.uri);
});
afterAll(async () => {
  past?.disconnect();
  await server?.end();
});

/** One row of everything that there is, of the user `name`; `shift` moves every moment. */
async function fill(storer: RedisStorer, name = "ann", shift = 0): Promise<void> {
  const [created, ends] = [at(shift), at(shift + 1000)];
  const times = { createdAt: created, expiresAt: ends };
  await storer.createUser(aUser(name));
  await storer.createSignIn(
    `key-${name}`,
    aSignIn(name, { createdAt: created, seenAt: created, idleEndsAt: ends, endsAt: at(shift + 2000) }),
  );
  await storer.createChallenge(aChallenge(name, times));
  await storer.startConfirmation(aLink(name, times));
  await storer.startRecovery([aLink(name, { ...times, selector: `recover-${name}` })]);
  await storer.admitAttempt(`pid:pid-${name}`, { ...aPolicy, window: seconds(1) }, created);
  await storer.addRememberSeries(aSeries(name, times));
  await storer.addTrustedBrowser(aTrusted(name, times));
  await storer.countUse(`count-${name}`, 3, 1000, created);
  await storer.saveSession(`session-${name}`, { data: "{}", expiresAt: ends });
}

/** What `fill` leaves to sweep: all but the user. */
const ROWS_OF_FILL = 9;

describe.skipIf(withoutRedis)("a key", () => {
  it("begins with the prefix, and carries one of 256 hash tags, or the one of the mails", async () => {
    const prefix = newPrefix();
    const storer = await openStorer({ uri: server.uri, prefix });
    await fill(storer);
    await storer.queueMail(aMail("ann"));
    await storer.enableTotp("pid-ann", 0, aTotp, ["code"]);
    await storer.addOneTimePassword("pid-ann", 1, "hash", 3);
    const keys = await past.keys(`${prefix}:*`);
    expect(keys.length).toBeGreaterThan(15);
    for (const key of keys) expect(key).toMatch(new RegExp(`^${prefix}:[a-z-]+:\\{([0-9a-f]{2}|mails)\\}`));
  });

  it("of one prefix is of no use in another: the same logins and pids live side by side", async () => {
    const [one, other] = [await openStorer({ uri: server.uri }), await openStorer({ uri: server.uri })];
    await fill(one);
    expect(await other.load("pid-ann")).toBeNull();
    expect(await other.findSignIn("key-ann", at(0))).toBeNull();
    expect(await other.createUser(aUser("ann"))).toBe(true);
    expect(await other.sweep(at(9000), 100)).toBe(0);
    await one.removeUser("pid-ann");
    expect(await other.load("pid-ann")).not.toBeNull();
  });

  it("of one prefix is of no use in another that begins like it, or is made like a key", async () => {
    const first = newPrefix();
    const prefixes = [first, `${first}:`, `${first}:user`, `${first}:user:`, `${first}*`, `${first.slice(0, -1)}?`];
    const storers = await Promise.all(prefixes.map((prefix) => openStorer({ uri: server.uri, prefix })));
    for (const [index, storer] of storers.entries()) {
      expect(await storer.load("pid-ann")).toBeNull();
      await fill(storer);
      await storer.setPasswordHash("pid-ann", `hash-${index}`);
    }
    for (const [index, storer] of storers.entries()) expect((await storer.findByLogin("ann"))?.passwordHash).toBe(`hash-${index}`);
    expect(await storers[0]?.removeUser("pid-ann")).toBe(true);
    expect(await storers[0]?.sweep(at(9000), 100)).toBeGreaterThan(0);
    for (const storer of storers.slice(1)) {
      expect(await storer.load("pid-ann")).not.toBeNull();
      expect(await storer.loadSession("session-ann", at(0))).not.toBeNull();
    }
  });

  it("of a user and of what belongs to it without an end lives until it is deleted; every other is removed by Redis, at least a day after its end", async () => {
    const prefix = newPrefix();
    const storer = await openStorer({ uri: server.uri, prefix });
    await fill(storer);
    await storer.enableTotp("pid-ann", 0, aTotp, ["code"]);
    await storer.addOneTimePassword("pid-ann", 1, "hash", 3);
    await storer.queueMail(aMail("ann"));
    const forEver = /:(user|login|serial|due|recovery-codes|one-time-passwords|mails-rows|mails-due):\{/;
    const indexes = /:(sign-in|link|series|trusted-id|trusted-key):\{/;
    for (const key of await past.keys(`${prefix}:*`)) {
      const removed = await past.call("PEXPIRETIME", key);
      if (forEver.test(key)) expect(removed, key).toBe(-1);
      // An index lives as long as its row may, and a day, from when it is made.
      else if (indexes.test(key)) expect(await past.pttl(key), key).toBeGreaterThan(DAY_MS);
      else expect(removed, key).toBeGreaterThanOrEqual(at(1000).getTime() + DAY_MS);
    }
  });

  it("is not removed by Redis too early where the caller's clock is years behind: only the caller's `now` ends anything", async () => {
    const prefix = newPrefix();
    const storer = await openStorer({ uri: server.uri, prefix });
    const shift = Date.UTC(2001, 0, 1) - at(0).getTime();
    await fill(storer, "ann", shift);
    const now = at(shift + 999);
    expect(await storer.findSignIn("key-ann", now)).not.toBeNull();
    expect(await storer.loadSession("session-ann", now)).not.toBeNull();
    expect(await storer.findChallenge("challenge-ann", "session-ann", now)).not.toBeNull();
    expect(await storer.findRecovery(aLink("ann", { selector: "recover-ann" }), now)).not.toBeNull();
    expect(await storer.findTrustedBrowser("pid-ann", "key-ann", now)).not.toBeNull();
    expect(await storer.rotateRememberSeries(aSeries("ann"), "next", seconds(1), now)).toMatchObject({ kind: "rotated" });
    expect(await storer.admitAttempt("pid:pid-ann", aPolicy, now)).toMatchObject({ admitted: false });
    for (const _ of [1, 2]) expect((await storer.countUse("count-ann", 3, 1000, now)).admitted).toBe(true);
    expect((await storer.countUse("count-ann", 3, 1000, now)).admitted).toBe(false);
  });

  it("of a user who was only begun goes by itself within minutes, and never shows before", async () => {
    const prefix = newPrefix();
    const storer = await openStorer({ uri: server.uri, prefix });
    await storer.createUser(aUser("ann"));
    const [key = ""] = await past.keys(`${prefix}:user:*`);
    await past.hdel(key, "epoch");
    // As if the process had been killed before it claimed the login.
    await past.del(...(await past.keys(`${prefix}:login:*`)));
    expect(await storer.load("pid-ann")).toBeNull();
    expect(await storer.advanceEpoch("pid-ann")).toBeNull();
    expect(await storer.setPasswordHash("pid-ann", "new")).toBeNull();
    expect(await storer.lockUser("pid-ann", at(1))).toBe(false);
    expect(await storer.createSignIn("key", aSignIn("ann"))).toBe(false);
    expect(await storer.enableTotp("pid-ann", 0, aTotp, null)).toBeNull();
  });
});

describe.skipIf(withoutRedis)("removing a user", () => {
  it("takes all that belongs to them, frees the login, and leaves others alone", async () => {
    const prefix = newPrefix();
    const storer = await openStorer({ uri: server.uri, prefix });
    await fill(storer, "ann");
    await fill(storer, "bob");
    await storer.enableTotp("pid-bob", 0, aTotp, ["code"]);
    expect(await storer.removeUser("pid-ann")).toBe(true);
    expect(await storer.removeUser("pid-ann")).toBe(false);
    const keys = await past.keys(`${prefix}:*`);
    const ofAnn = /:(user|sign-ins|links|remembered|trusted|recovery-codes|one-time-passwords|attempts|login):\{..\}:(pid:)?(pid-)?ann$/;
    expect(keys.filter((key) => ofAnn.test(key))).toEqual([]);
    expect(await storer.load("pid-bob")).not.toBeNull();
    expect(await storer.countRecoveryCodes("pid-bob")).toBe(1);
    expect(await storer.createUser(aUser("ann2", { login: "ann" }))).toBe(true);
  });

  it("ends their challenges for good: another user under the same pid has none of them", async () => {
    const storer = await openStorer({ uri: server.uri });
    await fill(storer);
    await storer.removeUser("pid-ann");
    await storer.createUser(aUser("ann"));
    expect(await storer.findChallenge("challenge-ann", "session-ann", at(0))).toBeNull();
  });
});

describe.skipIf(withoutRedis)("a sweep", () => {
  it("removes every kind of row that has ended, once, and nothing else; nothing of a swept row is left but what Redis removes", async () => {
    const prefix = newPrefix();
    const storer = await openStorer({ uri: server.uri, prefix });
    await fill(storer, "ann");
    await fill(storer, "bob", 5000);
    await storer.queueMail(aMail("ann"));
    expect(await storer.sweep(at(999), 100)).toBe(0);
    expect(await storer.sweep(at(2000), 100)).toBe(ROWS_OF_FILL);
    expect(await storer.sweep(at(2000), 100)).toBe(0);
    for (const kind of ["sign-ins", "challenges", "links", "remembered", "trusted", "attempts", "count", "session"]) {
      expect(
        (await past.keys(`${prefix}:${kind}:*`)).map((key) => key.replace(/.*[-:](?=\w+$)/, "")),
        kind,
      ).toEqual(["bob"]);
    }
    expect(await storer.sweep(at(9000), 100)).toBe(ROWS_OF_FILL);
    expect(await past.keys(`${prefix}:due:*`)).toEqual([]);
    expect(await storer.load("pid-bob")).not.toBeNull();
    expect(await storer.claimMails(at(0), at(1), 5)).toHaveLength(1);
  });

  it("is not held up by the ends of rows that are gone already", async () => {
    const storer = await openStorer({ uri: server.uri });
    for (const index of Array(20).keys()) {
      await storer.createUser(aUser(`u${index}`));
      await storer.createSignIn(`key-${index}`, aSignIn(`u${index}`));
      await storer.removeUser(`pid-u${index}`);
    }
    await fill(storer);
    let swept = 0;
    for (const _ of Array(ROWS_OF_FILL)) swept += await storer.sweep(at(9000), 1);
    expect(swept).toBe(ROWS_OF_FILL);
  });
});

describe.skipIf(withoutRedis)("an operation", () => {
  it("takes few commands, and as many for a login that nobody has as for one that somebody has", async () => {
    const asked: string[] = [];
    const storer = await openStorer({ uri: server.uri, onQuery: (name) => asked.push(name) });
    const commandsOf = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
      asked.length = 0;
      await work();
      return [...asked];
    };
    await fill(storer);
    const known = await commandsOf(() => storer.findByLogin("ann"));
    expect(known).toEqual(["GET", "findByLogin"]);
    expect(await commandsOf(() => storer.findByLogin("nobody"))).toEqual(known);
    expect(await commandsOf(() => storer.findSignIn("key-ann", at(0)))).toEqual(["GET", "findSignIn"]);
    expect(await commandsOf(() => storer.findSignIn("unknown", at(0)))).toEqual(["GET"]);
    expect(await commandsOf(() => storer.admitAttempt("subject", aPolicy, at(0)))).toEqual(["admitAttempt"]);
    expect(await commandsOf(() => storer.countUse("use", 1, 1000, at(0)))).toEqual(["countUse"]);
    expect(await commandsOf(() => storer.loadSession("session-ann", at(0)))).toEqual(["HMGET"]);
    const link = (name: string) => aLink(name, { selector: `again-${name}` });
    expect(await commandsOf(() => storer.startRecovery([link("ann")]))).toEqual(
      await commandsOf(() => storer.startRecovery([link("nobody")])),
    );
  });

  it("that is refused writes nothing: not a limit that is reached, not a running lock, not a secret in grace", async () => {
    const storer = await openStorer({ uri: server.uri });
    await fill(storer);
    await storer.admitAttempt("pid:pid-ann", aPolicy, at(1));
    await storer.countUse("use", 1, 1000, at(0));
    await storer.rotateRememberSeries(aSeries("ann"), "next", seconds(30), at(0));
    const changes = async () => /rdb_changes_since_last_save:(\d+)/.exec(await past.info("persistence"))?.[1];
    const before = await changes();
    expect((await storer.admitAttempt("pid:pid-ann", aPolicy, at(2))).admitted).toBe(false);
    expect((await storer.countUse("use", 1, 1000, at(1))).admitted).toBe(false);
    expect(await storer.rotateRememberSeries(aSeries("ann"), "other", seconds(30), at(1))).toMatchObject({ kind: "grace" });
    expect(await changes()).toBe(before);
  });
});

describe.skipIf(withoutRedis)("several processes", () => {
  it("share what a server holds: of storers with connections of their own one wins", async () => {
    const prefix = newPrefix();
    const storers = await Promise.all(Array.from({ length: 5 }, () => openStorer({ uri: server.uri, prefix })));
    const made = await Promise.all(storers.map((storer, index) => storer.createUser(aUser(`${index}`, { login: "ann" }))));
    expect(made.filter(Boolean)).toHaveLength(1);
    const admitted = await Promise.all(
      storers.flatMap((storer) => Array.from({ length: 10 }, () => storer.countUse("use", 7, 1000, at(0)))),
    );
    expect(admitted.filter((count) => count.admitted)).toHaveLength(7);
  });
});
