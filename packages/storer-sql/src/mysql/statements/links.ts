/**
 * The SQL of mailed links. One of another epoch than its user's is dead, so whatever advances the epoch spends them all. One whose request's first link is gone is dead
 * too, so that one statement is enough to replace all that an older request made, be they more. @module
 */
import type { LinkStatements } from "../../operations/links.ts";
import { underLock } from "../locking.ts";

/** A live link of a purpose that the proof opens, `l`, with its user, `u`. */
const liveLink = (purpose: string): string => `castellan_link AS l
JOIN castellan_user AS u ON u.pid = l.pid AND u.epoch = l.epoch
WHERE l.purpose = '${purpose}' AND l.selector = ?1 AND l.verifier_hash = ?2 AND l.expires_at > ?3
  AND EXISTS (SELECT 1 FROM castellan_link AS f WHERE f.selector = l.request)`;

export const links: LinkStatements = {
  startLinks: {
    sql: `INSERT INTO castellan_link (purpose, place, request, selector, verifier_hash, pid, epoch, destination, created_at, expires_at)
SELECT ?1, l.place - 1, ?2, l.selector, l.verifier_hash, l.pid, l.epoch, l.destination, l.created_at, l.expires_at
FROM json_table(?3, '$[*]' COLUMNS (
  place FOR ORDINALITY,
  selector VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.selector' ERROR ON ERROR,
  verifier_hash VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.verifier_hash' ERROR ON ERROR,
  pid VARCHAR(1024) CHARACTER SET utf8mb4 PATH '$.pid' ERROR ON ERROR,
  epoch BIGINT PATH '$.epoch' ERROR ON ERROR,
  destination VARCHAR(1024) CHARACTER SET utf8mb4 PATH '$.destination' ERROR ON ERROR,
  created_at BIGINT PATH '$.created_at' ERROR ON ERROR,
  expires_at BIGINT PATH '$.expires_at' ERROR ON ERROR
)) AS l
ON DUPLICATE KEY UPDATE
  request = VALUES(request), selector = VALUES(selector), verifier_hash = VALUES(verifier_hash), epoch = VALUES(epoch),
  destination = VALUES(destination), created_at = VALUES(created_at), expires_at = VALUES(expires_at)`,
  },
  finishConfirmation: underLock({
    locked: `SELECT u.id, u.pid
FROM ${liveLink("confirm")} AND l.destination = u.email AND u.confirmed_at IS NULL
FOR UPDATE`,
    sql: `UPDATE castellan_user
SET confirmed_at = ?3
WHERE id = :id`,
  }),
  confirmUser: {
    sql: `UPDATE castellan_user
SET confirmed_at = coalesce(confirmed_at, ?3)
WHERE pid = ?1 AND email = ?2`,
  },
  findRecovery: {
    sql: `SELECT l.pid, l.destination
FROM ${liveLink("recover")}`,
  },
  finishRecovery: underLock({
    locked: `SELECT u.id, u.pid, u.epoch + 1 AS epoch, l.destination
FROM ${liveLink("recover")}
FOR UPDATE`,
    sql: `UPDATE castellan_user
SET password_hash = ?4, epoch = :epoch
WHERE id = :id`,
  }),
  finishUnlock: underLock({
    locked: `SELECT a.id, u.pid
FROM castellan_attempt AS a
JOIN ${liveLink("unlock")} AND a.subject = concat('pid:', u.pid) AND a.locked_by = 'attempts' AND l.created_at >= a.locked_at
FOR UPDATE`,
    sql: `DELETE FROM castellan_attempt
WHERE id = :id`,
  }),
};
