/** The SQL of express-session's rows. @module */
import type { Statement } from "../../database.ts";

export interface SessionStatements {
  readonly loadSession: Statement<[key: string, now: number], { readonly data: string; readonly expires_at: number }>;
  readonly saveSession: Statement<[key: string, data: string, expiresAt: number]>;
  readonly touchSession: Statement<[key: string, expiresAt: number]>;
  readonly destroySession: Statement<[key: string]>;
}

export const sessions: SessionStatements = {
  loadSession: {
    sql: `SELECT data, expires_at
FROM castellan_session
WHERE key = ?1 AND expires_at > ?2`,
  },
  saveSession: {
    sql: `INSERT INTO castellan_session (key, data, expires_at)
VALUES (?1, ?2, ?3)
ON CONFLICT (key) DO UPDATE
SET data = excluded.data, expires_at = excluded.expires_at`,
  },
  touchSession: {
    sql: `UPDATE castellan_session
SET expires_at = ?2
WHERE key = ?1`,
  },
  destroySession: {
    sql: `DELETE FROM castellan_session
WHERE key = ?1`,
  },
};
