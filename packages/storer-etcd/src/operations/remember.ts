/** Remembered browsers: rows under their user, and a lead from each selector. @module */
import type { RememberOperations } from "@castellan/core";
import { text } from "../codec.ts";
import { isOver, seriesRow, userRow } from "../rows.ts";
import { remove, removeAll } from "../store.ts";
import { noteEnd, putLead, putRow, rowOf, type Table } from "../table.ts";

export function rememberOperations(table: Table): RememberOperations {
  const { store, keys } = table;
  return {
    addRememberSeries: (series) =>
      store.decide(keys.series(series.selector), async (view) => {
        const { pid, selector, epoch, expiresAt } = series;
        const [lead, place] = [keys.series(selector), keys.seriesOf(pid, selector)];
        const [userEntry, leadEntry] = await view.get(keys.user(pid), lead);
        if (rowOf(userRow, userEntry)?.epoch !== epoch) return false;
        // A lead to what has been ended is nobody's.
        if (leadEntry && (await view.get(keys.placeOf(leadEntry.value).row))[0]) return false;
        view.change(
          putRow(place, seriesRow, { ...series, previousHash: null, rotatedAt: null }),
          putLead(table, lead, place),
          noteEnd(table, place, expiresAt.getTime(), [lead]),
        );
        return true;
      }),
    rotateRememberSeries: ({ selector, verifierHash }, next, grace, now) =>
      store.decide(keys.series(selector), async (view) => {
        text.write(next);
        const [lead] = await view.get(keys.series(selector));
        if (!lead) return null;
        const { row: place, user } = keys.placeOf(lead.value);
        const [entry, userEntry] = await view.get(place, user);
        const row = rowOf(seriesRow, entry);
        if (!row || isOver(row.expiresAt, now) || rowOf(userRow, userEntry)?.epoch !== row.epoch) return null;
        const { pid, epoch, expiresAt, previousHash, rotatedAt } = row;
        if (row.verifierHash === verifierHash) {
          view.change(putRow(place, seriesRow, { ...row, verifierHash: next, previousHash: verifierHash, rotatedAt: now }));
          return { kind: "rotated", pid, epoch, expiresAt };
        }
        const isRecent = rotatedAt !== null && rotatedAt.getTime() + grace > now.getTime();
        if (previousHash === verifierHash && isRecent) return { kind: "grace", pid, epoch };
        view.change(remove(place), remove(lead.key));
        return { kind: "stolen", pid };
      }),
    async endRememberSeries(selector) {
      const [lead] = await store.get(keys.series(selector));
      if (!lead) return false;
      const removed = await store.change([], remove(keys.placeOf(lead.value).row), remove(lead.key));
      return (removed?.[0] ?? 0) > 0;
    },
    async endRememberSeriesOf(pid, except) {
      const spared = except === null ? null : keys.seriesOf(pid, except);
      const removed = await store.change([], ...removeAll(keys.allSeriesOf(pid), spared));
      return (removed ?? []).reduce((sum, count) => sum + count, 0);
    },
  };
}
