/** The SQL of identities at providers, and of the flows to them. @module */
import type { IdentityStatements } from "../../operations/identities.ts";

const userId = "(SELECT id FROM castellan_user WHERE pid = ?1)";

export const identities: IdentityStatements = {
  findIdentity: {
    sql: `SELECT u.pid, i.issuer, i.subject, i.provider, i.email, i.tokens, i.linked_at
FROM castellan_identity AS i
JOIN castellan_user AS u ON u.id = i.user_id
WHERE i.issuer = ?1 AND i.subject = ?2`,
  },
  listIdentities: {
    sql: `SELECT u.pid, i.issuer, i.subject, i.provider, i.email, i.tokens, i.linked_at
FROM castellan_identity AS i
JOIN castellan_user AS u ON u.id = i.user_id
WHERE i.user_id = ${userId}
ORDER BY i.linked_at, i.id
LIMIT 100`,
  },
  // A row that somebody left behind who is gone (deleted without foreign keys) gives way; a living user's does not.
  linkIdentity: {
    sql: `INSERT INTO castellan_identity AS i (user_id, issuer, subject, provider, email, tokens, linked_at)
SELECT id, ?3, ?4, ?5, ?6, ?7, ?8
FROM castellan_user
WHERE pid = ?1 AND epoch = ?2
ON CONFLICT (issuer, subject) DO UPDATE
SET user_id = excluded.user_id, provider = excluded.provider, email = excluded.email, tokens = excluded.tokens, linked_at = excluded.linked_at
WHERE NOT EXISTS (SELECT 1 FROM castellan_user AS u WHERE u.id = i.user_id)`,
  },
  unlinkIdentity: {
    sql: `DELETE FROM castellan_identity AS i
WHERE issuer = ?3 AND subject = ?4
  AND user_id = (SELECT id FROM castellan_user WHERE pid = ?1 AND epoch = ?2)
  AND (EXISTS (SELECT 1 FROM castellan_identity AS other WHERE other.user_id = i.user_id AND other.id <> i.id)
    OR ?5 = 1 AND EXISTS (SELECT 1 FROM castellan_user AS u WHERE u.id = i.user_id AND u.password_hash IS NOT NULL))`,
  },
  advanceEpochFrom: {
    sql: `UPDATE castellan_user
SET epoch = epoch + 1
WHERE pid = ?1 AND epoch = ?2`,
  },
  noteIdentity: {
    sql: `UPDATE castellan_identity
SET provider = ?4, email = ?5, tokens = ?6
WHERE issuer = ?2 AND subject = ?3 AND user_id = ${userId}`,
  },
  replaceTokens: {
    sql: `UPDATE castellan_identity
SET tokens = ?5
WHERE issuer = ?2 AND subject = ?3 AND user_id = ${userId} AND tokens IS ?4`,
  },
  startFlow: {
    sql: `INSERT INTO castellan_oauth2_flow (key, browser_key, purpose, data, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
  },
  findFlow: {
    sql: `SELECT key, browser_key, purpose, data, created_at, expires_at
FROM castellan_oauth2_flow
WHERE key = ?1 AND browser_key = ?2 AND purpose = ?3 AND expires_at > ?4`,
  },
  takeFlow: {
    sql: `DELETE FROM castellan_oauth2_flow
WHERE key = ?1 AND browser_key = ?2 AND purpose = ?3 AND expires_at > ?4
RETURNING key, browser_key, purpose, data, created_at, expires_at`,
  },
};
