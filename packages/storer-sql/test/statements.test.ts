import { stat } from "node:fs/promises";
import { seconds } from "@castellan/core";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { describe, expect, it } from "vitest";
import { loadDriver } from "../src/sqlite/driver.ts";
import { migrationSql } from "../src/sqlite/schema.ts";
import { challenges } from "../src/sqlite/statements/challenges.ts";
import { counts } from "../src/sqlite/statements/counts.ts";
import { factors } from "../src/sqlite/statements/factors.ts";
import { identities } from "../src/sqlite/statements/identities.ts";
import { links } from "../src/sqlite/statements/links.ts";
import { locks } from "../src/sqlite/statements/locks.ts";
import { mails } from "../src/sqlite/statements/mails.ts";
import { oneTimePasswords } from "../src/sqlite/statements/one-time-passwords.ts";
import { remember } from "../src/sqlite/statements/remember.ts";
import { sessions } from "../src/sqlite/statements/sessions.ts";
import { signIns } from "../src/sqlite/statements/sign-ins.ts";
import { sweeps } from "../src/sqlite/statements/sweep.ts";
import { trustedBrowsers } from "../src/sqlite/statements/trusted-browsers.ts";
import { users } from "../src/sqlite/statements/users.ts";
import { fill, operations, pairs } from "./support/operations.ts";
import { aLink, aPolicy, aSeries, at, aUser, newFile, openStorer, withFile } from "./support/places.ts";

const statements: readonly (readonly [name: string, { readonly sql: string }])[] = [
  ...Object.entries({ ...users, ...signIns, ...challenges, ...counts, ...links, ...locks, ...remember, ...mails, ...sessions }),
  ...Object.entries({ ...factors, ...trustedBrowsers, ...oneTimePasswords, ...identities }),
  ...sweeps.map((sweep, index) => [`sweep ${index}`, sweep] as const),
];

describe("the statements", () => {
  it.each(statements)("find their rows by an index: %s", async (name, { sql }) => {
    const { DatabaseSync } = await loadDriver();
    const connection = new DatabaseSync(":memory:");
    connection.exec(migrationSql());
    const plan = connection.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
    connection.close();
    // A scan of a table costs more with every user; "SCAN CONSTANT ROW" is none, and `json_each` goes through what the caller brought.
    for (const step of plan) expect(step).not.toMatchObject({ detail: expect.stringMatching(/^SCAN (?!CONSTANT|json_each)/) });
    // Neither is a sort of its own needed: an index has the order already.
    if (name !== "listSignIns") for (const step of plan) expect(step).not.toMatchObject({ detail: expect.stringMatching(/TEMP B-TREE/) });
  });

  it("hold no value but by a placeholder, and a few fixed words", () => {
    for (const [name, { sql }] of statements) expect(sql.replace(/'(?:[a-z_]+:?|\$\[#\])'/g, ""), name).not.toMatch(/'/);
  });

  /** A storer with a row of each kind, and how many statements it has run since. */
  async function counted() {
    let queries = 0;
    const storer = await openStorer({
      file: ":memory:",
      onQuery: () => {
        queries += 1;
      },
    });
    await fill(storer);
    queries = 0;
    return { storer, queries: () => queries };
  }

  it.each(Object.entries(operations).filter(([name]) => !pairs.includes(name)))("are one for the operation %s", async (_, operation) => {
    const { storer, queries } = await counted();
    await operation(storer);
    expect(queries()).toBe(1);
  });

  it.each(pairs)("are two in one transaction for the operation %s, and leave nothing open when the first is refused", async (name) => {
    const { storer, queries } = await counted();
    await operations[name]?.(storer);
    expect(queries()).toBe(4);
    // Made already, and of another epoch by now.
    await operations[name]?.(storer);
    expect(queries()).toBe(7);
    expect(await storer.load("pid-ann")).not.toBeNull();
  });

  it("are named for every operation that the storer has", async () => {
    const { storer } = await counted();
    const names = Object.keys(storer).filter((name) => !["userFields", "ready", "pendingSql", "close", "sweep"].includes(name));
    expect(Object.keys(operations).sort()).toEqual(names.sort());
  });

  it("are two where an attempt is refused by a lock that runs, and one where it begins the lock", async () => {
    const { storer, queries } = await counted();
    const attempt = () => storer.admitAttempt("pid:pid-ann", aPolicy, at(1));
    expect([(await attempt()).admitted, await attempt(), queries()]).toMatchObject([true, { lockedNow: true }, 2]);
    expect([await attempt(), queries()]).toMatchObject([{ lockedNow: false }, 4]);
  });

  it("are two where one-time passwords are removed, and four where one was spent between counting and removing", async () => {
    const { storer, queries } = await counted();
    const add = (hash: string) => storer.addOneTimePassword("pid-ann", 0, hash, 5);
    await add("one");
    expect([await storer.clearOneTimePasswords("pid-ann"), queries()]).toEqual([1, 3]);
    for (const hash of ["two", "three"]) await add(hash);
    const [removed, spent] = await Promise.all([storer.clearOneTimePasswords("pid-ann"), storer.consumeOneTimePassword("pid-ann", "two")]);
    expect([removed, spent, queries()]).toEqual([1, true, 10]);
  });

  it("are two for a secret in grace, and three for one that was stolen or is of no series", async () => {
    const { storer, queries } = await counted();
    const rotate = (fields: { readonly selector?: string; readonly verifierHash?: string }) =>
      storer.rotateRememberSeries({ ...aSeries("ann"), ...fields }, "next", seconds(30), at(1));
    expect([await rotate({}), queries()]).toMatchObject([{ kind: "rotated" }, 1]);
    expect([await rotate({}), queries()]).toMatchObject([{ kind: "grace" }, 3]);
    expect([await rotate({ verifierHash: "wrong" }), queries()]).toMatchObject([{ kind: "stolen" }, 6]);
    expect([await rotate({ selector: "unknown" }), queries()]).toEqual([null, 9]);
  });

  it("of a series decide by themselves what is stolen: one that became right in between is left alone", async () => {
    const { storer } = await counted();
    const proof = { selector: "series-ann", verifierHash: "next" };
    // Asks with the next secret while it becomes the current one: as no browser could, which has it only from the answer.
    const [early, rotated] = await Promise.all([
      storer.rotateRememberSeries(proof, "further", seconds(30), at(1)),
      storer.rotateRememberSeries(aSeries("ann"), "next", seconds(30), at(1)),
    ]);
    expect([early, rotated]).toMatchObject([null, { kind: "rotated" }]);
    expect(await storer.rotateRememberSeries(proof, "further", seconds(30), at(2))).toMatchObject({ kind: "rotated" });
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

  it("of an attempt that is refused, and of a secret in grace, write nothing either", async () => {
    const file = await newFile();
    const storer = await openStorer(file);
    const written = async () => (await stat(`${file}-wal`)).size;
    await storer.createUser(aUser("ann"));
    await storer.addRememberSeries(aSeries("ann"));
    await storer.rotateRememberSeries(aSeries("ann"), "next", seconds(30), at(0));
    for (const _ of Array(2)) await storer.admitAttempt("subject", aPolicy, at(0));
    const before = await written();
    expect(await storer.admitAttempt("subject", aPolicy, at(1))).toMatchObject({ admitted: false, lockedNow: false });
    expect(await storer.rotateRememberSeries(aSeries("ann"), "next", seconds(30), at(1))).toMatchObject({ kind: "grace" });
    expect(await written()).toBe(before);
  });

  it("of a request for links leave no more rows than the user has had addresses, however often it is asked", async () => {
    const file = await newFile();
    const storer = await openStorer(file);
    for (let index = 0; index < 20; index += 1) {
      await storer.startRecovery(["a", "b"].map((name) => aLink("ann", { selector: `${name} ${index}` })));
      await storer.startConfirmation(aLink("ann", { selector: `c ${index}` }));
    }
    expect(await withFile(file, (all) => all("SELECT count(*) AS links FROM castellan_link"))).toEqual([{ links: 3 }]);
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
