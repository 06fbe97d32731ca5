/** Looks into a PostgreSQL database, or changes it, past the storer. @module */
import pg from "pg";

type All = (sql: string, values?: readonly unknown[]) => Promise<Record<string, unknown>[]>;

export async function withPostgres<T>(uri: string, work: (all: All) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: uri });
  await client.connect();
  try {
    return await work(async (sql, values = []) => (await client.query(sql, [...values])).rows);
  } finally {
    await client.end();
  }
}

/** Leaves the tables, if there are any, and no row in them. */
export const emptyPostgres = (uri: string): Promise<void> =>
  withPostgres(uri, async (all) => {
    const tables = await all("SELECT tablename FROM pg_tables WHERE tablename LIKE 'castellan\\_%' AND tablename <> 'castellan_schema'");
    // A DELETE of few rows is sooner done than a TRUNCATE.
    await all(tables.map(({ tablename }) => `DELETE FROM ${tablename};`).join(" ") || "SELECT 1");
  });
