/**
 * The seam between the operations and a database. The operations (`operations/`) know no SQL and no driver; a database brings a
 * {@link Database}, and the text of each {@link Statement} in its own dialect. @module
 */

/** What may be bound. Drivers disagree about everything else: a Date becomes NULL silently, a boolean an error or a number. */
export type Value = string | number | null;

/** SQL text with numbered placeholders (`?1`, `?2`): the same value may be needed twice, and a reader need not count. */
export interface Statement<Params extends readonly Value[], Row = never> {
  readonly sql: string;
  /** Carries the types; never set. */
  readonly types?: { readonly params: Params; readonly row: Row };
}

/** An embedded database answers at once, a server later; the operations await both. */
export type Awaitable<T> = T | Promise<T>;

/** A statement with its values, to be run together with others. Make one with {@link write}. */
export interface Write {
  readonly statement: Statement<readonly Value[]>;
  readonly params: readonly Value[];
}

export const write = <Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): Write => ({ statement, params });

/** Each method but `together` runs one statement, prepared once and kept, in a transaction of its own. A failure of the database is `Unavailable`. */
export interface Database {
  /** The first row that a statement answers, be it a query or a write with RETURNING; `null` for none. */
  first<Params extends readonly Value[], Row>(statement: Statement<Params, Row>, ...params: Params): Awaitable<Row | null>;
  /** All rows that a query answers. */
  all<Params extends readonly Value[], Row>(statement: Statement<Params, Row>, ...params: Params): Awaitable<readonly Row[]>;
  /** Runs a write. Answers how many rows met its condition. */
  change<Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): Awaitable<number>;
  /** Runs a write that a unique index may refuse: answers whether it wrote, `false` for a refusal. */
  claim<Params extends readonly Value[]>(statement: Statement<Params>, ...params: Params): Awaitable<boolean>;
  /**
   * Runs several writes in one transaction, all of them or none, and one after another with whatever else writes. Answers whether they were made: `false` when one of them met no row, or a unique index
   * refused it.
   */
  together(...writes: readonly Write[]): Awaitable<boolean>;
}
