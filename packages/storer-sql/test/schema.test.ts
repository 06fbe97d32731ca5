import { ConfigError, seconds } from "@castellan/core";
import { migrationSql, sqlite } from "@castellan/storer-sql/sqlite";
import { describe, expect, it } from "vitest";
import { SqliteDatabase } from "../src/sqlite/database.ts";
import { loadDriver } from "../src/sqlite/driver.ts";
import { migrate } from "../src/sqlite/migrate.ts";
import { openConnection } from "../src/sqlite/open.ts";
import { migrations } from "../src/sqlite/schema.ts";
import { aUser, newFile, openStorer, withFile } from "./support/places.ts";

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
    await withFile(byHand, (_, exec) => exec(migrationSql()));
    await openStorer(byCode);
    expect(await schemaOf(byHand)).toEqual(await schemaOf(byCode));
    const storer = await openStorer(byHand);
    expect(await storer.createUser(aUser("ann"))).toBe(true);
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
