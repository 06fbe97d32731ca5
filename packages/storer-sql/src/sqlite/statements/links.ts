/** The SQL of mailed links. One of another epoch than its user's is dead, so whatever advances the epoch spends them all. @module */
import type { LinkStatements } from "../../operations/links.ts";

/** The link of a purpose, live and of this user, as a condition on `castellan_user AS u`. */
const liveLink = (purpose: string): string => `SELECT 1 FROM castellan_link AS l
    WHERE l.purpose = '${purpose}' AND l.selector = ?1 AND l.verifier_hash = ?2 AND l.expires_at > ?3 AND l.pid = u.pid AND l.epoch = u.epoch`;

export const links: LinkStatements = {
  addLink: {
    sql: `INSERT INTO castellan_link (purpose, selector, verifier_hash, pid, epoch, destination, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`,
  },
  endLinks: {
    sql: `DELETE FROM castellan_link
WHERE pid = ?1 AND purpose = ?2`,
  },
  finishConfirmation: {
    sql: `UPDATE castellan_user AS u
SET confirmed_at = ?3
WHERE pid = (SELECT pid FROM castellan_link WHERE selector = ?1) AND confirmed_at IS NULL
  AND EXISTS (${liveLink("confirm")} AND l.destination = u.email)
RETURNING pid`,
  },
  confirmUser: {
    sql: `UPDATE castellan_user
SET confirmed_at = coalesce(confirmed_at, ?3)
WHERE pid = ?1 AND email = ?2`,
  },
  findRecovery: {
    sql: `SELECT l.pid, l.destination
FROM castellan_link AS l
JOIN castellan_user AS u ON u.pid = l.pid AND u.epoch = l.epoch
WHERE l.purpose = 'recover' AND l.selector = ?1 AND l.verifier_hash = ?2 AND l.expires_at > ?3`,
  },
  finishRecovery: {
    sql: `UPDATE castellan_user AS u
SET password_hash = ?4, epoch = epoch + 1
WHERE pid = (SELECT pid FROM castellan_link WHERE selector = ?1)
  AND EXISTS (${liveLink("recover")})
RETURNING pid, epoch, (SELECT destination FROM castellan_link WHERE selector = ?1) AS destination`,
  },
  finishUnlock: {
    sql: `UPDATE castellan_attempt AS a
SET uses = 0, window_ends_at = 0, locks = 0, locked_at = NULL, locked_until = NULL, locked_by = NULL
WHERE subject = 'pid:' || (SELECT pid FROM castellan_link WHERE selector = ?1) AND locked_by = 'attempts'
  AND EXISTS (SELECT 1 FROM castellan_link AS l JOIN castellan_user AS u ON u.pid = l.pid AND u.epoch = l.epoch
    WHERE l.purpose = 'unlock' AND l.selector = ?1 AND l.verifier_hash = ?2 AND l.expires_at > ?3 AND l.created_at >= a.locked_at)
RETURNING subject AS pid`,
  },
};
