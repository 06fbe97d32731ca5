/** The operations' view of a PostgreSQL server. @module */
import { createHash } from "node:crypto";
import { Unavailable } from "@castellan/core";
import type { Database, Statement, Value, Write } from "../database.ts";
import { Connections } from "../server/connections.ts";
import { codeOf, wordsOf } from "../server/driver.ts";
import { checkParams } from "../values.ts";
import type { PgClient, PgPool, PgResult } from "./driver.ts";
import { fromStored, toStored } from "./text.ts";

/** unique_violation, and foreign_key_violation: the user went while the statement ran. */
const REFUSED = new Set(["23505", "23503"]);
/** serialization_failure and deadlock_detected: nothing was done, and the next try may succeed. */
const AGAIN = new Set(["40001", "40P01"]);
/** query_canceled (by the time limit), lock_not_available, too_many_connections. */
const BUSY = new Set([...AGAIN, "57014", "55P03", "53300"]);

/** The server has answered, and the connection can be used on: not where it is ended (57P01 to 57P05, 25P03) or lost (08…), and not where the driver or the operating system has spoken. */
const isAnswer = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "severity" in error && !/^(08|57P|25P03)/.test(codeOf(error));

/** What the world's failure becomes. Where the server complains of data (22…, 23…) it quotes them: of that, only the code is told, to logs neither. */
function failure(place: string, error: unknown): Unavailable {
  const code = codeOf(error);
  const cause = /^2[23]...$/.test(code) ? new Error(`SQLSTATE ${code}`) : error;
  const words = wordsOf(cause);
  const isBusy = BUSY.has(code) || words.startsWith("timeout exceeded");
  return new Unavailable(`the database ${place} failed: ${words}`, { cause, ...(isBusy && { reason: "busy", retryAfter: 1 }) });
}

type Text = Pick<Statement<readonly Value[]>, "sql">;

interface Prepared {
  readonly name: string;
  readonly count: number;
}

export class PostgresDatabase implements Database {
  readonly #connections: Connections<PgClient>;
  readonly #onQuery: (sql: string) => void;
  readonly #prepared = new WeakMap<Text, Prepared>();

  constructor(pool: PgPool, place: string, onQuery: (sql: string) => void) {
    // A connection that breaks is heard of by the statement under way, if there is one; without a listener the event would end the process.
    pool.on("connect", (client) => client.on("error", () => {}));
    pool.on("error", () => {});
    this.#connections = new Connections(
      {
        connect: () => pool.connect(),
        prepare: async () => {},
        release: (client, destroy) => client.release(destroy),
        end: () => pool.end(),
      },
      { isAnswer, isWorthAnotherTry: (error) => AGAIN.has(codeOf(error)), failure: (error) => failure(place, error) },
      place,
    );
    this.#onQuery = onQuery;
  }

  async first<Params extends readonly Value[], Row>(statement: Statement<Params, Row>, ...params: Params): Promise<Row | null> {
    return (await this.all(statement, ...params))[0] ?? null;
  }

  async all<Params extends readonly Value[], Row>(statement: Statement<Params, Row>, ...params: Params): Promise<readonly Row[]> {
    const { rows } = await this.#connections.use((client) => this.#query(client, statement, params));
    // The rows are of the type that the statement declares: the one place where that is taken on trust.
    return rows.map(readable) as Row[];
  }

  async change<Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): Promise<number> {
    return this.#connections.use(async (client) => (await this.#query(client, statement, params)).rowCount ?? 0);
  }

  async claim<Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): Promise<boolean> {
    return this.#connections.use((client) => this.#claim(client, statement, params));
  }

  async together(...writes: readonly Write[]): Promise<boolean> {
    return this.transaction(async (client) => {
      for (const { statement, params } of writes) if (!(await this.#claim(client, statement, params))) return false;
      return true;
    });
  }

  /** One transaction, which stays if `work` answers `true`. */
  async transaction(work: (client: PgClient) => Promise<boolean>): Promise<boolean> {
    return this.#connections.use(async (client) => {
      await this.execute(client, "BEGIN");
      try {
        const isDone = await work(client);
        await this.execute(client, isDone ? "COMMIT" : "ROLLBACK");
        return isDone;
      } catch (error) {
        // The connection may be the reason, and is then given up.
        await this.execute(client, "ROLLBACK").catch(() => {});
        throw error;
      }
    });
  }

  /** Runs SQL that is needed once. `patience`: how long to wait for its answer, in milliseconds, if it is longer than for others. */
  execute(client: PgClient, text: string, patience?: number): Promise<PgResult> {
    this.#onQuery(text);
    return client.query(patience === undefined ? { text } : { text, query_timeout: patience });
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  async #claim(client: PgClient, statement: Text, params: readonly Value[]): Promise<boolean> {
    try {
      return ((await this.#query(client, statement, params)).rowCount ?? 0) > 0;
    } catch (error) {
      if (REFUSED.has(codeOf(error))) return false;
      throw error;
    }
  }

  async #query(client: PgClient, statement: Text, params: readonly Value[]): Promise<PgResult> {
    const { name, count } = this.#prepare(statement);
    checkParams(params, count, statement.sql);
    this.#onQuery(statement.sql);
    const values = params.map((value) => (typeof value === "string" ? toStored(value) : value));
    return client.query({ name, text: statement.sql, values });
  }

  #prepare(statement: Text): Prepared {
    const known = this.#prepared.get(statement);
    if (known) return known;
    const numbers = Array.from(statement.sql.matchAll(/\$(\d+)/g), ([, number]) => Number(number));
    // Named by its text: whoever else prepares one of this name, on a connection that a pooler shares, means the same.
    const name = `castellan_${createHash("sha256").update(statement.sql).digest("hex").slice(0, 32)}`;
    const prepared = { name, count: Math.max(0, ...numbers) };
    this.#prepared.set(statement, prepared);
    return prepared;
  }
}

const readable = (row: unknown): unknown =>
  Object.fromEntries(Object.entries(Object(row)).map(([name, value]) => [name, typeof value === "string" ? fromStored(value) : value]));
