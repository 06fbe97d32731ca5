import { stat } from "node:fs/promises";
import { type SqliteStorer, sqlite } from "@castellan/storer-sql/sqlite";
import { describe, expect, it } from "vitest";
import { loadDriver } from "../src/sqlite/driver.ts";
import { migrationSql } from "../src/sqlite/schema.ts";
import { challenges } from "../src/sqlite/statements/challenges.ts";
import { counts } from "../src/sqlite/statements/counts.ts";
import { sessions } from "../src/sqlite/statements/sessions.ts";
import { signIns } from "../src/sqlite/statements/sign-ins.ts";
import { sweeps } from "../src/sqlite/statements/sweep.ts";
import { users } from "../src/sqlite/statements/users.ts";
import { aChallenge, aSignIn, at, aUser, newFile, openStorer } from "./support/places.ts";

const statements: readonly (readonly [name: string, { readonly sql: string }])[] = [
  ...Object.entries({ ...users, ...signIns, ...challenges, ...counts, ...sessions }),
  ...sweeps.map((sweep, index) => [`sweep ${index}`, sweep] as const),
];

describe("the statements", () => {
  it.each(statements)("find their rows by an index: %s", async (_, { sql }) => {
    const { DatabaseSync } = await loadDriver();
    const connection = new DatabaseSync(":memory:");
    connection.exec(migrationSql());
    const plan = connection.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    connection.close();
    // A scan of a table costs more with every user; "SCAN CONSTANT ROW" is none.
    for (const step of plan) expect(step).not.toMatchObject({ detail: expect.stringMatching(/^SCAN (?!CONSTANT)/) });
  });

  it("hold no value but by a placeholder, and a few fixed words", () => {
    for (const [name, { sql }] of statements) expect(sql.replace(/'[a-z]+:?'/g, ""), name).not.toMatch(/'/);
  });

  const operations: Record<string, (storer: SqliteStorer) => unknown> = {
    load: (storer) => storer.load("pid-ann"),
    findByLogin: (storer) => storer.findByLogin("ann"),
    advanceEpoch: (storer) => storer.advanceEpoch("pid-ann"),
    createUser: (storer) => storer.createUser(aUser("bob")),
    changePasswordHash: (storer) => storer.changePasswordHash("pid-ann", 0, "new"),
    setPasswordHash: (storer) => storer.setPasswordHash("pid-ann", "new"),
    upgradePasswordHash: (storer) => storer.upgradePasswordHash("pid-ann", "hash", "new"),
    disableUser: (storer) => storer.disableUser("pid-ann", at(0)),
    enableUser: (storer) => storer.enableUser("pid-ann"),
    createSignIn: (storer) => storer.createSignIn("other", aSignIn("ann", { id: "other" })),
    findSignIn: (storer) => storer.findSignIn("key", at(1)),
    touchSignIn: (storer) => storer.touchSignIn("key", at(1), at(1001)),
    replaceSignIn: (storer) => storer.replaceSignIn("key", { key: "next", level: "full", factors: [], epoch: 0 }, at(1)),
    endSignIn: (storer) => storer.endSignIn("key"),
    endSignInOf: (storer) => storer.endSignInOf("pid-ann", "sign-in-ann"),
    endSignIns: (storer) => storer.endSignIns("pid-ann", null),
    listSignIns: (storer) => storer.listSignIns("pid-ann", at(1)),
    createChallenge: (storer) => storer.createChallenge(aChallenge("ann", { id: "other" })),
    findChallenge: (storer) => storer.findChallenge("challenge-ann", "session-ann", at(1)),
    admitTry: (storer) => storer.admitTry("challenge-ann", "session-ann", at(1)),
    consumeChallenge: (storer) => storer.consumeChallenge("challenge-ann", "session-ann", at(1)),
    endChallengesOfSession: (storer) => storer.endChallengesOfSession("session-ann"),
    endChallengesOf: (storer) => storer.endChallengesOf("pid-ann", null),
    countUse: (storer) => storer.countUse("key", 1, 1000, at(0)),
    takeBackUse: (storer) => storer.takeBackUse("key", at(0)),
    forgetUses: (storer) => storer.forgetUses("key"),
    loadSession: (storer) => storer.loadSession("key", at(0)),
    saveSession: (storer) => storer.saveSession("key", { data: "{}", expiresAt: at(1) }),
    touchSession: (storer) => storer.touchSession("key", at(2)),
    destroySession: (storer) => storer.destroySession("key"),
  };

  it.each(Object.entries(operations))("are one for the operation %s", async (_, operation) => {
    let queries = 0;
    const storer = await sqlite({
      file: ":memory:",
      onQuery: () => {
        queries += 1;
      },
    });
    await storer.ready();
    await storer.createUser(aUser("ann"));
    await storer.createSignIn("key", aSignIn("ann"));
    await storer.createChallenge(aChallenge("ann"));
    queries = 0;
    await operation(storer);
    expect(queries).toBe(1);
    await storer.close();
  });

  it("of a use that is refused write nothing: a flood costs the disk nothing", async () => {
    const file = await newFile();
    const storer = await openStorer(file);
    const written = async () => (await stat(`${file}-wal`)).size;
    expect(await storer.countUse("key", 1, 1000, at(0))).toEqual({ admitted: true, resetsAt: at(1000) });
    const before = await written();
    expect(await storer.countUse("key", 1, 1000, at(400))).toEqual({ admitted: false, resetsAt: at(1000) });
    expect(await storer.countUse("other", 0, 1000, at(0))).toEqual({ admitted: false, resetsAt: at(1000) });
    expect(await written()).toBe(before);
    expect(await storer.sweep(at(9000), 10)).toBe(1);
  });

  it("of sessions answer at once", async () => {
    const storer = await sqlite(":memory:");
    await storer.ready();
    storer.saveSession("key", { data: "{}", expiresAt: at(1) });
    expect(storer.loadSession("key", at(0))).toEqual({ data: "{}", expiresAt: at(1) });
    await storer.close();
    expect(() => storer.loadSession("key", at(0))).toThrow(/closed/);
  });
});
