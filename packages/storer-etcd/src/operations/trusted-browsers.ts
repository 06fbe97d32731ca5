/** Trusted browsers: rows under their user, by the key that the browser brings, and leads that keep key and public id to one of them. @module */
import type { TrustedBrowser, TrustedBrowserOperations } from "@castellan/core";
import { millisecondsOf } from "../codec.ts";
import { isOver, trustedRow, userRow } from "../rows.ts";
import { type Entry, remove, removeAll } from "../store.ts";
import { noteEnd, putLead, putRow, rowOf, type Table } from "../table.ts";

const LONGEST_LIST = 100;

export function trustedBrowserOperations(table: Table): TrustedBrowserOperations {
  const { store, keys } = table;
  const liveOf = (user: Entry | null | undefined, browser: Entry | null | undefined, now: Date): TrustedBrowser | null => {
    const row = rowOf(trustedRow, browser);
    return row && !isOver(row.expiresAt, now) && rowOf(userRow, user)?.epoch === row.epoch ? row : null;
  };

  return {
    addTrustedBrowser: (browser) =>
      store.decide(keys.trustedKey(browser.keyHash), async (view) => {
        const { pid, id, keyHash, epoch, expiresAt } = browser;
        const [place, leads] = [keys.trustedOf(pid, keyHash), [keys.trustedKey(keyHash), keys.trustedId(id)]];
        const [userEntry, ...leadEntries] = await view.get(keys.user(pid), ...leads);
        if (rowOf(userRow, userEntry)?.epoch !== epoch) return false;
        const led = leadEntries.flatMap((lead) => (lead ? keys.placeOf(lead.value).row : []));
        // Leads to what has been ended are nobody's.
        const taken = await view.get(place, ...led);
        if (taken.some((entry) => entry !== null)) return false;
        view.change(
          putRow(place, trustedRow, browser),
          ...leads.map((lead) => putLead(table, lead, place)),
          noteEnd(table, place, millisecondsOf(expiresAt), leads),
        );
        return true;
      }),
    async findTrustedBrowser(pid, keyHash, now) {
      millisecondsOf(now);
      const [user, browser] = await store.get(keys.user(pid), keys.trustedOf(pid, keyHash));
      return liveOf(user, browser, now);
    },
    async listTrustedBrowsers(pid, now) {
      millisecondsOf(now);
      const [user] = await store.get(keys.user(pid));
      return (await store.listAll(keys.allTrustedOf(pid)))
        .flatMap((browser) => liveOf(user, browser, now) ?? [])
        .sort((one, other) => other.createdAt.getTime() - one.createdAt.getTime())
        .slice(0, LONGEST_LIST);
    },
    async endTrustedBrowser(pid, id) {
      const lead = keys.trustedId(id);
      const [entry] = await store.get(lead);
      if (!entry || keys.placeOf(entry.value).user !== keys.user(pid)) return false;
      const removed = await store.change([], remove(keys.placeOf(entry.value).row), remove(lead));
      return (removed?.[0] ?? 0) > 0;
    },
    async endTrustedBrowsers(pid) {
      const removed = await store.change([], ...removeAll(keys.allTrustedOf(pid)));
      return removed?.[0] ?? 0;
    },
  };
}
