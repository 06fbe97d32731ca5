/** Operations of several steps, cut off after each of them: what a killed process leaves behind is all of it, or nothing that anybody could use. */
import { seconds } from "@castellan/core";
import { type IoRedisClient, type RedisStorer, redis } from "@castellan/storer-redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aChallenge, aLink, anIdentity, aSeries, aSignIn, aTrusted, at, aUser, newPrefix } from "./support/rows.ts";
import { newServer, type RedisServer, withoutRedis } from "./support/servers.ts";

/** More steps than any operation has. */
const MOST = 12;

let server: RedisServer;
let connection: Redis;
beforeAll(async () => {
  if (withoutRedis) return;
  server = await newServer();
  connection = new Redis(server.uri);
});
afterAll(async () => {
  connection?.disconnect();
  await server?.end();
});

/** A client whose process is killed after so many commands: nothing that it sends from then on arrives. */
function cutAfter(count: number): IoRedisClient & { readonly wasCut: () => boolean } {
  let left = count;
  let cut = false;
  return {
    wasCut: () => cut,
    async call(command, ...args) {
      if (left <= 0) {
        cut = true;
        throw new Error("killed");
      }
      left -= 1;
      return connection.call(command, ...args);
    },
  };
}

/**
 * Runs `operation` in a process that is killed after 0, 1, 2, … commands, each time in a fresh prefix, until it is whole; looks then from another process.
 * Answers how many commands it took.
 */
async function cutEverywhere(
  prepare: (storer: RedisStorer) => Promise<unknown>,
  operation: (storer: RedisStorer) => Promise<unknown>,
  look: (storer: RedisStorer, wasCut: boolean) => Promise<void>,
): Promise<number> {
  for (let count = 0; count <= MOST; count += 1) {
    const prefix = newPrefix();
    const [before, after] = [await redis({ client: connection, prefix }), await redis({ client: connection, prefix })];
    // The scripts are known to the server from here on, so that each is one command.
    const rehearsal = await redis({ client: connection, prefix: newPrefix() });
    await prepare(rehearsal);
    await operation(rehearsal);
    await prepare(before);
    const client = cutAfter(count);
    await operation(await redis({ client, prefix })).catch(() => null);
    await look(after, client.wasCut());
    if (!client.wasCut()) return count;
  }
  throw new Error(`the operation has more than ${MOST} steps`);
}

const ann = (storer: RedisStorer) => storer.createUser(aUser("ann"));

describe.skipIf(withoutRedis)("a process that is killed in the middle", () => {
  it("of making a user has made them, by pid and by login, or nobody; and never holds a login that nobody has", async () => {
    const steps = await cutEverywhere(
      async () => {},
      ann,
      async (storer) => {
        const user = await storer.load("pid-ann");
        expect(await storer.findByLogin("ann")).toEqual(user);
        expect(await storer.createUser(aUser("bob", { login: "ann" }))).toBe(user === null);
        expect((await storer.findByLogin("ann"))?.pid).toBe(user ? "pid-ann" : "pid-bob");
        expect((await storer.load("pid-ann")) === null).toBe(user === null);
      },
    );
    expect(steps).toBe(3);
  });

  it("of making a user is settled the same way whoever asks first: by login, by pid, or by wanting the login", async () => {
    for (const first of ["login", "pid", "wanting"]) {
      await cutEverywhere(
        async () => {},
        ann,
        async (storer) => {
          const seen = {
            login: async () => (await storer.findByLogin("ann")) !== null,
            pid: async () => (await storer.load("pid-ann")) !== null,
            wanting: async () => !(await storer.createUser(aUser("bob", { login: "ann" }))),
          };
          const made = first === "login" ? await seen.login() : first === "pid" ? await seen.pid() : await seen.wanting();
          expect(await seen.pid(), first).toBe(made);
          if (first !== "wanting") expect(await seen.login(), first).toBe(made);
        },
      );
    }
  });

  it("of making a user with an identity has made both or neither, the same for whoever asks first, and holds no login and no identity that nobody has", async () => {
    const [login, identity] = ["ann", anIdentity("ann")];
    const isAnn = (found: { readonly pid: string } | null) => found?.pid === "pid-ann";
    const reads = {
      login: async (storer: RedisStorer) => isAnn(await storer.findByLogin(login)),
      pid: async (storer: RedisStorer) => isAnn(await storer.load("pid-ann")),
      identity: async (storer: RedisStorer) => isAnn(await storer.findIdentity(identity.issuer, identity.subject)),
    };
    const wants = {
      "wanting the login": async (storer: RedisStorer) => !(await storer.createUser(aUser("bob", { login }))),
      "wanting the identity": async (storer: RedisStorer) => !(await storer.createUserWithIdentity(aUser("cat"), identity)),
      "linking the identity": async (storer: RedisStorer) => !(await storer.linkIdentity("pid-dan", 0, identity)),
    };
    for (const [first, look] of Object.entries({ ...reads, ...wants })) {
      const steps = await cutEverywhere(
        (storer) => storer.createUser(aUser("dan")),
        (storer) => storer.createUserWithIdentity(aUser("ann"), identity),
        async (storer) => {
          const answer = await look(storer);
          const isMade = await reads.login(storer);
          // An identity that is not claimed yet is nobody's, until somebody who meets the login goes on.
          if (first !== "identity" || answer) expect(answer, first).toBe(isMade);
          for (const [next, read] of Object.entries(reads)) expect(await read(storer), `${first}, ${next}`).toBe(isMade);
          expect((await storer.listIdentities("pid-ann")).length).toBe(isMade ? 1 : 0);
          if (!isMade) return;
          for (const [next, want] of Object.entries(wants)) expect(await want(storer), `${first}, ${next}`).toBe(true);
        },
      );
      expect(steps).toBe(5);
    }
  });

  it("of linking an identity has linked it, or anybody can", async () => {
    await cutEverywhere(
      async (storer) => {
        await ann(storer);
        await storer.createUser(aUser("bob"));
      },
      (storer) => storer.linkIdentity("pid-ann", 0, anIdentity("ann")),
      async (storer) => {
        const isLinked = (await storer.findIdentity("https://id.example", "ann")) !== null;
        expect(await storer.listIdentities("pid-ann")).toHaveLength(isLinked ? 1 : 0);
        expect(await storer.linkIdentity("pid-bob", 0, anIdentity("ann"))).toBe(!isLinked);
      },
    );
  });

  it("of linking an identity has not linked it where the user's epoch has advanced since", async () => {
    let claimed = 0;
    await cutEverywhere(
      ann,
      (storer) => storer.linkIdentity("pid-ann", 0, anIdentity("ann")),
      async (storer, wasCut) => {
        if (!wasCut) return;
        const before = (await storer.listIdentities("pid-ann")).length;
        await storer.advanceEpoch("pid-ann");
        expect((await storer.findIdentity("https://id.example", "ann")) === null).toBe(before === 0);
        if (before === 0) claimed += 1;
        expect(await storer.linkIdentity("pid-ann", 1, anIdentity("ann"))).toBe(before === 0);
      },
    );
    expect(claimed).toBe(4);
  });

  it.each([
    ["unlinking an identity", (storer: RedisStorer) => storer.unlinkIdentity("pid-ann", 0, "https://id.example", "ann", true)],
    ["removing a user who has one", (storer: RedisStorer) => storer.removeUser("pid-ann")],
  ])("of %s leaves the identity with its user, or free", async (_, end) => {
    await cutEverywhere(
      async (storer) => {
        await ann(storer);
        await storer.createUser(aUser("bob"));
        await storer.linkIdentity("pid-ann", 0, anIdentity("ann"));
      },
      end,
      async (storer) => {
        const isLinked = (await storer.findIdentity("https://id.example", "ann")) !== null;
        expect(await storer.listIdentities("pid-ann")).toHaveLength(isLinked ? 1 : 0);
        expect(await storer.linkIdentity("pid-bob", 0, anIdentity("ann"))).toBe(!isLinked);
      },
    );
  });

  it("of removing a user leaves a login that is free, or the whole user", async () => {
    await cutEverywhere(
      ann,
      (storer) => storer.removeUser("pid-ann"),
      async (storer) => {
        const user = await storer.load("pid-ann");
        expect(await storer.findByLogin("ann")).toEqual(user);
        expect(await storer.createUser(aUser("bob", { login: "ann" }))).toBe(user === null);
      },
    );
  });

  it("of signing in has signed in or not, and can do so again under another key", async () => {
    await cutEverywhere(
      ann,
      (storer) => storer.createSignIn("key", aSignIn("ann")),
      async (storer, wasCut) => {
        const found = await storer.findSignIn("key", at(0));
        expect(await storer.listSignIns("pid-ann", at(0))).toHaveLength(found ? 1 : 0);
        if (!wasCut) expect(found).not.toBeNull();
        expect(await storer.createSignIn("next", aSignIn("ann", { id: "next" }))).toBe(true);
      },
    );
  });

  it("of giving a sign-in a new key leaves it under the old one or under the new, never under both and never under none", async () => {
    const next = { key: "next", level: "full", factors: [], epoch: 0 } as const;
    await cutEverywhere(
      async (storer) => {
        await ann(storer);
        await storer.createSignIn("key", aSignIn("ann"));
      },
      (storer) => storer.replaceSignIn("key", next, at(0)),
      async (storer) => {
        const found = [await storer.findSignIn("key", at(0)), await storer.findSignIn("next", at(0))];
        expect(found.filter(Boolean)).toHaveLength(1);
        expect(await storer.endSignIns("pid-ann", null)).toBe(1);
        for (const key of ["key", "next"]) expect(await storer.findSignIn(key, at(0))).toBeNull();
      },
    );
  });

  it.each([
    ["one sign-in", (storer: RedisStorer) => storer.endSignIn("key")],
    ["one sign-in by its id", (storer: RedisStorer) => storer.endSignInOf("pid-ann", "sign-in-ann")],
    ["all sign-ins", (storer: RedisStorer) => storer.endSignIns("pid-ann", null)],
    ["one that has expired", (storer: RedisStorer) => storer.takeExpiredSignIn("key", at(5000))],
  ])("of ending %s has ended it or not: nothing in between, and nothing comes back", async (_, end) => {
    await cutEverywhere(
      async (storer) => {
        await ann(storer);
        await storer.createSignIn("key", aSignIn("ann"));
      },
      end,
      async (storer) => {
        const found = await storer.findSignIn("key", at(0));
        expect(await storer.listSignIns("pid-ann", at(0))).toHaveLength(found ? 1 : 0);
        await storer.touchSignIn("key", at(1), at(900));
        expect((await storer.findSignIn("key", at(0))) === null).toBe(found === null);
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

  it("of taking a challenge or a try has spent at most that", async () => {
    await cutEverywhere(
      async (storer) => {
        await ann(storer);
        await storer.createChallenge(aChallenge("ann"));
      },
      (storer) => storer.admitTry("challenge-ann", "session-ann", at(0)),
      async (storer) => {
        const left = (await storer.findChallenge("challenge-ann", "session-ann", at(0)))?.triesLeft;
        expect([2, 3]).toContain(left);
      },
    );
  });

  it("of remembering a browser has done so, or can do so again", async () => {
    await cutEverywhere(
      ann,
      (storer) => storer.addRememberSeries(aSeries("ann")),
      async (storer) => {
        const rotation = await storer.rotateRememberSeries(aSeries("ann"), "next", seconds(1), at(0));
        expect(await storer.addRememberSeries(aSeries("ann"))).toBe(rotation === null);
      },
    );
  });

  it("of trusting a browser has done so, or can trust another one", async () => {
    await cutEverywhere(
      ann,
      (storer) => storer.addTrustedBrowser(aTrusted("ann")),
      async (storer, wasCut) => {
        const trusted = await storer.findTrustedBrowser("pid-ann", "key-ann", at(0));
        if (!wasCut) expect(trusted).not.toBeNull();
        expect(await storer.listTrustedBrowsers("pid-ann", at(0))).toHaveLength(trusted ? 1 : 0);
        expect(await storer.addTrustedBrowser(aTrusted("ann", { id: "other", keyHash: "other" }))).toBe(true);
      },
    );
  });
});
