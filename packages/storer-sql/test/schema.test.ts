import { ConfigError, seconds } from "@castellan/core";
import { migrationSql, sqlite } from "@castellan/storer-sql/sqlite";
import { describe, expect, it } from "vitest";
import { SqliteDatabase } from "../src/sqlite/database.ts";
import { loadDriver } from "../src/sqlite/driver.ts";
import { migrate } from "../src/sqlite/migrate.ts";
import { openConnection } from "../src/sqlite/open.ts";
import { migrations } from "../src/sqlite/schema.ts";
import { aLink, aSeries, aSignIn, aTotp, aTrusted, at, aUser, newFile, openStorer, withFile } from "./support/places.ts";

const SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
const schemaOf = (file: string): Promise<unknown[]> => withFile(file, (all) => all(SCHEMA));

describe("the schema", () => {
  it("is made from nothing, and made once", async () => {
    const file = await newFile();
    const storer = await openStorer(file);
    const before = await schemaOf(file);
    await storer.ready();
    await (await openStorer(file)).ready();
    expect(await schemaOf(file)).toEqual(before);
    const versions = await withFile(file, (all) => all("SELECT version FROM castellan_schema"));
    expect(versions).toEqual(migrations.map((_, index) => ({ version: index + 1 })));
  });

  it("is made by exactly the SQL that is printed", async () => {
    const file = await newFile();
    const run: string[] = [];
    const storer = await sqlite({ file, onQuery: (sql) => run.push(sql) });
    await storer.ready();
    await storer.close();
    const written = run.filter((sql) => !sql.startsWith("SELECT "));
    expect(written.map((sql) => `${sql};\n`).join("")).toBe(migrationSql());
  });

  it("may be made by hand, from the SQL that is printed", async () => {
    const [byHand, byCode] = [await newFile(), await newFile()];
    const pending = await sqlite(byHand);
    expect(await pending.pendingSql()).toBe(migrationSql());
    await withFile(byHand, (_, exec) => exec(migrationSql()));
    expect(await pending.pendingSql()).toBe("");
    await pending.close();
    await openStorer(byCode);
    expect(await schemaOf(byHand)).toEqual(await schemaOf(byCode));
    const storer = await openStorer(byHand);
    expect(await storer.createUser(aUser("ann"))).toBe(true);
  });

  it("of version 1 is brought up to date with all that is in it: users, sign-ins, challenges, counts and sessions stay as they were", async () => {
    const file = await newFile();
    const [first] = migrations;
    const version1 = [
      "CREATE TABLE castellan_schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT",
      ...(first?.statements ?? []),
      "INSERT INTO castellan_schema (version, name) VALUES (1, 'as it was')",
      `INSERT INTO castellan_user (pid, login, email, password_hash, profile, created_at, epoch, disabled_at) VALUES
         ('pid-ann', 'ann', 'ann@example.com', 'hash of ann', '{"town":"Zürich"}', 1, 3, NULL),
         ('pid-bob', 'bob', NULL, NULL, '{}', 2, 0, 5)`,
      `INSERT INTO castellan_sign_in (key, public_id, user_id, epoch, level, factors, created_at, seen_at, idle_ends_at, ends_at, user_agent, network)
         VALUES ('key', 'id', 1, 3, 'half', '[{"method":"totp","at":7}]', 1, 2, ${at(10).getTime()}, ${at(20).getTime()}, 'a browser', '192.0.2.1')`,
      `INSERT INTO castellan_challenge (public_id, purpose, pid, epoch, session_key, destination, data, tries_left, created_at, expires_at)
         VALUES ('challenge', 'login', 'pid-ann', 3, 'browser', '', 'data', 2, 1, ${at(10).getTime()})`,
      `INSERT INTO castellan_count (key, uses, resets_at) VALUES ('uses', 1, ${at(10).getTime()})`,
      `INSERT INTO castellan_session (key, data, expires_at) VALUES ('session', '{"cart":1}', ${at(10).getTime()})`,
    ];
    await withFile(file, (_, exec) => exec(version1.join(";\n")));
    const storer = await openStorer(file);

    const ann = {
      pid: "pid-ann",
      login: "ann",
      epoch: 3,
      passwordHash: "hash of ann",
      email: "ann@example.com",
      profile: { town: "Zürich" },
      disabledAt: null,
      createdAt: new Date(1),
      confirmedAt: null,
      lockedUntil: null,
      lockedBy: null,
      secondaryEmails: [],
      totpEnabledAt: null,
      smsNumber: null,
    };
    expect(await storer.load("pid-ann")).toEqual(ann);
    expect(await storer.findByLogin("bob")).toMatchObject({ pid: "pid-bob", email: null, disabledAt: new Date(5), createdAt: new Date(2) });
    expect(await storer.findSignIn("key", at(9))).toEqual({
      user: ann,
      signIn: {
        ...aSignIn("ann", { id: "id", epoch: 3, level: "half", factors: [{ method: "totp", at: new Date(7) }] }),
        createdAt: new Date(1),
        seenAt: new Date(2),
        idleEndsAt: at(10),
        endsAt: at(20),
      },
    });
    expect(await storer.consumeChallenge("challenge", "browser", at(9))).toMatchObject({ data: "data", triesLeft: 2 });
    expect(await storer.countUse("uses", 1, 1000, at(9))).toEqual({ admitted: false, resetsAt: at(10) });
    expect(storer.loadSession("session", at(9))).toEqual({ data: '{"cart":1}', expiresAt: at(10) });

    // And all that is new works on the old rows.
    expect(await storer.confirmUser("pid-ann", "ann@example.com", at(1))).toBe(true);
    expect(await storer.setSecondaryEmails("pid-ann", ["a@example.com"])).toBe(true);
    expect(await storer.lockUser("pid-ann", at(5))).toBe(true);
    expect(await storer.load("pid-ann")).toEqual({
      ...ann,
      confirmedAt: at(1),
      secondaryEmails: ["a@example.com"],
      lockedUntil: at(5),
      lockedBy: "administrator",
    });
    expect(await storer.enableTotp("pid-ann", 3, aTotp, ["code"])).toBe(4);
    expect(await storer.enableSms("pid-bob", 0, "+41791234567", null)).toBe(1);
    expect(await storer.consumeRecoveryCode("pid-ann", "code")).toBe(0);
    expect(await storer.addOneTimePassword("pid-ann", 4, "hash", 5)).toBe(1);
    expect(await storer.addTrustedBrowser(aTrusted("bob", { epoch: 1 }))).toBe(true);
    const fresh = await newFile();
    await openStorer(fresh);
    const tables = "SELECT name FROM sqlite_schema ORDER BY name";
    expect(await withFile(file, (all) => all(tables))).toEqual(await withFile(fresh, (all) => all(tables)));
  });

  it("of version 2 is brought up to date with all that is in it: confirmations, locks, links, remembered browsers and mails stay as they were", async () => {
    const file = await newFile();
    const version2 = [
      "CREATE TABLE castellan_schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT",
      ...migrations.slice(0, 2).flatMap(({ statements }) => statements),
      "INSERT INTO castellan_schema (version, name) VALUES (1, 'as it was'), (2, 'as it was')",
      `INSERT INTO castellan_user (pid, login, profile, created_at, epoch, confirmed_at, secondary_emails)
         VALUES ('pid-ann', 'ann', '{}', 1, 3, 2, '["b@example.com"]')`,
      `INSERT INTO castellan_attempt (subject, uses, window_ends_at, locks, locked_at, locked_until, locked_by, ends_at)
         VALUES ('pid:pid-ann', 0, 0, 1, 1, ${at(10).getTime()}, 'attempts', ${at(10).getTime()})`,
      `INSERT INTO castellan_link (purpose, place, request, selector, verifier_hash, pid, epoch, destination, created_at, expires_at)
         VALUES ('recover', 0, 'link-ann', 'link-ann', 'verifier-ann', 'pid-ann', 3, 'ann@example.com', 1, ${at(10).getTime()})`,
      `INSERT INTO castellan_remember (selector, verifier_hash, pid, epoch, created_at, expires_at, user_agent)
         VALUES ('series-ann', 'secret-ann', 'pid-ann', 3, 1, ${at(10).getTime()}, 'a browser')`,
      "INSERT INTO castellan_mail (public_id, payload, attempts, created_at, due_at) VALUES ('mail-a', 'sealed', 1, 1, 2)",
    ];
    await withFile(file, (_, exec) => exec(version2.join(";\n")));
    const storer = await openStorer(file);
    expect(await storer.load("pid-ann")).toMatchObject({
      confirmedAt: new Date(2),
      secondaryEmails: ["b@example.com"],
      lockedUntil: at(10),
      lockedBy: "attempts",
      totpEnabledAt: null,
      smsNumber: null,
    });
    expect(await storer.findRecovery(aLink("ann"), at(9))).toEqual({ pid: "pid-ann", destination: "ann@example.com" });
    expect(await storer.rotateRememberSeries(aSeries("ann"), "next", seconds(30), at(9))).toMatchObject({ kind: "rotated", epoch: 3 });
    expect(await storer.claimMails(at(9), at(20), 10)).toMatchObject([{ id: "mail-a", attempts: 2 }]);
    expect(await storer.enableTotp("pid-ann", 3, aTotp, ["code"])).toBe(4);
    expect(await storer.findRecovery(aLink("ann"), at(9))).toBeNull();
  });

  it("that is up to date is only read at the start: nothing is locked, nothing is printed", async () => {
    const file = await newFile();
    await openStorer(file);
    const run: string[] = [];
    const storer = await sqlite({ file, onQuery: (sql) => run.push(sql) });
    await storer.ready();
    await storer.close();
    expect(run.filter((sql) => !sql.startsWith("SELECT "))).toEqual([]);
    expect(migrationSql(migrations.length)).toBe("");
  });

  it("is looked at again under the lock: another process may have made it since", async () => {
    const file = await newFile();
    const connect = () => openConnection({ file, synchronous: "full", busyTimeout: seconds(0) });
    const faster = new SqliteDatabase(await connect(), file, () => {});
    const slower = new SqliteDatabase(await connect(), file, (sql) => {
      if (sql === "BEGIN IMMEDIATE") migrate(faster, file);
    });
    migrate(slower, file);
    const versions = await withFile(file, (all) => all("SELECT version FROM castellan_schema"));
    expect(versions).toHaveLength(migrations.length);
    slower.close();
    faster.close();
  });

  it("waits where SQLite does not: while another process holds a file that is not in WAL mode yet", async () => {
    const file = await newFile();
    const { DatabaseSync } = await loadDriver();
    const other = new DatabaseSync(file);
    other.exec("CREATE TABLE something_else (x TEXT); BEGIN IMMEDIATE");
    const opening = sqlite(file);
    await expect(sqlite({ file, busyTimeout: seconds(0) })).rejects.toMatchObject({ reason: "busy" });
    other.exec("COMMIT");
    other.close();
    const storer = await opening;
    await storer.ready();
    await storer.close();
  });

  it("of a newer version is refused, and left as it is", async () => {
    const file = await newFile();
    const first = await openStorer(file);
    await first.close();
    await withFile(file, (_, exec) => exec("INSERT INTO castellan_schema (version, name) VALUES (99, 'from the future')"));
    const before = await schemaOf(file);
    const storer = await sqlite(file);
    await expect(storer.ready()).rejects.toThrow(ConfigError);
    await expect(storer.ready()).rejects.toThrow(/schema version 99/);
    await storer.close();
    expect(await schemaOf(file)).toEqual(before);
  });

  it("is made whole or not at all", async () => {
    const file = await newFile();
    await withFile(file, (_, exec) => exec("CREATE TABLE castellan_session (somebody_elses TEXT)"));
    const before = await schemaOf(file);
    const storer = await sqlite(file);
    await expect(storer.ready()).rejects.toMatchObject({ code: "CASTELLAN_UNAVAILABLE", cause: expect.any(Error) });
    expect(await schemaOf(file)).toEqual(before);

    await withFile(file, (_, exec) => exec("DROP TABLE castellan_session"));
    await storer.ready();
    expect(await storer.createUser(aUser("ann"))).toBe(true);
    await storer.close();
  });
});
