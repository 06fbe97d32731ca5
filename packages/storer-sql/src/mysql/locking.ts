/**
 * MySQL's UPDATE and DELETE do not answer what they changed. Where an operation wants to know, one short transaction does both: a SELECT that takes the row's lock has the whole condition in it and decides;
 * what it answers is the answer; the write makes it so. Whoever comes at the same time waits for the lock, and then sees the row as it has become. @module
 */

export interface Locking {
  /** The write, once for each row that was found. `:name` stands for a column of that row. */
  readonly sql: string;
  /** The SELECT … FOR UPDATE: when it finds no row, nothing happens. */
  readonly locked: string;
  /** A write before it that makes a row to be locked where there is none. It is taken back when no row is found. */
  readonly before?: string;
}

export const isLocking = (statement: { readonly sql: string }): statement is Locking => "locked" in statement;

/** As a value of its own: the operations know a statement by its `sql` alone. */
export const underLock = (parts: Locking): Locking => parts;
