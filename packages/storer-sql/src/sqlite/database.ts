/** One connection to an SQLite file. Everything happens at once: what a method has answered is written. @module */
import { Unavailable } from "@castellan/core";
import type { Database, Statement, Value } from "../database.ts";
import type { SqliteConnection, SqliteStatement } from "./driver.ts";

/** SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE. */
const UNIQUE = new Set([1555, 2067]);
/** SQLITE_BUSY and SQLITE_LOCKED are the low byte; the rest tells them apart further. */
const BUSY = new Set([5, 6]);

const errcodeOf = (error: unknown): number =>
  typeof error === "object" && error !== null && "errcode" in error ? Number(error.errcode) : 0;

export const isBusy = (error: unknown): boolean => BUSY.has(errcodeOf(error) & 0xff);

/** What the world's failure becomes: the message is for the log, and names the file. */
export function failure(file: string, error: unknown): Unavailable {
  const message = `the database ${file} failed: ${error instanceof Error ? error.message : String(error)}`;
  return new Unavailable(message, { cause: error, ...(isBusy(error) && { reason: "busy", retryAfter: 1 }) });
}

type Text = Pick<Statement<readonly Value[]>, "sql">;

interface Prepared {
  readonly statement: SqliteStatement;
  readonly placeholders: number;
}

const placeholdersIn = (sql: string): number => Math.max(0, ...Array.from(sql.matchAll(/\?(\d+)/g), ([, number]) => Number(number)));

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
    return this.#run(statement, params, (prepared) => prepared.all(...params)) as Row[];
  }

  change<Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): number {
    return this.#run(statement, params, (prepared) => Number(prepared.run(...params).changes));
  }

  claim<Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): boolean {
    return this.#run(statement, params, (prepared) => {
      try {
        return Number(prepared.run(...params).changes) > 0;
      } catch (error) {
        if (UNIQUE.has(errcodeOf(error))) return false;
        throw error;
      }
    });
  }

  /** Runs SQL that is needed once. */
  execute(sql: string): void {
    this.#guarded(() => this.#connection.exec(sql), sql);
  }

  /** Takes back an open transaction, if there is one: a failed COMMIT may have ended it or not. */
  rollBack(): void {
    if (!this.#closed && this.#connection.isTransaction) this.execute("ROLLBACK");
  }

  /** Lets go of the file. What comes later is refused. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#prepared.clear();
    this.#connection.close();
  }

  #run<T>(statement: Text, params: readonly Value[], work: (prepared: SqliteStatement) => T): T {
    return this.#guarded(() => {
      const prepared = this.#prepare(statement);
      checkParams(params, prepared.placeholders, statement.sql);
      return work(prepared.statement);
    }, statement.sql);
  }

  #prepare(statement: Text): Prepared {
    const known = this.#prepared.get(statement);
    if (known) return known;
    const prepared = { statement: this.#connection.prepare(statement.sql), placeholders: placeholdersIn(statement.sql) };
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

/** A caller in plain JavaScript handed in something that is no text and no number. The caller's mistake, not the world's. */
class WrongParameter extends TypeError {}

/** The driver would bind a missing parameter or a Date as NULL, and take an object that comes first for named parameters: all silently. */
function checkParams(params: readonly unknown[], placeholders: number, sql: string): void {
  if (params.length !== placeholders) {
    throw new WrongParameter(`the statement has ${placeholders} placeholders and got ${params.length} values: ${sql}`);
  }
  for (const param of params) {
    if (param !== null && typeof param !== "string" && typeof param !== "number") {
      throw new WrongParameter(`a value to store must be a string, a number or null, not ${typeof param}`);
    }
  }
}
