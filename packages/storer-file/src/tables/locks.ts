/** Counted attempts and locks. @module */
import type { LockOperations } from "@castellan/core";
import { type AttemptRow, isOver, type Operation, type Tables } from "./tables.ts";

/** Whether a row says nothing any more. */
export const isSpent = ({ windowEndsAt, lock, forgetsAt }: AttemptRow, now: Date): boolean =>
  isOver(windowEndsAt, now) && (!lock || isOver(lock.until, now)) && (!forgetsAt || isOver(forgetsAt, now));

export function lockOperations({ users, attempts }: Tables, operation: Operation): Omit<LockOperations, "startUnlock" | "finishUnlock"> {
  return {
    admitAttempt: operation("admitAttempt", (subject, policy, now) => {
      const row = attempts.get(subject);
      if (row?.lock && !isOver(row.lock.until, now)) return { admitted: false, lockedUntil: row.lock.until, lockedNow: false };
      const later = (milliseconds: number): Date => new Date(now.getTime() + milliseconds);
      const kept = { locks: row?.locks ?? 0, forgetsAt: row?.forgetsAt ?? null, lock: null };
      if (!row || row.lock || isOver(row.windowEndsAt, now)) {
        attempts.set(subject, { ...kept, used: 1, windowEndsAt: later(policy.window) });
        return { admitted: true };
      }
      if (row.used < policy.after) {
        attempts.set(subject, { ...row, used: row.used + 1 });
        return { admitted: true };
      }
      const locks = row.forgetsAt && !isOver(row.forgetsAt, now) ? row.locks + 1 : 1;
      const until = later(Math.min(policy.lasts * 2 ** (locks - 1), policy.longest));
      const forgetsAt = new Date(until.getTime() + policy.forgets);
      attempts.set(subject, { ...row, used: 0, locks, forgetsAt, lock: { at: now, until, by: "attempts" } });
      return { admitted: false, lockedUntil: until, lockedNow: true };
    }),
    takeBackAttempt: operation("takeBackAttempt", (subject, now) => {
      const row = attempts.get(subject);
      if (row && !row.lock && row.used > 0 && !isOver(row.windowEndsAt, now)) attempts.set(subject, { ...row, used: row.used - 1 });
    }),
    clearAttempts: operation("clearAttempts", (subject, now) => {
      const lock = attempts.get(subject)?.lock;
      if (!lock || isOver(lock.until, now)) attempts.delete(subject);
    }),
    lockUser: operation("lockUser", (pid, until) => {
      if (!users.has(pid)) return false;
      const row = attempts.get(`pid:${pid}`) ?? { locks: 0, forgetsAt: null, windowEndsAt: until };
      attempts.set(`pid:${pid}`, { ...row, used: 0, lock: { at: new Date(0), until, by: "administrator" } });
      return true;
    }),
    unlockUser: operation("unlockUser", (pid) => {
      if (!users.has(pid)) return false;
      attempts.delete(`pid:${pid}`);
      return true;
    }),
  };
}
