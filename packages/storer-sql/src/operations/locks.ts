/** Counted attempts and locks: the capability "lockable", but for its links. @module */
import type { LockOperations } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

export interface LockStatements {
  /** Answers a row exactly when it wrote: the attempt is admitted, or this very call has begun a lock. */
  readonly admitAttempt: Statement<
    [subject: string, after: number, windowMs: number, lastsMs: number, longestMs: number, forgetsMs: number, now: number],
    { readonly locked_until: number | null }
  >;
  readonly lockOf: Statement<[subject: string], { readonly locked_until: number | null }>;
  readonly takeBackAttempt: Statement<[subject: string, now: number]>;
  readonly clearAttempts: Statement<[subject: string, now: number]>;
  readonly lockUser: Statement<[pid: string, until: number]>;
  /** Leaves a row that says nothing, for `sweep`: what it writes tells whether there is such a user. */
  readonly unlockUser: Statement<[pid: string]>;
}

export function lockOperations(database: Database, sql: LockStatements): Omit<LockOperations, "startUnlock" | "finishUnlock"> {
  return {
    async admitAttempt(subject, { after, window, lasts, longest, forgets }, now) {
      const wrote = await database.first(sql.admitAttempt, subject, after, window, lasts, longest, forgets, now.getTime());
      if (wrote) {
        if (wrote.locked_until === null) return { admitted: true };
        return { admitted: false, lockedUntil: new Date(wrote.locked_until), lockedNow: true };
      }
      // Only asks until when; the statement before has decided.
      const running = await database.first(sql.lockOf, subject);
      return { admitted: false, lockedUntil: new Date(running?.locked_until ?? now.getTime()), lockedNow: false };
    },
    async takeBackAttempt(subject, now) {
      await database.change(sql.takeBackAttempt, subject, now.getTime());
    },
    async clearAttempts(subject, now) {
      await database.change(sql.clearAttempts, subject, now.getTime());
    },
    async lockUser(pid, until) {
      return (await database.change(sql.lockUser, pid, until.getTime())) > 0;
    },
    async unlockUser(pid) {
      return (await database.change(sql.unlockUser, pid)) > 0;
    },
  };
}
