/** Finds an SQLite driver: Node's own where it has one, else a package with the same interface. @module */
import { ConfigError } from "@castellan/core";
import type { Value } from "../database.ts";

/** What is used of `StatementSync` in `node:sqlite`. */
export interface SqliteStatement {
  all(...params: readonly Value[]): unknown[];
  run(...params: readonly Value[]): { readonly changes: number | bigint };
}

/** What is used of `DatabaseSync` in `node:sqlite`. */
export interface SqliteConnection {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

export interface SqliteDriver {
  readonly DatabaseSync: new (path: string) => SqliteConnection;
}

const DRIVERS: readonly string[] = ["node:sqlite", "@photostructure/sqlite"];

const isDriver = (module: unknown): module is SqliteDriver =>
  typeof module === "object" && module !== null && "DatabaseSync" in module && typeof module.DatabaseSync === "function";

/** The first of `names` that can be loaded. */
export async function loadDriver(names: readonly string[] = DRIVERS): Promise<SqliteDriver> {
  const failures: string[] = [];
  for (const name of names) {
    try {
      const module: unknown = await import(/* @vite-ignore */ name);
      if (isDriver(module)) return module;
      failures.push(`${name}: has no DatabaseSync`);
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new ConfigError([
    `storer-sql: no SQLite driver can be loaded: use Node 22.13 or later, or run \`npm install @photostructure/sqlite\` (${failures.join("; ")})`,
  ]);
}
