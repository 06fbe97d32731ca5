/** The options that storers on database servers share. @module */
import { ConfigError, type Duration, isDuration, seconds } from "@castellan/core";

export interface ServerOptions {
  /** Where the database is, for example `postgres://user:password@host:5432/database?sslmode=verify-full`. */
  readonly uri: string;
  /** How many connections there are at most; further operations wait for one. @default 10 */
  readonly connections?: number;
  /** How long an operation may wait for a connection, be it made or become free. @default seconds(5) */
  readonly connectTimeout?: Duration;
  /** How long a statement may take. The server ends it then, and the operation rejects. @default seconds(10) */
  readonly statementTimeout?: Duration;
  /** Is told the text of each statement before it runs. Never told a value. For tests and measurements. @default nothing is told */
  readonly onQuery?: (sql: string) => void;
}

const DEFAULTS = { connections: 10, connectTimeout: seconds(5), statementTimeout: seconds(10), onQuery: () => {} } as const satisfies Omit<
  Required<ServerOptions>,
  "uri"
>;

/** With the defaults filled in. Options may come from plain JavaScript, or from a configuration file. */
export function settingsOf(uriOrOptions: string | ServerOptions): Required<ServerOptions> {
  const settings = { ...DEFAULTS, ...(typeof uriOrOptions === "string" ? { uri: uriOrOptions } : uriOrOptions) };
  const { connections, connectTimeout, statementTimeout, onQuery } = settings;
  const problems: string[] = [];
  if (!Number.isSafeInteger(connections) || connections < 1) problems.push("storer-sql: `connections` is a whole number from 1 on");
  if (!isDuration(connectTimeout)) problems.push("storer-sql: `connectTimeout` is a duration, for example seconds(5)");
  if (!isDuration(statementTimeout)) problems.push("storer-sql: `statementTimeout` is a duration, for example seconds(10)");
  if (typeof onQuery !== "function") problems.push("storer-sql: `onQuery` is a function");
  if (problems.length > 0) throw new ConfigError(problems);
  return settings;
}
