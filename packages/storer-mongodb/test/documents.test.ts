/** What is sent and what lies in the database: values as data, every command with its concerns, every document gone by itself at last. */
import { type MongoStorer, mongodb } from "@castellan/storer-mongodb";
import { MongoClient } from "mongodb";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  aChallenge,
  aFlow,
  aLink,
  anIdentity,
  aPolicy,
  aSeries,
  aSignIn,
  aTotp,
  aTrusted,
  at,
  aUser,
} from "../../../test/support/sample-rows.ts";
import { INDEXES } from "../src/indexes.ts";
import { type MongoServer, startMongo } from "./support/mongo-server.ts";

let server: MongoServer;
let storer: MongoStorer;
let client: MongoClient;
beforeAll(async () => {
  server = await startMongo();
  client = new MongoClient(server.uri);
});
beforeEach(async () => {
  await client.db().dropDatabase();
  storer = await mongodb({ client, database: "castellan" });
  await storer.ready();
  server.commands.length = 0;
});
afterAll(async () => {
  await client.close();
  await server.end();
});

/** Texts that would be something else to a careless query. */
const ODD = [
  "$where",
  "$gt",
  "a.b",
  "a\u0000b",
  "__proto__",
  "constructor",
  "$[]",
  "$$ROOT",
  "",
  "_id",
  "toString",
  " ",
  "ann\u0000",
  "{$gt:''}",
];

describe("a value is data", () => {
  it("as a name or a value in the application's part of a user", async () => {
    const profile = Object.fromEntries(ODD.map((name) => [name, name]));
    await storer.createUser(aUser("ann", { profile }));
    const user = await storer.load("pid-ann");
    expect(Object.entries(user?.profile ?? {})).toEqual(Object.entries(profile));
    expect(Object.getPrototypeOf(user?.profile)).toBe(Object.prototype);
  });

  it("as a login, a pid, a key, a code, a subject: each is itself and no other", async () => {
    for (const text of ODD) {
      expect(await storer.createUser(aUser("x", { pid: text, login: text, passwordHash: text })), text).toBe(true);
      expect(await storer.replaceRecoveryCodes(text, 0, ODD)).toBe(true);
      expect(await storer.createSignIn(text, aSignIn("x", { pid: text, id: text, userAgent: text }))).toBe(true);
      await storer.saveSession(text, { data: text, expiresAt: at(1000) });
      expect(await storer.linkIdentity(text, 0, { ...anIdentity("x"), subject: text, tokens: text })).toBe(true);
      expect(await storer.admitAttempt(text, aPolicy, at(0))).toEqual({ admitted: true });
      expect(await storer.countUse(text, 1, 1000, at(0))).toMatchObject({ admitted: true });
    }
    for (const text of ODD) {
      expect(await storer.findByLogin(text), text).toMatchObject({ pid: text, login: text, passwordHash: text });
      expect(await storer.consumeRecoveryCode(text, text)).toBe(ODD.length - 1);
      expect(await storer.findSignIn(text, at(0))).toMatchObject({ user: { pid: text }, signIn: { id: text, userAgent: text } });
      expect(await storer.loadSession(text, at(0))).toMatchObject({ data: text });
      expect(await storer.findIdentity(anIdentity("x").issuer, text)).toMatchObject({ pid: text, tokens: text });
      expect(await storer.replaceTokens(text, anIdentity("x").issuer, text, text, "$unset")).toBe(true);
      expect(await storer.changePasswordHash(text, 0, "$passwordHash")).toBe(1);
      expect((await storer.load(text))?.passwordHash).toBe("$passwordHash");
    }
  });

  it.each([
    [{ $ne: 1 }],
    [{ $gt: "" }],
    [undefined],
    [new Date(0)],
    [true],
    [7],
    [["pid-ann"]],
    [/./],
    [new Uint8Array(2)],
    [() => 1],
    [Symbol("x")],
  ])("or it is refused, and neither asked for nor stored: %s", async (value) => {
    await storer.createUser(aUser("ann"));
    server.commands.length = 0;
    // As plain JavaScript might: no compiler has looked at it.
    const wrong = value as unknown as string;
    const calls = [
      storer.load(wrong),
      storer.findByLogin(wrong),
      storer.createUser(aUser("bob", { email: wrong })),
      storer.createUser(aUser("bob", { profile: { name: wrong } })),
      storer.changePasswordHash("pid-ann", 0, wrong),
      storer.upgradePasswordHash("pid-ann", wrong, "new"),
      storer.findSignIn(wrong, at(0)),
      storer.endSignIns("pid-ann", wrong),
      storer.endSignIns(wrong, null),
      storer.endRememberSeriesOf("pid-ann", wrong),
      storer.endChallengesOf("pid-ann", wrong),
      storer.findChallenge(wrong, "session-ann", at(0)),
      storer.createSignIn("key", aSignIn("ann", { userAgent: wrong })),
      storer.consumeRecoveryCode("pid-ann", wrong),
      storer.consumeOneTimePassword("pid-ann", wrong),
      storer.findIdentity(wrong, "subject"),
      storer.findRecovery({ selector: wrong, verifierHash: "hash" }, at(0)),
      storer.findRecovery({ selector: "selector", verifierHash: wrong }, at(0)),
      storer.takeFlow(wrong, "browser", "purpose", at(0)),
      storer.admitAttempt(wrong, aPolicy, at(0)),
      storer.countUse(wrong, 1, 1, at(0)),
      storer.loadSession(wrong, at(0)),
      storer.destroySession(wrong),
      storer.removeMail(wrong),
      storer.findTrustedBrowser("pid-ann", wrong, at(0)),
    ];
    for (const call of calls) await expect(call).rejects.toThrow(TypeError);
    expect(server.commands).toEqual([]);
  });

  it("that is text with half a character is refused: it would be another text on its way back", async () => {
    await expect(storer.createUser(aUser("ann", { login: "ann\ud800" }))).rejects.toThrow(TypeError);
  });
});

/** One or two of every kind of write and look-up. */
async function everything(): Promise<void> {
  await storer.createUser(aUser("ann"));
  await storer.createSignIn("key", aSignIn("ann"));
  await storer.findSignIn("key", at(0));
  await storer.listSignIns("pid-ann", at(0));
  await storer.touchSignIn("key", at(1), at(900));
  await storer.createChallenge(aChallenge("ann"));
  await storer.admitTry("challenge-ann", "session-ann", at(0));
  await storer.startRecovery([aLink("ann")]);
  await storer.startConfirmation(aLink("ann", { selector: "confirm" }));
  await storer.admitAttempt("pid:pid-ann", aPolicy, at(0));
  await storer.admitAttempt("nobody", aPolicy, at(0));
  await storer.countUse("key", 1, 1000, at(0));
  await storer.addRememberSeries(aSeries("ann"));
  await storer.addTrustedBrowser(aTrusted("ann"));
  await storer.startFlow(aFlow("ann"));
  await storer.saveSession("key", { data: "{}", expiresAt: at(1000) });
  await storer.queueMail({ id: "mail", payload: "sealed", createdAt: at(0), dueAt: at(0) });
  await storer.claimMails(at(0), at(1), 5);
  await storer.linkIdentity("pid-ann", 0, anIdentity("ann"));
  await storer.enableTotp("pid-ann", 0, aTotp, ["code"]);
}

describe("every command", () => {
  it("that writes waits for the journals of a majority, and every other one asks the primary for what it has", async () => {
    // Whatever the address says.
    const weak = new MongoClient(`${server.uri}?w=1&journal=false&readConcernLevel=available&readPreference=secondaryPreferred`);
    storer = await mongodb({ client: weak, database: "castellan" });
    await everything();
    await weak.close();
    const seen = new Set<string>();
    for (const command of server.commands) {
      const [name = ""] = Object.keys(command);
      if (name === "buildInfo") continue;
      seen.add(name);
      if (name === "find" || name === "aggregate") expect(command["readConcern"], name).toMatchObject({ level: "local" });
      else expect(command["writeConcern"], name).toMatchObject({ w: "majority", j: true });
      // A primary that is asked directly is told nothing, or to be one.
      expect([undefined, "primary", "primaryPreferred"]).toContain((command["$readPreference"] as { mode?: string } | undefined)?.mode);
    }
    expect([...seen].sort()).toEqual(["aggregate", "createIndexes", "find", "findAndModify", "insert", "update"]);
  });

  it("of a storer with a prefix goes to its collections only", async () => {
    storer = await mongodb({ client, database: "castellan", prefix: "other" });
    await everything();
    expect(server.documentsOf("castellan_users")).toEqual([]);
    expect(server.documentsOf("other_users")).toHaveLength(1);
    const names = server.collections.filter((name) => !name.startsWith("castellan_"));
    expect(names.every((name) => name.startsWith("other_"))).toBe(true);
    expect(names).toHaveLength(Object.keys(INDEXES).length);
  });
});

describe("a write that no majority has yet", () => {
  it("makes every operation fail that writes: it may be taken back", async () => {
    await everything();
    server.fate = () => "doubt";
    const writes: readonly (readonly [name: string, call: () => unknown])[] = [
      ["createUser", () => storer.createUser(aUser("bob"))],
      ["createUserWithIdentity", () => storer.createUserWithIdentity(aUser("cat"), anIdentity("cat"))],
      ["advanceEpoch", () => storer.advanceEpoch("pid-ann")],
      ["setPasswordHash", () => storer.setPasswordHash("pid-ann", "new")],
      ["disableUser", () => storer.disableUser("pid-ann", at(0))],
      ["endSignIn", () => storer.endSignIn("key")],
      ["endSignIns", () => storer.endSignIns("pid-ann", null)],
      ["createChallenge", () => storer.createChallenge(aChallenge("ann", { purpose: "other" }))],
      ["consumeChallenge", () => storer.consumeChallenge("challenge-ann", "session-ann", at(0))],
      ["startRecovery", () => storer.startRecovery([aLink("bob")])],
      ["admitAttempt", () => storer.admitAttempt("somebody", aPolicy, at(0))],
      ["countUse", () => storer.countUse("other", 1, 1000, at(0))],
      ["consumeRecoveryCode", () => storer.consumeRecoveryCode("pid-ann", "code")],
      ["saveSession", () => storer.saveSession("other", { data: "{}", expiresAt: at(1000) })],
      ["claimMails", () => storer.claimMails(at(5), at(9), 1)],
      ["takeFlow", () => storer.takeFlow("flow-ann", "browser-ann", aFlow("ann").purpose, at(0))],
    ];
    try {
      for (const [name, call] of writes) {
        await expect((async () => call())(), name).rejects.toMatchObject({
          code: "CASTELLAN_UNAVAILABLE",
          message: expect.stringContaining("64"),
        });
      }
    } finally {
      server.fate = () => "run";
    }
  });
});

describe("the database", () => {
  it("lets go of everything by itself a day after its end, but for users and mails; and of nothing sooner", async () => {
    await everything();
    const kept = ["castellan_mails", "castellan_meta", "castellan_users"];
    const filled = () => server.collections.filter((name) => server.documentsOf(name).length > 0).sort();
    const all = filled();
    expect(all).toHaveLength(Object.keys(INDEXES).length);
    const DAY = 86_400_000;
    server.expire(at(DAY));
    expect(filled()).toEqual(all);
    // The lock of a stranger is what is remembered longest.
    server.expire(at(3 * DAY));
    expect(filled()).toEqual(kept);
    expect(await storer.load("pid-ann")).not.toBeNull();
  });

  it("is made ready by any number of processes at once, and again, and says nothing of indexes that are there", async () => {
    const storers = await Promise.all(Array.from({ length: 5 }, () => mongodb({ client, database: "castellan", prefix: "many" })));
    await Promise.all(storers.map((one) => one.ready()));
    const answers = await Promise.all(storers.map((one) => one.createUser(aUser("ann"))));
    expect(answers.filter(Boolean)).toHaveLength(1);
  });

  it.each(["4.2.24", "3.6.0"])("is refused where it is too old: %s", async (version) => {
    server.version = version;
    const fresh = await mongodb({ client, database: "castellan", prefix: "old" });
    await expect(fresh.createUser(aUser("ann"))).rejects.toThrow(/4\.4 or newer/);
    server.version = "4.4.0";
    expect(await fresh.createUser(aUser("ann"))).toBe(true);
  });

  it("with an index of ours that is another is refused, and says which collection", async () => {
    await client.db().collection("taken_users").createIndex({ login: 1 }, { name: "login" });
    const fresh = await mongodb({ client, database: "castellan", prefix: "taken" });
    await expect(fresh.createUser(aUser("ann"))).rejects.toThrow(/taken_users has an index[^.]*login/);
  });

  it("is not written to before the indexes are there, so that nothing is ever made twice", async () => {
    const [one, other] = await Promise.all([1, 2].map(() => mongodb({ client, database: "castellan", prefix: "early" })));
    const made = await Promise.all([one?.createUser(aUser("ann")), other?.createUser(aUser("bob", { login: "ann" }))]);
    expect(made.filter(Boolean)).toHaveLength(1);
  });
});
