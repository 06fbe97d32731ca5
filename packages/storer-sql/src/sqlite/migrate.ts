/** Brings a file's schema up to date, once, however many processes start at the same time. @module */
import type { Statement } from "../database.ts";
import { refuseNewer } from "../migrations.ts";
import type { SqliteDatabase } from "./database.ts";
import { migrationSql, migrationStatements, migrations } from "./schema.ts";

const hasVersions: Statement<[], { readonly name: string }> = {
  sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'castellan_schema'",
};
const newest: Statement<[], { readonly version: number | null }> = { sql: "SELECT max(version) AS version FROM castellan_schema" };

function versionOf(database: SqliteDatabase): number {
  return database.first(hasVersions) ? (database.first(newest)?.version ?? 0) : 0;
}

export function pendingSql(database: SqliteDatabase, file: string): string {
  const version = versionOf(database);
  refuseNewer(version, migrations, file);
  return migrationSql(version);
}

export function migrate(database: SqliteDatabase, file: string): void {
  const found = versionOf(database);
  refuseNewer(found, migrations, file);
  // Looked at before locking: a start with nothing to do must not wait for a writer.
  if (found === migrations.length) return;
  database.execute("BEGIN IMMEDIATE");
  try {
    // Looked at again under the lock: another process may have been first.
    const version = versionOf(database);
    refuseNewer(version, migrations, file);
    if (version < migrations.length) for (const sql of migrationStatements(version)) database.execute(sql);
    database.execute("COMMIT");
  } catch (error) {
    database.rollBack();
    throw error;
  }
}
