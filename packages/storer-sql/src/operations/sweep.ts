/** Removing what has expired: `sweep` of the capability "server". @module */
import type { Database, Statement } from "../database.ts";

/** One for each table with rows that expire. */
export type SweepStatements = readonly Statement<[now: number, limit: number]>[];

export function sweepOperation(database: Database, statements: SweepStatements): (now: Date, limit: number) => Promise<number> {
  return async (now, limit) => {
    let swept = 0;
    for (const statement of statements) {
      if (swept >= limit) break;
      swept += await database.change(statement, now.getTime(), limit - swept);
    }
    return swept;
  };
}
