/** Rows for express-session. @module */
import type { StoredSession } from "@castellan/core";
import { type Collections, untilWritten } from "../collections.ts";
import { after, is, moment, text } from "../values.ts";

/** As core asks for them; a database elsewhere answers by a promise. */
export interface MongoSessionOperations {
  loadSession(key: string, now: Date): Promise<StoredSession | null>;
  saveSession(key: string, session: StoredSession): Promise<void>;
  touchSession(key: string, expiresAt: Date): Promise<void>;
  destroySession(key: string): Promise<void>;
}

export function sessionOperations({ sessions }: Collections): MongoSessionOperations {
  return {
    async loadSession(key, now) {
      const row = await sessions.findOne({ _id: is(key), expiresAt: after(now) });
      return row && { data: row.data, expiresAt: row.expiresAt };
    },
    async saveSession(key, session) {
      const row = { data: text(session.data), expiresAt: moment(session.expiresAt) };
      await untilWritten(() => sessions.replaceOne({ _id: is(key) }, row, { upsert: true }));
    },
    async touchSession(key, expiresAt) {
      await sessions.updateOne({ _id: is(key) }, { $set: { expiresAt: moment(expiresAt) } });
    },
    async destroySession(key) {
      await sessions.deleteOne({ _id: is(key) });
    },
  };
}
