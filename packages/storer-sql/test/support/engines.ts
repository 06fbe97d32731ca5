/** The database servers that the tests of servers are run with. @module */

import { mysql, migrationSql as mysqlSql } from "@castellan/storer-sql/mysql";
import { postgres, migrationSql as postgresSql, type ServerOptions, type SqlServerStorer as Storer } from "@castellan/storer-sql/postgres";
import { hasMariadb, startMariadb } from "./mariadb-server.ts";
import { emptyMysql, withMysql } from "./mysql-rows.ts";
import { emptyPostgres, withPostgres } from "./postgres-rows.ts";
import { hasPostgres, startPostgres } from "./postgres-server.ts";
import { isMissing, type TestServer } from "./servers.ts";

type All = (sql: string) => Promise<Record<string, unknown>[]>;

export interface Engine {
  readonly name: string;
  readonly isMissing: boolean;
  start(settings?: readonly string[]): Promise<TestServer>;
  open(uriOrOptions: string | ServerOptions): Promise<Storer>;
  /** Looks into the database, or changes it, past the storer. */
  within<T>(uri: string, work: (all: All) => Promise<T>): Promise<T>;
  /** No row in any table. */
  empty(uri: string): Promise<void>;
  /** No table. */
  dropAll(uri: string): Promise<void>;
  migrationSql(from?: number): string;
}

const TABLES = "SELECT table_name AS name FROM information_schema.tables WHERE table_name LIKE 'castellan%'";

export const engines: readonly Engine[] = [
  {
    name: "PostgreSQL",
    isMissing: isMissing("PostgreSQL server", hasPostgres),
    start: startPostgres,
    open: postgres,
    within: withPostgres,
    empty: emptyPostgres,
    dropAll: (uri) =>
      withPostgres(uri, async (all) => {
        for (const { name } of await all(TABLES)) await all(`DROP TABLE ${name} CASCADE`);
      }),
    migrationSql: postgresSql,
  },
  {
    name: "MariaDB",
    isMissing: isMissing("MariaDB server", hasMariadb),
    start: startMariadb,
    open: mysql,
    within: withMysql,
    empty: emptyMysql,
    dropAll: (uri) =>
      withMysql(uri, async (all) => {
        await all("SET foreign_key_checks = 0");
        for (const { name } of await all(`${TABLES} AND table_schema = database()`)) await all(`DROP TABLE ${name}`);
      }),
    migrationSql: mysqlSql,
  },
];
