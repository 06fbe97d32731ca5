import { writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigError, seconds, Unavailable } from "@castellan/core";
import { type SqliteOptions, sqlite } from "@castellan/storer-sql/sqlite";
import { describe, expect, it } from "vitest";
import { userOperations } from "../src/operations/users.ts";
import { SqliteDatabase } from "../src/sqlite/database.ts";
import { loadDriver } from "../src/sqlite/driver.ts";
import { migrate } from "../src/sqlite/migrate.ts";
import { openConnection } from "../src/sqlite/open.ts";
import { users } from "../src/sqlite/statements/users.ts";
import { aSignIn, at, aUser, newFile, openStorer, withFile } from "./support/places.ts";

const unavailable = { code: "CASTELLAN_UNAVAILABLE", status: 503, cause: expect.any(Error) };

/** The operations of users, and the connection beneath them to break. */
async function breakable(synchronous: "full" | "normal" = "full") {
  const file = await newFile();
  const connection = await openConnection({ file, synchronous, busyTimeout: seconds(0) });
  const database = new SqliteDatabase(connection, file, () => {});
  migrate(database, file);
  return { file, connection, database, storer: userOperations(database, users) };
}

describe("a database that fails", () => {
  it("by being read-only rejects writes, answers reads, and works again when it can be written", async () => {
    const { connection, database, storer } = await breakable();
    await storer.createUser(aUser("ann"));
    connection.exec("PRAGMA query_only = ON");
    await expect(storer.createUser(aUser("bob"))).rejects.toMatchObject(unavailable);
    await expect(storer.setPasswordHash("pid-ann", "new")).rejects.toMatchObject(unavailable);
    await expect(storer.disableUser("pid-ann", at(0))).rejects.toBeInstanceOf(Unavailable);
    expect((await storer.load("pid-ann"))?.passwordHash).toBe("hash");
    connection.exec("PRAGMA query_only = OFF");
    expect(await storer.createUser(aUser("bob"))).toBe(true);
    database.close();
  });

  it("by being full rejects, keeps what it has, and works again when there is room", async () => {
    const { connection, database, storer } = await breakable();
    await storer.createUser(aUser("ann"));
    connection.exec("PRAGMA max_page_count = 1");
    const big = { profile: { note: "x".repeat(100_000) } };
    await expect(storer.createUser(aUser("bob", big))).rejects.toMatchObject(unavailable);
    expect(await storer.load("pid-bob")).toBeNull();
    expect(await storer.load("pid-ann")).not.toBeNull();
    connection.exec("PRAGMA max_page_count = 100000");
    expect(await storer.createUser(aUser("bob", big))).toBe(true);
    database.close();
  });

  it("by being kept locked says that it is busy, answers reads, and works again when it is free", async () => {
    const file = await newFile();
    const storer = await openStorer({ file, busyTimeout: seconds(0) });
    await storer.createUser(aUser("ann"));
    const { DatabaseSync } = await loadDriver();
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    await expect(storer.createUser(aUser("bob"))).rejects.toMatchObject({ ...unavailable, reason: "busy", retryAfter: 1 });
    await expect(storer.advanceEpoch("pid-ann")).rejects.toMatchObject(unavailable);
    expect(() => storer.saveSession("key", { data: "{}", expiresAt: at(0) })).toThrow(Unavailable);
    expect(await storer.findByLogin("ann")).not.toBeNull();
    other.exec("COMMIT");
    other.close();
    expect(await storer.createUser(aUser("bob"))).toBe(true);
  });

  it("by being no database, a folder, or in a folder that is not there, is named", async () => {
    const file = await newFile();
    await writeFile(file, "this is a shopping list, and a long one at that: bread, butter, cheese".repeat(50));
    for (const wrong of [file, dirname(file), `${dirname(file)}/nowhere/app.db`]) {
      await expect(sqlite(wrong)).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining(wrong) });
    }
  });

  it("by having lost a table rejects: a failure is never 'not found'", async () => {
    const file = await newFile();
    const storer = await openStorer(file);
    await withFile(file, (_, exec) => exec("DROP TABLE castellan_sign_in"));
    await expect(storer.findSignIn("key", at(0))).rejects.toMatchObject(unavailable);
    await expect(storer.endSignIn("key")).rejects.toMatchObject(unavailable);
  });

  it("tells the log, and not by its message, what was stored", async () => {
    const { connection, database, storer } = await breakable();
    connection.exec("PRAGMA query_only = ON");
    const failure = await storer.createUser(aUser("ann", { passwordHash: "the-hash" })).catch((error: unknown) => error);
    expect(String(failure)).not.toContain("the-hash");
    database.close();
  });
});

describe("a closed storer", () => {
  it("rejects every operation, and may be closed again", async () => {
    const storer = await openStorer(":memory:");
    await storer.createUser(aUser("ann"));
    await storer.close();
    await storer.close();
    await expect(storer.load("pid-ann")).rejects.toThrow(Unavailable);
    await expect(storer.createSignIn("key", aSignIn("ann"))).rejects.toThrow(/closed/);
    await expect(storer.ready()).rejects.toThrow(Unavailable);
  });
});

describe("a storer that is wired wrongly", () => {
  it("says what to install when there is no driver", async () => {
    const failure = loadDriver(["node:no-such-driver", "node:path"]);
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(/npm install @photostructure\/sqlite.*node:no-such-driver: .*node:path: has no DatabaseSync/s);
  });

  it("lists all that is wrong with its options", async () => {
    // As plain JavaScript might: no compiler has looked at it.
    const options = { file: "", synchronous: "off", busyTimeout: -1, onQuery: "log" } as unknown as SqliteOptions;
    const failure = await sqlite(options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure).toMatchObject({ problems: { length: 4 } });
  });
});

describe("a value that is no text and no number", () => {
  it.each([[{ $ne: 1 }], [undefined], [new Date(0)], [true], [["pid-ann"]]])(
    "is refused, and never stored or looked up as NULL: %j",
    async (value) => {
      const storer = await openStorer(":memory:");
      await storer.createUser(aUser("ann"));
      // As plain JavaScript might: no compiler has looked at it.
      const wrong = value as unknown as string;
      await expect(storer.load(wrong)).rejects.toThrow(TypeError);
      await expect(storer.createUser(aUser("bob", { email: wrong }))).rejects.toThrow(TypeError);
      await expect(storer.endSignIns("pid-ann", wrong)).rejects.toThrow(TypeError);
      expect(await storer.load("pid-bob")).toBeNull();
    },
  );
});

describe("the durability of a connection", () => {
  it.each([
    ["full", 2],
    ["normal", 1],
  ] as const)("is what was asked for: %s", async (synchronous, value) => {
    const { connection, database } = await breakable(synchronous);
    expect(connection.prepare("PRAGMA synchronous").all()).toEqual([{ synchronous: value }]);
    expect(connection.prepare("PRAGMA journal_mode").all()).toEqual([{ journal_mode: "wal" }]);
    expect(connection.prepare("PRAGMA foreign_keys").all()).toEqual([{ foreign_keys: 1 }]);
    database.close();
  });
});
