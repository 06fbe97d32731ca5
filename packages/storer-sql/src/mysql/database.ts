/** The operations' view of a MySQL or MariaDB server. @module */
import { Unavailable } from "@castellan/core";
import type { Database, Statement, Value, Write } from "../database.ts";
import { Connections } from "../server/connections.ts";
import { codeOf, wordsOf } from "../server/driver.ts";
import { checkParams } from "../values.ts";
import type { MysqlConnection } from "./driver.ts";
import { isLocking, type Locking } from "./locking.ts";
import { type MysqlConnections, NoConnectionInTime } from "./pool.ts";

// By number: the two servers share these, and a driver has names for those of one of them.
/** A unique index, and a foreign key: the user went while the statement ran. */
const REFUSED = new Set([1062, 1452]);
/** A deadlock, or a row that changed since it was read: nothing was done, and the next try may succeed. */
const AGAIN = new Set([1213, 1020]);
/** A lock that was not to be had in time, too many connections, a statement that took too long (of MySQL, of MariaDB). */
const BUSY = new Set([...AGAIN, 1205, 1040, 3024, 1969]);
/** The connection ends with these: a server that stops, somebody who killed it, one that was idle for too long. */
const ENDING = new Set([1053, 1927, 4031]);

/** The server's own number, or 0: those of the operating system are negative. */
const numberOf = (error: unknown): number =>
  typeof error === "object" && error !== null && "errno" in error ? Math.max(0, Number(error.errno) || 0) : 0;

const isFatal = (error: unknown): boolean => typeof error === "object" && error !== null && "fatal" in error && error.fatal === true;

const isAnswer = (error: unknown): boolean => numberOf(error) >= 1000 && !isFatal(error) && !ENDING.has(numberOf(error));

const stateOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "sqlState" in error ? String(error.sqlState) : "";

/** What the world's failure becomes. Where the server complains of data (22…, 23…, HY000) it quotes them: of that, only the code is told, to logs neither. */
function failure(place: string, error: unknown): Unavailable {
  const code = codeOf(error);
  const cause = numberOf(error) >= 1000 && /^(22|23|HY000$)/.test(stateOf(error)) ? new Error(code) : error;
  const isBusy = BUSY.has(numberOf(error)) || error instanceof NoConnectionInTime;
  return new Unavailable(`the database ${place} failed: ${wordsOf(cause)}`, { cause, ...(isBusy && { reason: "busy", retryAfter: 1 }) });
}

type Text = Pick<Statement<readonly Value[]>, "sql">;
type Row = Readonly<Record<string, Value>>;

interface Prepared {
  readonly sql: string;
  /** What goes where: the number of a parameter, counted from 0, or the name of a column of the locked row. */
  readonly order: readonly (number | string)[];
  readonly count: number;
}

/** `?1` and `:name` as the plain placeholders that the driver knows. */
function prepare(sql: string): Prepared {
  const order = Array.from(sql.matchAll(/\?(\d+)|:([a-z_]+)/g), ([, number, name]) => name ?? Number(number) - 1);
  const numbers = order.filter((place) => typeof place === "number");
  return { sql: sql.replaceAll(/\?\d+|:[a-z_]+/g, "?"), order, count: Math.max(-1, ...numbers) + 1 };
}

/** What a write answers. */
interface Outcome {
  readonly rows: readonly Row[];
  readonly changed: number;
}

export class MysqlDatabase implements Database {
  readonly #connections: Connections<MysqlConnection>;
  readonly #wire: MysqlConnections;
  readonly #onQuery: (sql: string) => void;
  readonly #prepared = new Map<string, Prepared>();

  constructor(wire: MysqlConnections, place: string, onQuery: (sql: string) => void) {
    this.#wire = wire;
    this.#connections = new Connections(
      wire,
      { isAnswer, isWorthAnotherTry: (error) => AGAIN.has(numberOf(error)), failure: (error) => failure(place, error) },
      place,
    );
    this.#onQuery = onQuery;
  }

  async first<Params extends readonly Value[], R>(statement: Statement<Params, R>, ...params: Params): Promise<R | null> {
    return (await this.all(statement, ...params))[0] ?? null;
  }

  async all<Params extends readonly Value[], R>(statement: Statement<Params, R>, ...params: Params): Promise<readonly R[]> {
    const { rows } = await this.#run(statement, params);
    // The rows are of the type that the statement declares: the one place where that is taken on trust.
    return rows as unknown as readonly R[];
  }

  async change<Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): Promise<number> {
    return (await this.#run(statement, params)).changed;
  }

  async claim<Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): Promise<boolean> {
    const attempt = (connection: MysqlConnection) =>
      refusedOr(async () => (await this.#perform(connection, statement, params)).changed > 0);
    return isLocking(statement) ? this.#transaction(attempt) : this.#connections.use(attempt);
  }

  async together(...writes: readonly Write[]): Promise<boolean> {
    return this.#transaction(async (connection) =>
      refusedOr(async () => {
        for (const { statement, params } of writes) if ((await this.#perform(connection, statement, params)).changed === 0) return false;
        return true;
      }),
    );
  }

  /** Several things on one connection, without a transaction around them. */
  session<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    return this.#connections.use(work);
  }

  /** Runs SQL that is needed once. */
  execute(connection: MysqlConnection, sql: string): Promise<readonly Row[]> {
    this.#onQuery(sql);
    return this.#wire.query(connection, sql);
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  async #run(statement: Text, params: readonly Value[]): Promise<Outcome> {
    if (!isLocking(statement)) return this.#connections.use((connection) => this.#perform(connection, statement, params));
    let outcome: Outcome = { rows: [], changed: 0 };
    await this.#transaction(async (connection) => {
      outcome = await this.#perform(connection, statement, params);
      return outcome.changed > 0;
    });
    return outcome;
  }

  /** One transaction, which stays if `work` answers `true`. */
  #transaction(work: (connection: MysqlConnection) => Promise<boolean>): Promise<boolean> {
    return this.#connections.use(async (connection) => {
      await this.execute(connection, "START TRANSACTION");
      try {
        const isDone = await work(connection);
        await this.execute(connection, isDone ? "COMMIT" : "ROLLBACK");
        return isDone;
      } catch (error) {
        // The connection may be the reason, and is then given up.
        await this.execute(connection, "ROLLBACK").catch(() => {});
        throw error;
      }
    });
  }

  async #perform(connection: MysqlConnection, statement: Text, params: readonly Value[]): Promise<Outcome> {
    const { sql, locked, before }: Partial<Locking> & Text = statement;
    checkParams(params, this.#countOf([sql, locked ?? "", before ?? ""]), sql);
    if (locked === undefined) return this.#send(connection, sql, params, {});
    if (before !== undefined) await this.#send(connection, before, params, {});
    const { rows } = await this.#send(connection, locked, params, {});
    for (const row of rows) await this.#send(connection, sql, params, row);
    return { rows, changed: rows.length };
  }

  #countOf(parts: readonly string[]): number {
    return Math.max(...parts.map((sql) => this.#prepare(sql).count));
  }

  #send(connection: MysqlConnection, text: string, params: readonly Value[], row: Row): Promise<Outcome> {
    const { sql, order } = this.#prepare(text);
    this.#onQuery(text);
    // None is missing: parameters were counted, and a test has every statement name columns that are there.
    const values = order.map((place) => (typeof place === "number" ? params[place] : row[place]) ?? null);
    return this.#wire.execute(connection, sql, values);
  }

  #prepare(text: string): Prepared {
    const known = this.#prepared.get(text);
    if (known) return known;
    const prepared = prepare(text);
    this.#prepared.set(text, prepared);
    return prepared;
  }
}

async function refusedOr(work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    if (REFUSED.has(numberOf(error))) return false;
    throw error;
  }
}
