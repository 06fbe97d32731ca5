/** The SQL of express-session's rows. @module */
import type { SessionStatements } from "../../operations/sessions.ts";

export const sessions: SessionStatements = {
  loadSession: {
    sql: `SELECT data, expires_at
FROM castellan_session
WHERE session_key = ?1 AND expires_at > ?2`,
  },
  saveSession: {
    sql: `INSERT INTO castellan_session (session_key, data, expires_at)
VALUES (?1, ?2, ?3)
ON DUPLICATE KEY UPDATE data = VALUES(data), expires_at = VALUES(expires_at)`,
  },
  touchSession: {
    sql: `UPDATE castellan_session
SET expires_at = ?2
WHERE session_key = ?1`,
  },
  destroySession: {
    sql: `DELETE FROM castellan_session
WHERE session_key = ?1`,
  },
};
