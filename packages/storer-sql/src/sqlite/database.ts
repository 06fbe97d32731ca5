/** One connection to an SQLite file. Everything happens at once: what a method has answered is written. @module */
import { Unavailable } from "@castellan/core";
import type { Database, Statement, Value, Write } from "../database.ts";
import { checkParams, WrongParameter } from "../values.ts";
import type { SqliteConnection, SqliteStatement } from "./driver.ts";

/** SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE. */
const UNIQUE = new Set([1555, 2067]);
/** SQLITE_BUSY and SQLITE_LOCKED are the low byte; the rest tells them apart further. */
const BUSY = new Set([5, 6]);

const errcodeOf = (error: unknown): number =>
  typeof error === "object" && error !== null && "errcode" in error ? Number(error.errcode) : 0;

/** Some drivers leave the code away where a statement answers rows. SQLite's own words for these two have never changed. */
const SAYS_BUSY = /^database (table )?is locked/;

export const isBusy = (error: unknown): boolean =>
  BUSY.has(errcodeOf(error) & 0xff) || (error instanceof Error && SAYS_BUSY.test(error.message));

/** What the world's failure becomes: the message is for the log, and names the file. */
export function failure(file: string, error: unknown): Unavailable {
  const message = `the database ${file} failed: ${error instanceof Error ? error.message : String(error)}`;
  return new Unavailable(message, { cause: error, ...(isBusy(error) && { reason: "busy", retryAfter: 1 }) });
}

type Text = Pick<Statement<readonly Value[]>, "sql">;

interface Prepared {
  readonly statement: SqliteStatement;
  /** Which value goes where, counted from 0. */
  readonly order: readonly number[];
  readonly count: number;
}

/** Node 22.13 takes numbered placeholders for named ones, and will not bind them by position: the driver sees plain ones. */
function prepare(connection: SqliteConnection, sql: string): Prepared {
  const order = Array.from(sql.matchAll(/\?(\d+)/g), ([, number]) => Number(number) - 1);
  return { statement: connection.prepare(sql.replaceAll(/\?\d+/g, "?")), order, count: Math.max(-1, ...order) + 1 };
}

export class SqliteDatabase implements Database {
  readonly #connection: SqliteConnection;
  readonly #file: string;
  readonly #onQuery: (sql: string) => void;
  readonly #prepared = new Map<Text, Prepared>();
  #closed = false;

  constructor(connection: SqliteConnection, file: string, onQuery: (sql: string) => void) {
    this.#connection = connection;
    this.#file = file;
    this.#onQuery = onQuery;
  }

  first<Params extends readonly Value[], Row>(statement: Statement<Params, Row>, ...params: Params): Row | null {
    return this.all(statement, ...params)[0] ?? null;
  }

  all<Params extends readonly Value[], Row>(statement: Statement<Params, Row>, ...params: Params): readonly Row[] {
    // Never the driver's `get`: it stops at the first row, and a write with RETURNING commits after the last one. When that commit fails, `get`
    // has answered already and the failure is lost.
    // The rows are of the type that the statement declares: the one place where that is taken on trust.
    return this.#run(statement, params, (prepared, values) => prepared.all(...values)) as Row[];
  }

  change<Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): number {
    return this.#run(statement, params, (prepared, values) => Number(prepared.run(...values).changes));
  }

  claim<Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): boolean {
    return this.#run(statement, params, (prepared, values) => {
      try {
        return Number(prepared.run(...values).changes) > 0;
      } catch (error) {
        if (UNIQUE.has(errcodeOf(error))) return false;
        throw error;
      }
    });
  }

  together(...writes: readonly Write[]): boolean {
    // As a writer from the start: a transaction that begins by reading may find at its first write that what it read is no longer so.
    this.execute("BEGIN IMMEDIATE");
    try {
      const isDone = writes.every(({ statement, params }) => this.claim(statement, ...params));
      this.execute(isDone ? "COMMIT" : "ROLLBACK");
      return isDone;
    } catch (error) {
      this.rollBack();
      throw error;
    }
  }

  /** Runs SQL that is needed once. */
  execute(sql: string): void {
    this.#guarded(() => this.#connection.exec(sql), sql);
  }

  /** Takes back an open transaction. */
  rollBack(): void {
    try {
      this.execute("ROLLBACK");
    } catch {
      // The failure that led here may have ended the transaction already, and is the one to be told.
    }
  }

  /** Lets go of the file. What comes later is refused. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#prepared.clear();
    this.#connection.close();
  }

  #run<T>(statement: Text, params: readonly Value[], work: (prepared: SqliteStatement, values: readonly Value[]) => T): T {
    return this.#guarded(() => {
      const { statement: prepared, order, count } = this.#prepare(statement);
      checkParams(params, count, statement.sql);
      // None is missing: they were counted.
      const values = order.map((index) => params[index] ?? null);
      return work(prepared, values);
    }, statement.sql);
  }

  #prepare(statement: Text): Prepared {
    const known = this.#prepared.get(statement);
    if (known) return known;
    const prepared = prepare(this.#connection, statement.sql);
    this.#prepared.set(statement, prepared);
    return prepared;
  }

  #guarded<T>(work: () => T, sql: string): T {
    if (this.#closed) throw new Unavailable(`the database ${this.#file} is closed`);
    this.#onQuery(sql);
    try {
      return work();
    } catch (error) {
      throw error instanceof WrongParameter ? error : failure(this.#file, error);
    }
  }
}
