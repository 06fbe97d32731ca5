/** The pool of `mysql2`, by promises, with texts as texts and every connection set up alike. @module */
import type { Value } from "../database.ts";
import type { Pool } from "../server/connections.ts";
import type { MysqlConnection, MysqlDriver, MysqlPool, MysqlQuery } from "./driver.ts";

type Row = Readonly<Record<string, Value>>;

export interface PoolSettings {
  readonly connectTimeout: number;
  readonly statementTimeout: number;
}

/** The server ends a statement that takes too long. Where even that is not heard of, the connection is given up so much later. */
const PATIENCE_MS = 1000;

/** All connections are in use, or none can be made. */
export class NoConnectionInTime extends Error {}

export class MysqlConnections implements Pool<MysqlConnection> {
  readonly #driver: MysqlDriver;
  readonly #pool: MysqlPool;
  readonly #settings: PoolSettings;
  readonly #patient = new WeakSet<MysqlConnection>();

  constructor(driver: MysqlDriver, pool: MysqlPool, settings: PoolSettings) {
    this.#driver = driver;
    this.#pool = pool;
    this.#settings = settings;
    // A connection that breaks is heard of by the statement under way, if there is one; without a listener the event would end the process.
    pool.on("connection", (connection) => connection.on("error", () => {}));
  }

  connect(): Promise<MysqlConnection> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        reject(new NoConnectionInTime("no connection became free in time"));
      }, this.#settings.connectTimeout);
      this.#pool.getConnection((error, connection) => {
        clearTimeout(timer);
        if (error) return reject(error);
        if (isLate) return connection.release();
        return resolve(connection);
      });
    });
  }

  async prepare(connection: MysqlConnection): Promise<void> {
    const seconds = Math.max(1, Math.ceil(this.#settings.statementTimeout / 1000));
    // Strict: a text that does not fit is refused, and never cut. Whoever waits for a lock sees afterwards what was committed meanwhile.
    await this.query(connection, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    await this.query(
      connection,
      `SET SESSION autocommit = 1, sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = ${seconds}`,
    );
    await this.#limitStatements(connection, this.#settings.statementTimeout);
  }

  /** How long one may take, in milliseconds; 0 for as long as it likes. */
  async #limitStatements(connection: MysqlConnection, limit: number): Promise<void> {
    const [about] = await this.query(connection, "SELECT version() AS version");
    const isMariadb = String(about?.["version"]).includes("MariaDB");
    // MySQL knows such a limit for SELECT alone; what else may take long there is waiting for a lock, which has its own.
    await this.query(connection, `SET SESSION ${isMariadb ? `max_statement_time = ${limit / 1000}` : `max_execution_time = ${limit}`}`);
  }

  /** Runs `work`, whose statements may take as long as they like. */
  async unlimited(connection: MysqlConnection, work: () => Promise<void>): Promise<void> {
    this.#patient.add(connection);
    await this.#limitStatements(connection, 0);
    try {
      await work();
    } finally {
      this.#patient.delete(connection);
      await this.#limitStatements(connection, this.#settings.statementTimeout);
    }
  }

  release(connection: MysqlConnection, destroy: boolean): void {
    if (destroy) connection.destroy();
    else connection.release();
  }

  end(): Promise<void> {
    // One that was lost already cannot be closed any more: that is no failure of closing.
    return new Promise((resolve) => this.#pool.end(() => resolve()));
  }

  /** Runs SQL without values. */
  async query(connection: MysqlConnection, sql: string): Promise<readonly Row[]> {
    const query = this.#patient.has(connection) ? { sql } : { sql, timeout: this.#settings.statementTimeout + PATIENCE_MS };
    return (await answerOf((answer) => connection.query(query, answer))).rows;
  }

  /** Runs a prepared statement. Whole numbers are sent as such: the driver's own choice are floating-point ones. */
  async execute(
    connection: MysqlConnection,
    sql: string,
    values: readonly Value[],
  ): Promise<{ readonly rows: readonly Row[]; readonly changed: number }> {
    const query: MysqlQuery = {
      sql,
      values: values.map((value) => (Number.isSafeInteger(value) ? this.#driver.TypedParameter.LONGLONG(Number(value)) : value)),
      timeout: this.#settings.statementTimeout + PATIENCE_MS,
    };
    return answerOf((answer) => connection.execute(query, answer));
  }
}

function answerOf(
  send: (answer: (error: Error | null, result?: unknown) => void) => void,
): Promise<{ readonly rows: readonly Row[]; readonly changed: number }> {
  return new Promise((resolve, reject) => {
    send((error, result) => {
      if (error) return reject(error);
      if (Array.isArray(result)) return resolve({ rows: result.map(readable), changed: 0 });
      return resolve({ rows: [], changed: Number(Object(result).affectedRows ?? 0) });
    });
  });
}

/** Columns of bytes hold texts, so that they are compared byte by byte. */
function readable(row: unknown): Row {
  const columns = Object.entries(Object(row)).map(([name, value]) => [name, Buffer.isBuffer(value) ? value.toString("utf8") : value]);
  // Our tables hold numbers, texts and nothing else.
  return Object.fromEntries(columns) as Row;
}
