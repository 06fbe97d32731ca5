/** Looks into a MySQL or MariaDB database, or changes it, past the storer. @module */
import { createConnection } from "mysql2/promise";

type All = (sql: string, values?: readonly string[]) => Promise<Record<string, unknown>[]>;

export async function withMysql<T>(uri: string, work: (all: All) => Promise<T>): Promise<T> {
  const connection = await createConnection({ uri, multipleStatements: true });
  try {
    return await work(async (sql, values = []) => {
      const [rows] = await connection.query(sql, [...values]);
      return Array.isArray(rows) ? rows.map((row) => Object(row)) : [];
    });
  } finally {
    await connection.end();
  }
}

/** Leaves the tables, if there are any, and no row in them. */
export const emptyMysql = (uri: string): Promise<void> =>
  withMysql(uri, async (all) => {
    const tables = await all(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = database() AND table_name <> 'castellan_schema'",
    );
    await all(tables.map(({ name }) => `DELETE FROM ${name};`).join(" ") || "SELECT 1");
  });
