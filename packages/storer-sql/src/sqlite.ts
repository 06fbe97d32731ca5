/** A storer that keeps everything in one SQLite file. @module */
import { ConfigError, type Duration, seconds } from "@castellan/core";
import { SqliteDatabase } from "./sqlite/database.ts";
import { sqliteDialect } from "./sqlite/dialect.ts";
import { migrate, pendingSql } from "./sqlite/migrate.ts";
import { openConnection } from "./sqlite/open.ts";
import { type SyncSessionOperations, syncSessionOperations } from "./sqlite/sessions.ts";
import { operationsOf, type SqlOperations } from "./storer.ts";

export type { SqlUser } from "./operations/users.ts";
export { migrationSql } from "./sqlite/schema.ts";
export type { SyncSessionOperations } from "./sqlite/sessions.ts";

export interface SqliteOptions {
  /** The file, made if there is none; `":memory:"` for a database that ends with the storer. */
  readonly file: string;
  /**
   * `"full"`: what is acknowledged survives a power cut. `"normal"`: it survives the end of the process only, and writing is faster.
   * @default "full"
   */
  readonly synchronous?: "full" | "normal";
  /**
   * How long a statement may wait for another process that is writing. Nothing else happens in this process meanwhile.
   * @default seconds(2)
   */
  readonly busyTimeout?: Duration;
  /** Is told the text of each statement before it runs. Never told a value. For tests and measurements. @default nothing is told */
  readonly onQuery?: (sql: string) => void;
}

const DEFAULTS = { synchronous: "full", busyTimeout: seconds(2), onQuery: () => {} } as const satisfies Omit<
  Required<SqliteOptions>,
  "file"
>;

export interface SqliteStorer extends SqlOperations, SyncSessionOperations {}

/** Opens the file. The schema is made or brought up to date by `ready()`, which Castellan calls. */
export async function sqlite(fileOrOptions: string | SqliteOptions): Promise<SqliteStorer> {
  const settings = { ...DEFAULTS, ...(typeof fileOrOptions === "string" ? { file: fileOrOptions } : fileOrOptions) };
  checkSettings(settings);
  const { file, onQuery } = settings;
  const database = new SqliteDatabase(await openConnection(settings), file, onQuery);
  return {
    ...operationsOf(database, sqliteDialect),
    ...syncSessionOperations(database, sqliteDialect.sessions),
    ready: async () => migrate(database, file),
    pendingSql: async () => pendingSql(database, file),
    close: async () => database.close(),
  };
}

/** Options may come from plain JavaScript, or from a configuration file. */
function checkSettings({ file, synchronous, busyTimeout, onQuery }: Required<SqliteOptions>): void {
  const problems: string[] = [];
  if (typeof file !== "string" || file === "") problems.push('storer-sql: sqlite() needs a file name, for example sqlite("app.db")');
  if (synchronous !== "full" && synchronous !== "normal") problems.push('storer-sql: `synchronous` is "full" or "normal"');
  if (!Number.isFinite(busyTimeout) || busyTimeout < 0) problems.push("storer-sql: `busyTimeout` is a duration, for example seconds(2)");
  if (typeof onQuery !== "function") problems.push("storer-sql: `onQuery` is a function");
  if (problems.length > 0) throw new ConfigError(problems);
}
