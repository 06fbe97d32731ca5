/** The SQL of express-session's rows. @module */
import type { SessionStatements } from "../../operations/sessions.ts";

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
