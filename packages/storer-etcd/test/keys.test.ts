/** What lies in etcd: under which keys, for how long, and how a sweep gets rid of it. */
import { seconds } from "@castellan/core";
import { type EtcdStorer, etcd } from "@castellan/storer-etcd";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { aFlow, fill, ROWS_OF_FILL } from "./support/everything.ts";
import {
  aChallenge,
  aLink,
  aMail,
  anIdentity,
  aPolicy,
  aSeries,
  aSignIn,
  aTrusted,
  at,
  aUser,
  newPrefix,
  openStorer,
  rowsIn,
} from "./support/rows.ts";
import { type EtcdServer, newServer, withoutEtcd } from "./support/servers.ts";

let server: EtcdServer;
beforeAll(async () => {
  if (!withoutEtcd) server = await newServer();
});
afterAll(() => server?.end());

/** Does something `count` times, some of it at once. */
async function forEach(count: number, work: (number: string) => Promise<unknown>): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => String(index));
  while (numbers.length > 0) await Promise.all(numbers.splice(0, 30).map(work));
}

/** A storer, and what lies under its prefix. */
async function opened(prefix = newPrefix()): Promise<{ readonly storer: EtcdStorer; keys(): Promise<string[]> }> {
  const storer = await etcd(`${server.uri}/${prefix}`);
  onTestFinished(() => storer.close());
  return { storer, keys: async () => [...(await rowsIn(server, prefix)).keys()] };
}

describe.skipIf(withoutEtcd)("a prefix", () => {
  it("is of no use in another: the same logins and pids live side by side, also where one begins like the other", async () => {
    const { storer: one } = await opened("app");
    for (const prefix of ["app2", "app/user", "app.eu", "ap"]) {
      const { storer: other } = await opened(prefix);
      if (prefix === "app2") await fill(one);
      expect(await other.load("pid-ann"), prefix).toBeNull();
      expect(await other.findSignIn("key-ann", at(0)), prefix).toBeNull();
      await fill(other);
      expect(await other.sweep(at(9000), 100), prefix).toBe(ROWS_OF_FILL);
      expect(await other.removeUser("pid-ann"), prefix).toBe(true);
      expect(await one.findSignIn("key-ann", at(0)), prefix).not.toBeNull();
    }
    expect(await one.sweep(at(9000), 100)).toBe(ROWS_OF_FILL);
  });

  it("is `castellan` where the address has none", async () => {
    const storer = await etcd(server.uri);
    onTestFinished(() => storer.close());
    await storer.ready();
    expect([...(await rowsIn(server, "castellan")).keys()]).toEqual(["layout"]);
  });
});

const ODD = [
  "nul\0 in it",
  "\0",
  "a/b",
  "a%2Fb",
  "a",
  "a/",
  "..",
  "~",
  "%~",
  "%@",
  "/%@a",
  "Ann",
  "ann ",
  "é",
  "e\u0301",
  "\u{1f511}",
  "\uffff",
  "x".repeat(2000),
  `${"x".repeat(2000)}y`,
  "é".repeat(100_000),
];

describe.skipIf(withoutEtcd)("a text that keys are made of", () => {
  it("may be any: NUL, slashes and the like, one that another begins with, a very long one; each names its own rows and no other's", async () => {
    const { storer } = await opened();
    for (const text of ODD) {
      expect(await storer.createUser(aUser("ann", { pid: text, login: text })), text.slice(0, 20)).toBe(true);
      expect(await storer.createSignIn(text, aSignIn("ann", { id: text, pid: text })), text.slice(0, 20)).toBe(true);
      await storer.createChallenge(aChallenge("ann", { id: text, pid: text, sessionKey: text, purpose: text }));
      await storer.startRecovery([aLink("ann", { selector: text, pid: text })]);
      await storer.saveSession(text, { data: text, expiresAt: at(1000) });
      await storer.countUse(text, 5, 1000, at(0));
    }
    for (const text of ODD) {
      const name = text.slice(0, 20);
      expect((await storer.findByLogin(text))?.pid, name).toBe(text);
      expect((await storer.findSignIn(text, at(0)))?.signIn.id, name).toBe(text);
      expect(await storer.listSignIns(text, at(0)), name).toHaveLength(1);
      expect((await storer.findChallenge(text, text, at(0)))?.purpose, name).toBe(text);
      expect((await storer.findRecovery(aLink("ann", { selector: text }), at(0)))?.pid, name).toBe(text);
      expect((await storer.loadSession(text, at(0)))?.data, name).toBe(text);
      expect(await storer.countUse(text, 1, 1000, at(0)), name).toMatchObject({ admitted: false });
    }
    for (const [index, text] of ODD.entries()) {
      expect(await storer.endSignIns(text, null)).toBe(1);
      await storer.endChallengesOfSession(text);
      expect(await storer.removeUser(text)).toBe(true);
      for (const other of ODD.slice(index + 1)) expect(await storer.findByLogin(other), other.slice(0, 20)).not.toBeNull();
    }
    expect(await storer.sweep(at(9000), 1000)).toBe(2 * ODD.length);
  });

  it("may not be half a character, which would be another text on its way back", async () => {
    const { storer, keys } = await opened();
    const half = "ann\ud800";
    await expect(storer.createUser(aUser("ann", { login: half }))).rejects.toThrow(TypeError);
    await expect(storer.createUser(aUser("ann", { profile: { name: half } }))).rejects.toThrow(TypeError);
    await expect(storer.load(half)).rejects.toThrow(TypeError);
    await expect(storer.saveSession(half, { data: "", expiresAt: at(1) })).rejects.toThrow(TypeError);
    expect(await keys()).toEqual([]);
  });

  it.each([[{ $ne: 1 }], [undefined], [null], [1], [new Date(0)], [true], [["pid-ann"]], [new Uint8Array(2)], [() => "pid-ann"]])(
    "must be a text, and nothing else is stored or looked up as one: %j",
    async (value) => {
      const { storer } = await opened();
      await storer.createUser(aUser("ann"));
      // As plain JavaScript might: no compiler has looked at it.
      const wrong = value as unknown as string;
      await expect(storer.load(wrong)).rejects.toThrow(TypeError);
      await expect(storer.createUser(aUser("bob", { login: wrong }))).rejects.toThrow(TypeError);
      await expect(storer.createSignIn("key", aSignIn("ann", { userAgent: wrong }))).rejects.toThrow(TypeError);
      if (value !== null) {
        await expect(storer.createUser(aUser("bob", { email: wrong }))).rejects.toThrow(TypeError);
        await expect(storer.endSignIns("pid-ann", wrong)).rejects.toThrow(TypeError);
        await expect(storer.endRememberSeriesOf("pid-ann", wrong)).rejects.toThrow(TypeError);
        await expect(storer.endChallengesOf("pid-ann", wrong)).rejects.toThrow(TypeError);
      }
      expect(await storer.load("pid-bob")).toBeNull();
      expect(await storer.listSignIns("pid-ann", at(0))).toEqual([]);
    },
  );
});

describe.skipIf(withoutEtcd)("what is more than etcd takes at once", () => {
  it("is refused as a mistake where it is one value, before it is sent, and nothing of it is stored", async () => {
    const { storer, keys } = await opened();
    const [fits, tooLong] = ["x".repeat(1_000_000), "x".repeat(1_600_000)];
    await storer.saveSession("fits", { data: fits, expiresAt: at(1000) });
    expect((await storer.loadSession("fits", at(0)))?.data).toBe(fits);
    const before = await keys();
    await expect(storer.saveSession("key", { data: tooLong, expiresAt: at(1000) })).rejects.toThrow(RangeError);
    await expect(storer.createUser(aUser("ann", { profile: { about: tooLong } }))).rejects.toThrow(RangeError);
    expect(await keys()).toEqual(before);
    expect(await storer.createUser(aUser("ann"))).toBe(true);
  });

  it("is never asked of it, whatever a user has: 510 sign-ins, 150 remembered and trusted browsers, 110 identities", async () => {
    const { storer, keys } = await opened();
    await storer.createUser(aUser("ann"));
    const agent = "x".repeat(2000);
    await forEach(510, (id) => storer.createSignIn(`key-${id}`, aSignIn("ann", { id, userAgent: agent })));
    await forEach(150, (selector) => storer.addRememberSeries(aSeries("ann", { selector })));
    await forEach(150, (id) => storer.addTrustedBrowser(aTrusted("ann", { id, keyHash: id })));
    await forEach(110, (subject) => storer.linkIdentity("pid-ann", 0, anIdentity("ann", { subject })));
    expect(await storer.listSignIns("pid-ann", at(0))).toHaveLength(100);
    expect(await storer.listIdentities("pid-ann")).toHaveLength(100);
    expect(await storer.endSignIns("pid-ann", "key-250")).toBe(509);
    expect(await storer.listSignIns("pid-ann", at(0))).toMatchObject([{ id: "250" }]);
    expect(await storer.endRememberSeriesOf("pid-ann", "7")).toBe(149);
    expect(await storer.removeUser("pid-ann")).toBe(true);
    expect(await storer.sweep(at(9000), 5000)).toBe(0);
    // What no note removes, since it has no end: leads that lead to nothing, and so are nobody's.
    const left = await keys();
    expect(left.every((key) => key.startsWith("identity/"))).toBe(true);
    expect(left).toHaveLength(10);
    await storer.createUser(aUser("bob"));
    expect(await storer.linkIdentity("pid-bob", 0, anIdentity("ann", { subject: "99" }))).toBe(true);
  });
});

describe.skipIf(withoutEtcd)("a row that ends", () => {
  it("ends by the caller's clock alone: etcd, which has one of its own, is told of no end", async () => {
    const prefix = newPrefix();
    const { storer } = await opened(prefix);
    const shift = Date.UTC(2001, 0, 1) - at(0).getTime();
    await fill(storer, "ann", shift);
    for (const [key, { lease }] of await rowsIn(server, prefix)) expect(lease, key).toBe("0");
    const now = at(shift + 999);
    expect(await storer.sweep(now, 100)).toBe(0);
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

  it("leaves nothing behind when it is swept: no lead and no note, of whatever was done with it before", async () => {
    const { storer, keys } = await opened();
    await fill(storer);
    await storer.touchSignIn("key-ann", at(1), at(1500));
    await storer.replaceSignIn("key-ann", { key: "next", level: "full", factors: [], epoch: 0 }, at(1));
    await storer.createChallenge(aChallenge("ann", { id: "newer", expiresAt: at(3000) }));
    await storer.startConfirmation(aLink("ann", { selector: "newer", expiresAt: at(2500) }));
    await storer.touchSession("session-ann", at(4000));
    await storer.createSignIn("ended", aSignIn("ann", { id: "ended" }));
    await storer.endSignInOf("pid-ann", "ended");
    await storer.forgetUses("count-ann");
    await storer.takeFlow("flow-ann", "browser", "callback/demo", at(0));
    await storer.startFlow(aFlow("ann", { expiresAt: at(1) }));
    await storer.queueMail(aMail("ann"));
    await storer.postponeMail("mail-ann", at(77));
    await storer.claimMails(at(78), at(79), 1);
    await storer.removeMail("mail-ann");
    // Half of it first, so that what was given more time is looked at twice.
    await storer.sweep(at(1200), 100);
    expect(await storer.findSignIn("next", at(1200))).not.toBeNull();
    expect(await storer.loadSession("session-ann", at(1200))).not.toBeNull();
    await storer.sweep(at(9000), 100);
    expect((await keys()).sort()).toEqual(["login/ann", "user/pid-ann"]);
    expect(await storer.removeUser("pid-ann")).toBe(true);
    expect(await keys()).toEqual([]);
  });

  it("is swept in portions, each no larger than asked for, by two processes at once too: each row is counted once", async () => {
    const prefix = newPrefix();
    const [{ storer: one }, { storer: other }] = [await opened(prefix), await opened(prefix)];
    await forEach(200, (index) => one.saveSession(`session-${index}`, { data: "{}", expiresAt: at(Number(index)) }));
    expect(await one.sweep(at(49), 30)).toBe(30);
    expect(await one.sweep(at(49), 30)).toBe(20);
    const swept = await Promise.all([one.sweep(at(500), 500), other.sweep(at(500), 500)]);
    expect(swept[0] + swept[1]).toBe(150);
    expect([...(await rowsIn(server, prefix)).keys()]).toEqual([]);
  });
});

describe.skipIf(withoutEtcd)("removing a user", () => {
  it("takes all that belongs to them, frees login and identities, and leaves others alone", async () => {
    const { storer, keys } = await opened();
    for (const name of ["ann", "bob"]) {
      await fill(storer, name);
      await storer.linkIdentity(`pid-${name}`, 0, anIdentity(name));
    }
    expect(await storer.removeUser("pid-ann")).toBe(true);
    expect(await storer.removeUser("pid-ann")).toBe(false);
    const rows = (await keys()).filter(
      (key) => !/^(due|sign-in|challenge|link|series|trusted-key|trusted-id|count|session|flow)\//.test(key),
    );
    expect(rows.filter((key) => key.includes("ann"))).toEqual([]);
    expect(rows.filter((key) => key.includes("bob")).length).toBeGreaterThan(8);
    expect(await storer.findSignIn("key-bob", at(0))).not.toBeNull();
    expect(await storer.createUserWithIdentity(aUser("ann2", { login: "ann" }), anIdentity("ann"))).toBe(true);
    // Another user under the same pid has none of it.
    await storer.createUser(aUser("ann3", { pid: "pid-ann" }));
    expect(await storer.findSignIn("key-ann", at(0))).toBeNull();
    expect(await storer.findChallenge("challenge-ann", "session-ann", at(0))).toBeNull();
    expect(await storer.finishRecovery(aLink("ann", { selector: "recover-ann" }), "hash", at(0))).toBeNull();
    expect(await storer.rotateRememberSeries(aSeries("ann"), "next", seconds(1), at(0))).toBeNull();
    expect(await storer.findTrustedBrowser("pid-ann", "key-ann", at(0))).toBeNull();
  });
});

describe.skipIf(withoutEtcd)("while etcd's history is compacted", () => {
  it("lists of several pages and decisions go on as if nothing were", async () => {
    const storer = await openStorer(server);
    await storer.createUser(aUser("ann"));
    await forEach(510, (id) => storer.createSignIn(`key-${id}`, aSignIn("ann", { id, seenAt: at(Number(id)) })));
    let isOver = false;
    const compact = async () => {
      while (!isOver) {
        const { header } = await server.call("/v3/kv/range", { key: "AA==" });
        const { revision } = header as { revision: string }; // as etcd documents it
        await server.call("/v3/kv/compaction", { revision, physical: true }).catch((error: unknown) => {
          if (!/has been compacted/.test(String(error))) throw error;
        });
      }
    };
    const work = async () => {
      for (let round = 0; round < 5; round += 1) {
        expect((await storer.listSignIns("pid-ann", at(0)))[0]?.id).toBe("509");
        expect((await storer.countUse("key", 100, 1000, at(0))).admitted).toBe(true);
        expect(await storer.advanceEpoch("pid-nobody")).toBeNull();
      }
      isOver = true;
    };
    await Promise.all([compact(), work()]);
  });
});
