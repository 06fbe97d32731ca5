/** Rows for express-session in a file: they are answered at once, so that `req.session` need not be loaded beforehand. @module */
import type { StoredSession } from "@castellan/core";
import type { SessionStatements } from "../operations/sessions.ts";
import type { SqliteDatabase } from "./database.ts";

/** `SessionOperations` of core, without its promises. A failure is thrown at once too. */
export interface SyncSessionOperations {
  loadSession(key: string, now: Date): StoredSession | null;
  saveSession(key: string, session: StoredSession): void;
  touchSession(key: string, expiresAt: Date): void;
  destroySession(key: string): void;
}

export function syncSessionOperations(database: SqliteDatabase, sql: SessionStatements): SyncSessionOperations {
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
