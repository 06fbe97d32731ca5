/** Rows for express-session: the capability "session-keeping". @module */
import type { SessionOperations } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

export interface SessionStatements {
  readonly loadSession: Statement<[key: string, now: number], { readonly data: string; readonly expires_at: number }>;
  readonly saveSession: Statement<[key: string, data: string, expiresAt: number]>;
  readonly touchSession: Statement<[key: string, expiresAt: number]>;
  readonly destroySession: Statement<[key: string]>;
}

export function sessionOperations(database: Database, sql: SessionStatements): SessionOperations {
  return {
    async loadSession(key, now) {
      const row = await database.first(sql.loadSession, key, now.getTime());
      return row && { data: row.data, expiresAt: new Date(row.expires_at) };
    },
    async saveSession(key, { data, expiresAt }) {
      await database.change(sql.saveSession, key, data, expiresAt.getTime());
    },
    async touchSession(key, expiresAt) {
      await database.change(sql.touchSession, key, expiresAt.getTime());
    },
    async destroySession(key) {
      await database.change(sql.destroySession, key);
    },
  };
}
