/** Rows for express-session: the capability "session-keeping". Answers at once, so that `req.session` need not be loaded beforehand. @module */
import type { StoredSession } from "@castellan/core";
import type { SqliteDatabase } from "./database.ts";
import type { SessionStatements } from "./statements/sessions.ts";

/** `SessionOperations` of core, without its promises. A failure is thrown at once too. */
export interface SyncSessionOperations {
  loadSession(key: string, now: Date): StoredSession | null;
  saveSession(key: string, session: StoredSession): void;
  touchSession(key: string, expiresAt: Date): void;
  destroySession(key: string): void;
}

export function sessionOperations(database: SqliteDatabase, sql: SessionStatements): SyncSessionOperations {
  return {
    loadSession(key, now) {
      const row = database.first(sql.loadSession, key, now.getTime());
      return row && { data: row.data, expiresAt: new Date(row.expires_at) };
    },
    saveSession(key, { data, expiresAt }) {
      database.change(sql.saveSession, key, data, expiresAt.getTime());
    },
    touchSession(key, expiresAt) {
      database.change(sql.touchSession, key, expiresAt.getTime());
    },
    destroySession(key) {
      database.change(sql.destroySession, key);
    },
  };
}
