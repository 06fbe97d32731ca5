/** Connections to a database server that come and go. Losing one is the failure of the operation that used it, and of no other. @module */
import { ConfigError, Unavailable } from "@castellan/core";
import { WrongParameter } from "../values.ts";

/** What a driver's pool does. */
export interface Pool<Connection> {
  /** Waits for one that is free, or makes one; rejects when that takes too long. */
  connect(): Promise<Connection>;
  /** Called once for each connection, before its first use. */
  prepare(connection: Connection): Promise<void>;
  /** `destroy`: it is not to be used again. */
  release(connection: Connection, destroy: boolean): void;
  end(): Promise<void>;
}

/** What a driver's errors mean. */
export interface Errors {
  /** The server has answered, and the connection can be used on. */
  isAnswer(error: unknown): boolean;
  /** Nothing was done, and the same may succeed now: a deadlock, a conflict of two transactions. */
  isWorthAnotherTry(error: unknown): boolean;
  /** What is thrown, for the log: never with a value in its message. */
  failure(error: unknown): Unavailable;
}

/** Of fifty who want one row, each may have to let all others go first. */
const TRIES = 60;

/** The caller's or the operator's, and not the world's. */
const isMistake = (error: unknown): boolean => error instanceof WrongParameter || error instanceof ConfigError;

export class Connections<Connection extends object> {
  readonly #pool: Pool<Connection>;
  readonly #errors: Errors;
  readonly #place: string;
  /** Connections of an earlier one are not used again: one that broke has siblings that nobody has told yet. */
  #generation = 0;
  readonly #generations = new WeakMap<Connection, number>();
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;

  constructor(pool: Pool<Connection>, errors: Errors, place: string) {
    this.#pool = pool;
    this.#errors = errors;
    this.#place = place;
  }

  /** Runs one operation on one connection, again where that is worth it. `work` must be one that can be run again when the database has taken back what it did. */
  async use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    for (let left = TRIES - 1; ; left -= 1) {
      if (this.#closed) throw new Unavailable(`the database ${this.#place} is closed`);
      const running = this.#useOne(work);
      this.#underWay.add(running);
      try {
        return await running;
      } catch (error) {
        if (isMistake(error)) throw error;
        if (left === 0 || !this.#errors.isWorthAnotherTry(error)) throw this.#errors.failure(error);
      } finally {
        this.#underWay.delete(running);
      }
    }
  }

  /** Lets go of the connections, when what is under way is done. What comes later is refused. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    await this.#pool.end();
  }

  async #useOne<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    let isBroken = false;
    try {
      return await work(connection);
    } catch (error) {
      isBroken = !this.#errors.isAnswer(error) && !isMistake(error);
      if (isBroken) this.#generation += 1;
      throw error;
    } finally {
      this.#pool.release(connection, isBroken);
    }
  }

  async #connect(): Promise<Connection> {
    for (;;) {
      const connection = await this.#pool.connect();
      const generation = this.#generations.get(connection);
      if (generation === this.#generation) return connection;
      if (generation === undefined) return this.#prepared(connection);
      this.#pool.release(connection, true);
    }
  }

  async #prepared(connection: Connection): Promise<Connection> {
    this.#generations.set(connection, this.#generation);
    try {
      await this.#pool.prepare(connection);
      return connection;
    } catch (error) {
      this.#pool.release(connection, true);
      throw error;
    }
  }
}
