/** What is used of the package `mysql2`. @module */
import { loadDriver } from "../server/driver.ts";

type Answer = (error: Error | null, result?: unknown) => void;

export interface MysqlQuery {
  readonly sql: string;
  readonly values?: readonly unknown[];
  /** Milliseconds without an answer, after which the connection is given up. */
  readonly timeout?: number;
}

export interface MysqlConnection {
  query(query: MysqlQuery, answer: Answer): unknown;
  execute(query: MysqlQuery, answer: Answer): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  release(): void;
  destroy(): void;
}

export interface MysqlPool {
  getConnection(answer: (error: Error | null, connection: MysqlConnection) => void): void;
  end(answer: (error?: Error | null) => void): void;
  on(event: "connection", listener: (connection: MysqlConnection) => void): unknown;
}

export interface MysqlDriver {
  createPool(config: Readonly<Record<string, unknown>>): MysqlPool;
  readonly TypedParameter: { LONGLONG(value: number): unknown };
}

const isDriver = (module: unknown): module is MysqlDriver =>
  typeof module === "object" && module !== null && "createPool" in module && "TypedParameter" in module;

export const loadMysql = (name = "mysql2"): Promise<MysqlDriver> => loadDriver(name, "MySQL or MariaDB", isDriver);
