/** What is used of the package `pg`. @module */
import { loadDriver } from "../server/driver.ts";

export interface PgResult {
  readonly rows: unknown[];
  readonly rowCount: number | null;
}

export interface PgQuery {
  readonly text: string;
  /** It is prepared once on each connection under this name. */
  readonly name?: string;
  readonly values?: readonly unknown[];
  /** Milliseconds. */
  readonly query_timeout?: number;
}

export interface PgClient {
  query(query: PgQuery): Promise<PgResult>;
  on(event: "error", listener: (error: Error) => void): unknown;
  /** `true`: it is not to be used again. */
  release(destroy: boolean): void;
}

export interface PgPool {
  connect(): Promise<PgClient>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "connect", listener: (client: PgClient) => void): unknown;
}

export interface PgDriver {
  readonly Pool: new (config: Readonly<Record<string, unknown>>) => PgPool;
  readonly types: { getTypeParser(oid: number, format?: string): (text: string) => unknown };
}

const isDriver = (module: unknown): module is PgDriver =>
  typeof module === "object" && module !== null && "Pool" in module && typeof module.Pool === "function" && "types" in module;

export const loadPg = (name = "pg"): Promise<PgDriver> => loadDriver(name, "PostgreSQL", isDriver);
