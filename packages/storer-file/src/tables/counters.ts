/** Counters. @module */
import type { CountOperations } from "@castellan/core";
import { isOver, type Operation, type Tables } from "./tables.ts";

export function countOperations({ counters }: Tables, operation: Operation): CountOperations {
  const running = (key: string, now: Date) => {
    const counter = counters.get(key);
    return counter && !isOver(counter.resetsAt, now) ? counter : null;
  };

  return {
    countUse: operation("countUse", (key, limit, windowMs, now) => {
      const { used, resetsAt } = running(key, now) ?? { used: 0, resetsAt: new Date(now.getTime() + windowMs) };
      const admitted = used < limit;
      // Only what was admitted is counted, so that a use that is taken back makes room for another, however many were refused meanwhile.
      counters.set(key, { used: admitted ? used + 1 : used, resetsAt });
      return { admitted, resetsAt };
    }),
    takeBackUse: operation("takeBackUse", (key, now) => {
      const counter = running(key, now);
      if (counter) counters.set(key, { ...counter, used: Math.max(0, counter.used - 1) });
    }),
    forgetUses: operation("forgetUses", (key) => {
      counters.delete(key);
    }),
  };
}
