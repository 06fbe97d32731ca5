/** Counters. @module */
import type { CountOperations } from "@castellan/core";
import { millisecondsOf } from "../codec.ts";
import { type CounterRow, counterRow, isOver } from "../rows.ts";
import { remove, type View } from "../store.ts";
import { noteEnd, putRow, rowOf, type Table } from "../table.ts";

export function countOperations(table: Table): CountOperations {
  const { store, keys } = table;
  /** The counter's key, its row while the window runs, and whether there is a row at all. */
  const seen = async (view: View, key: string, now: Date) => {
    const place = keys.count(key);
    const [entry] = await view.get(place);
    const row = rowOf(counterRow, entry);
    return { place, isThere: row !== null, running: row && !isOver(row.resetsAt, now) ? row : null };
  };

  return {
    countUse: (key, limit, windowMs, now) =>
      store.decide(keys.count(key), async (view) => {
        const { place, isThere, running } = await seen(view, key, now);
        const { used, resetsAt }: CounterRow = running ?? { used: 0, resetsAt: new Date(millisecondsOf(now) + windowMs) };
        // A refusal writes nothing, so that a flood that is turned away costs no write.
        if (used >= limit) return { admitted: false, resetsAt };
        view.change(putRow(place, counterRow, { used: used + 1, resetsAt }));
        if (!isThere) view.change(noteEnd(table, place, resetsAt.getTime()));
        return { admitted: true, resetsAt };
      }),
    takeBackUse: (key, now) =>
      store.decide(keys.count(key), async (view) => {
        const { place, running } = await seen(view, key, now);
        if (running && running.used > 0) view.change(putRow(place, counterRow, { ...running, used: running.used - 1 }));
      }),
    async forgetUses(key) {
      await store.change([], remove(keys.count(key)));
    },
  };
}
