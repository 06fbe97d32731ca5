/** Rows for express-session. @module */
import type { StoredSession } from "@castellan/core";
import { millisecondsOf } from "../codec.ts";
import { isOver, sessionRow } from "../rows.ts";
import { remove } from "../store.ts";
import { noteEnd, putRow, rowOf, type Table } from "../table.ts";

/** Answered by a promise, as every database at the other end of a wire does. */
export interface EtcdSessionOperations {
  loadSession(key: string, now: Date): Promise<StoredSession | null>;
  saveSession(key: string, session: StoredSession): Promise<void>;
  touchSession(key: string, expiresAt: Date): Promise<void>;
  destroySession(key: string): Promise<void>;
}

export function sessionOperations(table: Table): EtcdSessionOperations {
  const { store, keys } = table;
  return {
    async loadSession(key, now) {
      millisecondsOf(now);
      const [entry] = await store.get(keys.session(key));
      const session = rowOf(sessionRow, entry);
      return session && !isOver(session.expiresAt, now) ? session : null;
    },
    async saveSession(key, session) {
      const place = keys.session(key);
      const change = putRow(place, sessionRow, session);
      // Most are there already, and noted: one key is written, and none is read.
      if (await store.change([{ key: place, is: "there" }], change)) return;
      await store.change([], change, noteEnd(table, place, session.expiresAt.getTime()));
    },
    touchSession: (key, expiresAt) =>
      store.decide(keys.session(key), async (view) => {
        const place = keys.session(key);
        const [entry] = await view.get(place);
        const session = rowOf(sessionRow, entry);
        if (session) view.change(putRow(place, sessionRow, { ...session, expiresAt }));
      }),
    async destroySession(key) {
      await store.change([], remove(keys.session(key)));
    },
  };
}
