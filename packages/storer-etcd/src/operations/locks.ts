/** Counted attempts and locks. @module */
import type { LockOperations } from "@castellan/core";
import { millisecondsOf } from "../codec.ts";
import { type AttemptRow, attemptRow, isOver, spentAt } from "../rows.ts";
import { remove, type View } from "../store.ts";
import { noteEnd, putRow, rowOf, type Table } from "../table.ts";

export function lockOperations(table: Table): Omit<LockOperations, "startUnlock" | "finishUnlock"> {
  const { store, keys } = table;
  const rowIn = async (view: View, place: string): Promise<AttemptRow | null> => {
    const [entry] = await view.get(place);
    return rowOf(attemptRow, entry);
  };
  const putIn = (view: View, place: string, before: AttemptRow | null, row: AttemptRow): void => {
    view.change(putRow(place, attemptRow, row));
    if (!before || spentAt(row) < spentAt(before)) view.change(noteEnd(table, place, spentAt(row)));
  };

  return {
    admitAttempt: (subject, policy, now) =>
      store.decide(keys.attempts(subject), async (view) => {
        const place = keys.attempts(subject);
        const row = await rowIn(view, place);
        const at = millisecondsOf(now);
        if (row?.lock && !isOver(row.lock.until, now)) return { admitted: false, lockedUntil: row.lock.until, lockedNow: false };
        if (!row || row.lock || isOver(row.windowEndsAt, now)) {
          const kept = { locks: row?.locks ?? 0, forgetsAt: row?.forgetsAt ?? null, lock: null };
          putIn(view, place, row, { ...kept, used: 1, windowEndsAt: new Date(at + policy.window) });
          return { admitted: true };
        }
        if (row.used < policy.after) {
          putIn(view, place, row, { ...row, used: row.used + 1 });
          return { admitted: true };
        }
        const locks = row.forgetsAt && !isOver(row.forgetsAt, now) ? row.locks + 1 : 1;
        const until = new Date(at + Math.min(policy.lasts * 2 ** (locks - 1), policy.longest));
        const forgetsAt = new Date(until.getTime() + policy.forgets);
        putIn(view, place, row, { ...row, used: 0, locks, forgetsAt, lock: { at: now, until, by: "attempts" } });
        return { admitted: false, lockedUntil: until, lockedNow: true };
      }),
    takeBackAttempt: (subject, now) =>
      store.decide(keys.attempts(subject), async (view) => {
        const place = keys.attempts(subject);
        const row = await rowIn(view, place);
        if (row && !row.lock && row.used > 0 && !isOver(row.windowEndsAt, now)) putIn(view, place, row, { ...row, used: row.used - 1 });
      }),
    clearAttempts: (subject, now) =>
      store.decide(keys.attempts(subject), async (view) => {
        const place = keys.attempts(subject);
        const row = await rowIn(view, place);
        if (row && (!row.lock || isOver(row.lock.until, now))) view.change(remove(place));
      }),
    lockUser: (pid, until) =>
      store.decide(keys.attemptsOfUser(pid), async (view) => {
        const place = keys.attemptsOfUser(pid);
        const [user, entry] = await view.get(keys.user(pid), place);
        if (!user) return false;
        const before = rowOf(attemptRow, entry);
        const row = before ?? { locks: 0, forgetsAt: null, windowEndsAt: until };
        putIn(view, place, before, { ...row, used: 0, lock: { at: new Date(0), until, by: "administrator" } });
        return true;
      }),
    async unlockUser(pid) {
      return (await store.change([{ key: keys.user(pid), is: "there" }], remove(keys.attemptsOfUser(pid)))) !== null;
    },
  };
}
