/** A storer that keeps everything in a PostgreSQL database. @module */
import { PostgresDatabase } from "./postgres/database.ts";
import { postgresDialect } from "./postgres/dialect.ts";
import { loadPg, type PgDriver } from "./postgres/driver.ts";
import { migrate, pendingSql } from "./postgres/migrate.ts";
import { addressOf, placeOf, type ServerAddress, type TlsSettings, tlsSettings } from "./server/address.ts";
import { type ServerOptions, settingsOf } from "./server/options.ts";
import { type SqlServerStorer, serverStorer } from "./storer.ts";

export type { SqlUser } from "./operations/users.ts";
export { migrationSql } from "./postgres/schema.ts";
export type { ServerOptions } from "./server/options.ts";
export type { SqlServerStorer } from "./storer.ts";

const KIND = { schemes: ["postgres:", "postgresql:"], port: 5432 } as const;

/**
 * A storer on a PostgreSQL server, 12 or later. Connections are made when they are needed; the schema is made or brought up to date by `ready()`, which Castellan calls. Needs the package `pg`. Throws a
 * `ConfigError` for an address that cannot be one, and when the package is missing.
 */
export async function postgres(uriOrOptions: string | ServerOptions): Promise<SqlServerStorer> {
  const settings = settingsOf(uriOrOptions);
  const address = addressOf(settings.uri, KIND);
  const driver = await loadPg();
  const pool = new driver.Pool(poolConfig(driver, address, settings, await tlsSettings(address)));
  const place = placeOf(address);
  const database = new PostgresDatabase(pool, place, settings.onQuery);
  return serverStorer(database, postgresDialect, {
    ready: () => migrate(database, place),
    pendingSql: () => pendingSql(database, place),
  });
}

const INT8 = 20;
/** The server ends a statement that takes too long. Where even that is not heard of, the connection is given up so much later. */
const PATIENCE_MS = 1000;

function poolConfig(
  { types }: PgDriver,
  { host, port, user, password, database }: ServerAddress,
  { connections, connectTimeout, statementTimeout }: Required<ServerOptions>,
  tls: TlsSettings | undefined,
): Readonly<Record<string, unknown>> {
  return {
    host,
    port,
    user,
    // The driver would look for one in the environment, or in a file at home.
    password: () => password,
    database,
    ssl: tls ?? false,
    max: connections,
    connectionTimeoutMillis: connectTimeout,
    statement_timeout: statementTimeout,
    query_timeout: statementTimeout + PATIENCE_MS,
    idle_in_transaction_session_timeout: statementTimeout,
    // What each statement says holds under every isolation; this is the one under which nobody has to try twice.
    options: "-c default_transaction_isolation=read\\ committed",
    application_name: "castellan",
    keepAlive: true,
    // The driver answers 64-bit numbers as text. Ours are times and counts, which a number holds; other clients of this process keep what they have.
    types: { getTypeParser: (oid: number, format?: string) => (oid === INT8 ? Number : types.getTypeParser(oid, format)) },
  };
}
