/** A storer that keeps everything in a MySQL or MariaDB database. @module */
import { isIP } from "node:net";
import { ConfigError } from "@castellan/core";
import { MysqlDatabase } from "./mysql/database.ts";
import { mysqlDialect } from "./mysql/dialect.ts";
import { loadMysql } from "./mysql/driver.ts";
import { migrate, pendingSql } from "./mysql/migrate.ts";
import { MysqlConnections } from "./mysql/pool.ts";
import { addressOf, placeOf, type ServerAddress, type TlsSettings, tlsSettings } from "./server/address.ts";
import { type ServerOptions, settingsOf } from "./server/options.ts";
import { type SqlServerStorer, serverStorer } from "./storer.ts";

export { migrationSql } from "./mysql/schema.ts";
export type { SqlUser } from "./operations/users.ts";
export type { ServerOptions } from "./server/options.ts";
export type { SqlServerStorer } from "./storer.ts";

const KIND = { schemes: ["mysql:", "mariadb:"], port: 3306 } as const;

/**
 * A storer on a server of MariaDB, 10.6 or later, or MySQL, 8.0.20 or later. Connections are made when they are needed; the schema is made or brought up to date by `ready()`, which Castellan calls. Needs
 * the package `mysql2`. Throws a `ConfigError` for an address that cannot be one, and when the package is missing.
 */
export async function mysql(uriOrOptions: string | ServerOptions): Promise<SqlServerStorer> {
  const settings = settingsOf(uriOrOptions);
  const address = addressOf(settings.uri, KIND);
  checkIdentity(address);
  const driver = await loadMysql();
  const pool = driver.createPool(poolConfig(address, settings, await tlsSettings(address)));
  const wire = new MysqlConnections(driver, pool, settings);
  const place = placeOf(address);
  const database = new MysqlDatabase(wire, place, settings.onQuery);
  return serverStorer(database, mysqlDialect, {
    ready: () => migrate(database, wire, place),
    pendingSql: () => pendingSql(database, place),
  });
}

/** For a host without a name, the driver asks for a certificate of localhost: whoever has one would do. */
function checkIdentity({ host, tls }: ServerAddress): void {
  if (tls !== "verify" || isIP(host) === 0) return;
  throw new ConfigError([
    "storer-sql: with MySQL and MariaDB, a certificate is checked for a name: write the name of the host instead of its IP address, or sslmode=no-verify",
  ]);
}

const poolConfig = (
  { host, port, user, password, database }: ServerAddress,
  { connections, connectTimeout }: Required<ServerOptions>,
  tls: TlsSettings | undefined,
): Readonly<Record<string, unknown>> => ({
  host,
  port,
  user,
  password,
  database,
  // Without the last word the driver asks for a good certificate, whoever's it is.
  ...(tls && { ssl: { ...tls, verifyIdentity: tls.rejectUnauthorized } }),
  connectionLimit: connections,
  connectTimeout,
  charset: "utf8mb4",
  // As they come: JSON as text, sums as numbers.
  jsonStrings: true,
  decimalNumbers: true,
  // A server may ask its client for any file; it gets none.
  flags: ["-LOCAL_FILES"],
});
