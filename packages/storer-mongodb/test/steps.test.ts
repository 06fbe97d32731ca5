/** Operations of several commands, cut off before and after each of them: what a killed process leaves behind is all of it, or nothing that anybody could use. */
import { seconds } from "@castellan/core";
import { type MongoStorer, mongodb } from "@castellan/storer-mongodb";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aChallenge, aLink, anIdentity, aPolicy, aSeries, aSignIn, aTrusted, at, aUser } from "../../../test/support/sample-rows.ts";
import { type Fate, type MongoServer, startMongo } from "./support/mongo-server.ts";

/** More commands than any operation has. */
const MOST = 12;

let server: MongoServer;
let client: MongoClient;
beforeAll(async () => {
  server = await startMongo();
  client = new MongoClient(server.uri);
});
afterAll(async () => {
  await client.close();
  await server.end();
});

let databases = 0;

/** Runs `work` in a process whose command number `count` (from 0) gets `fate`, and of which nothing arrives after that. Answers whether it came so far. */
async function cutAt(count: number, fate: Fate, database: string, work: (storer: MongoStorer) => Promise<unknown>): Promise<boolean> {
  const doomed = new MongoClient(server.uri);
  const storer = await mongodb({ client: doomed, database });
  await storer.ready();
  let seen = 0;
  server.fate = () => {
    seen += 1;
    if (seen <= count) return "run";
    return seen === count + 1 ? fate : "lose";
  };
  await work(storer).catch(() => null);
  server.fate = () => "run";
  await doomed.close();
  return seen > count;
}

/** Runs `operation` in a process that is killed at its first, second, third … command, each time in a fresh database, until it is whole; looks then from another process. Answers how many commands it took. */
async function cutEverywhere(
  prepare: (storer: MongoStorer) => Promise<unknown>,
  operation: (storer: MongoStorer) => Promise<unknown>,
  look: (storer: MongoStorer, wasCut: boolean) => Promise<void>,
): Promise<number> {
  for (let count = 0; count <= MOST; count += 1) {
    let wasCut = false;
    for (const fate of ["lose", "lose answer"] as const) {
      databases += 1;
      const database = `steps-${databases}`;
      const storer = await mongodb({ client, database });
      await prepare(storer);
      wasCut = await cutAt(count, fate, database, operation);
      await look(storer, wasCut);
    }
    if (!wasCut) return count;
  }
  throw new Error(`the operation has more than ${MOST} commands`);
}

const ann = (storer: MongoStorer) => storer.createUser(aUser("ann"));
const annSignedIn = async (storer: MongoStorer) => {
  await ann(storer);
  await storer.createSignIn("key", aSignIn("ann"));
};

describe("a process that is killed in the middle", () => {
  it("of making a user with an identity has made both, or neither", async () => {
    const commands = await cutEverywhere(
      async () => {},
      (storer) => storer.createUserWithIdentity(aUser("ann"), anIdentity("ann")),
      async (storer) => {
        const user = await storer.load("pid-ann");
        expect(await storer.findByLogin("ann")).toEqual(user);
        const identity = await storer.findIdentity("https://id.example", "ann");
        expect(identity?.pid).toBe(user?.pid);
        expect(await storer.createUser(aUser("bob", { login: "ann" }))).toBe(user === null);
      },
    );
    expect(commands).toBe(1);
  });

  it("of removing a user leaves the whole user, one whose sign-ins have ended, or nothing and a login that is free", async () => {
    await cutEverywhere(
      async (storer) => {
        await annSignedIn(storer);
        await storer.addRememberSeries(aSeries("ann"));
        await storer.startRecovery([aLink("ann")]);
      },
      (storer) => storer.removeUser("pid-ann"),
      async (storer) => {
        const user = await storer.load("pid-ann");
        expect(await storer.findByLogin("ann")).toEqual(user);
        const isAlive = user?.epoch === 0;
        expect((await storer.findSignIn("key", at(0))) !== null).toBe(isAlive);
        expect((await storer.findRecovery(aLink("ann"), at(0))) !== null).toBe(isAlive);
        expect((await storer.rotateRememberSeries(aSeries("ann"), "next", seconds(1), at(0))) !== null).toBe(isAlive);
        // Whoever cleans up comes again.
        expect(await storer.removeUser("pid-ann")).toBe(user !== null);
        // And one who comes later has nothing of theirs.
        expect(await ann(storer)).toBe(true);
        expect(await storer.listSignIns("pid-ann", at(0))).toEqual([]);
        expect(await storer.findRecovery(aLink("ann"), at(0))).toBeNull();
        expect(await storer.addRememberSeries(aSeries("ann"))).toBe(true);
      },
    );
  });

  it("of signing in has signed in or not, and can do so again under another key", async () => {
    await cutEverywhere(
      ann,
      (storer) => storer.createSignIn("key", aSignIn("ann")),
      async (storer) => {
        const found = await storer.findSignIn("key", at(0));
        expect(await storer.listSignIns("pid-ann", at(0))).toHaveLength(found ? 1 : 0);
        expect(await storer.createSignIn("next", aSignIn("ann", { id: "next" }))).toBe(true);
      },
    );
  });

  it("of giving a sign-in a new key leaves it under the old one or under the new, never under both and never under none", async () => {
    const next = { key: "next", level: "full", factors: [], epoch: 0 } as const;
    await cutEverywhere(
      annSignedIn,
      (storer) => storer.replaceSignIn("key", next, at(0)),
      async (storer) => {
        const found = [await storer.findSignIn("key", at(0)), await storer.findSignIn("next", at(0))];
        expect(found.filter(Boolean)).toHaveLength(1);
      },
    );
  });

  it.each([
    ["a new password", (storer: MongoStorer) => storer.changePasswordHash("pid-ann", 0, "new")],
    ["a link to a new password", (storer: MongoStorer) => storer.finishRecovery(aLink("ann"), "new", at(0))],
    ["disabling", (storer: MongoStorer) => storer.disableUser("pid-ann", at(0))],
    ["a second factor", (storer: MongoStorer) => storer.enableSms("pid-ann", 0, "+41791234567", ["code"])],
  ])("of %s has done all of it and ended everything, or none of it and ended nothing", async (_, change) => {
    await cutEverywhere(
      async (storer) => {
        await annSignedIn(storer);
        await storer.startRecovery([aLink("ann")]);
        await storer.addTrustedBrowser(aTrusted("ann"));
        await storer.addOneTimePassword("pid-ann", 0, "hash", 5);
      },
      change,
      async (storer) => {
        const user = await storer.load("pid-ann");
        const isChanged = user?.epoch === 1;
        expect(user?.passwordHash === "new" || user?.disabledAt !== null || user?.smsNumber !== null).toBe(isChanged);
        expect(await storer.countRecoveryCodes("pid-ann")).toBe(user?.smsNumber === null ? 0 : 1);
        expect((await storer.findSignIn("key", at(0))) === null).toBe(isChanged);
        expect((await storer.findRecovery(aLink("ann"), at(0))) === null).toBe(isChanged);
        expect((await storer.findTrustedBrowser("pid-ann", "key-ann", at(0))) === null).toBe(isChanged);
        expect(await storer.countOneTimePasswords("pid-ann")).toBe(isChanged ? 0 : 1);
      },
    );
  });

  it("of mailing a link has made it, or left the older one alive", async () => {
    const [older, newer] = [aLink("ann"), aLink("ann", { selector: "newer" })];
    await cutEverywhere(
      async (storer) => {
        await ann(storer);
        await storer.startConfirmation(older);
      },
      (storer) => storer.startConfirmation(newer),
      async (storer) => {
        const spent = [await storer.finishConfirmation(newer, at(0)), await storer.finishConfirmation(older, at(0))];
        expect(spent.filter(Boolean)).toHaveLength(1);
      },
    );
  });

  it("of making a challenge has made it, or left the older one alive", async () => {
    const newer = aChallenge("ann", { id: "newer" });
    await cutEverywhere(
      async (storer) => {
        await ann(storer);
        await storer.createChallenge(aChallenge("ann"));
      },
      (storer) => storer.createChallenge(newer),
      async (storer) => {
        const found = [
          await storer.consumeChallenge(newer.id, newer.sessionKey, at(0)),
          await storer.consumeChallenge("challenge-ann", newer.sessionKey, at(0)),
        ];
        expect(found.filter(Boolean)).toHaveLength(1);
      },
    );
  });

  it("of taking a try has spent at most that one", async () => {
    await cutEverywhere(
      async (storer) => {
        await ann(storer);
        await storer.createChallenge(aChallenge("ann"));
      },
      (storer) => storer.admitTry("challenge-ann", "session-ann", at(0)),
      async (storer) => {
        expect([2, 3]).toContain((await storer.findChallenge("challenge-ann", "session-ann", at(0)))?.triesLeft);
      },
    );
  });

  it("of the attempt that locks leaves a lock that runs, or room for nobody: the next one is told", async () => {
    await cutEverywhere(
      async (storer) => {
        await ann(storer);
        await storer.admitAttempt("pid:pid-ann", aPolicy, at(0));
      },
      (storer) => storer.admitAttempt("pid:pid-ann", aPolicy, at(0)),
      async (storer) => {
        const isLocked = (await storer.load("pid-ann"))?.lockedUntil !== null;
        expect(await storer.admitAttempt("pid:pid-ann", aPolicy, at(0))).toMatchObject({ admitted: false, lockedNow: !isLocked });
      },
    );
  });

  it("of rotating a remembered browser's secret leaves the old one or the new one good, and the other in grace or no thief's", async () => {
    await cutEverywhere(
      async (storer) => {
        await ann(storer);
        await storer.addRememberSeries(aSeries("ann"));
      },
      (storer) => storer.rotateRememberSeries(aSeries("ann"), "next", seconds(1), at(0)),
      async (storer) => {
        // The browser has the old one if the answer was lost.
        const rotation = await storer.rotateRememberSeries(aSeries("ann"), "other", seconds(1), at(0));
        expect(["rotated", "grace"]).toContain(rotation?.kind);
      },
    );
  });
});
