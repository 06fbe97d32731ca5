/** Counters for limits: the capability "counting". @module */
import type { CountOperations } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

interface Window {
  readonly resets_at: number;
}

export interface CountStatements {
  /** Answers a row exactly when the use is admitted, and writes nothing when it is refused. */
  readonly countUse: Statement<[key: string, limit: number, windowMs: number, now: number], Window>;
  readonly windowOf: Statement<[key: string], Window>;
  readonly takeBackUse: Statement<[key: string, now: number]>;
  readonly forgetUses: Statement<[key: string]>;
}

export function countOperations(database: Database, sql: CountStatements): CountOperations {
  return {
    async countUse(key, limit, windowMs, now) {
      const admitted = await database.first(sql.countUse, key, limit, windowMs, now.getTime());
      if (admitted) return { admitted: true, resetsAt: new Date(admitted.resets_at) };
      // Only asks when to come back; the statement before has decided. A flood of refused uses so costs no write to the disk.
      const running = await database.first(sql.windowOf, key);
      return { admitted: false, resetsAt: new Date(running?.resets_at ?? now.getTime() + windowMs) };
    },
    async takeBackUse(key, now) {
      await database.change(sql.takeBackUse, key, now.getTime());
    },
    async forgetUses(key) {
      await database.change(sql.forgetUses, key);
    },
  };
}
