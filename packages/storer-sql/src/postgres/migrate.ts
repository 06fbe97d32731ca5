/** Brings a database's schema up to date, once, however many processes start at the same time. @module */
import { refuseNewer } from "../migrations.ts";
import type { PostgresDatabase } from "./database.ts";
import type { PgClient } from "./driver.ts";
import { LOCK, migrationSql, migrationStatements, migrations } from "./schema.ts";

/** How long another process, or a large table, may take. */
const PATIENCE_MS = 600_000;

async function versionOf(database: PostgresDatabase, client: PgClient): Promise<number> {
  // By the table of tables: to_regclass and its like may remember, after waiting for the lock, what was so before.
  const { rows } = await database.execute(
    client,
    "SELECT 1 FROM pg_catalog.pg_tables WHERE tablename = 'castellan_schema' AND schemaname = ANY (current_schemas(false))",
  );
  if (rows.length === 0) return 0;
  const newest = await database.execute(client, "SELECT max(version) AS version FROM castellan_schema");
  return Number(Object(newest.rows[0]).version ?? 0);
}

export async function pendingSql(database: PostgresDatabase, place: string): Promise<string> {
  let version = 0;
  await database.transaction(async (client) => {
    version = await versionOf(database, client);
    return false;
  });
  refuseNewer(version, migrations, place);
  return migrationSql(version);
}

export async function migrate(database: PostgresDatabase, place: string): Promise<void> {
  await database.transaction(async (client) => {
    const found = await versionOf(database, client);
    refuseNewer(found, migrations, place);
    // Looked at before locking: a start with nothing to do must not wait for anybody.
    if (found === migrations.length) return true;
    await database.execute(client, `SET LOCAL statement_timeout = ${PATIENCE_MS}`);
    await database.execute(client, LOCK, PATIENCE_MS);
    // Looked at again under the lock: another process may have been first.
    const version = await versionOf(database, client);
    refuseNewer(version, migrations, place);
    if (version < migrations.length) for (const sql of migrationStatements(version)) await database.execute(client, sql, PATIENCE_MS);
    return true;
  });
}
