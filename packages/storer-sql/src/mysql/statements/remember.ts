/** The SQL of remembered browsers. A series of another epoch than its user's is dead. @module */
import type { RememberStatements } from "../../operations/remember.ts";
import { underLock } from "../locking.ts";

const IS_LIVE = "EXISTS (SELECT 1 FROM castellan_user AS u WHERE u.pid = r.pid AND u.epoch = r.epoch)";

export const remember: RememberStatements = {
  addRememberSeries: {
    sql: `INSERT INTO castellan_remember (selector, verifier_hash, pid, epoch, created_at, expires_at, user_agent)
SELECT ?1, ?2, pid, epoch, ?5, ?6, ?7
FROM castellan_user
WHERE pid = ?3 AND epoch = ?4`,
  },
  rotate: underLock({
    locked: `SELECT id, pid, epoch, expires_at
FROM castellan_remember AS r
WHERE selector = ?1 AND verifier_hash = ?2 AND expires_at > ?4 AND ${IS_LIVE}
FOR UPDATE`,
    // From left to right: the first word still sees the old secret.
    sql: `UPDATE castellan_remember
SET previous_hash = verifier_hash, verifier_hash = ?3, rotated_at = ?4
WHERE id = :id`,
  }),
  findGrace: {
    sql: `SELECT pid, epoch
FROM castellan_remember AS r
WHERE selector = ?1 AND previous_hash = ?2 AND rotated_at > ?3 AND expires_at > ?4 AND ${IS_LIVE}`,
  },
  endStolen: underLock({
    locked: `SELECT id, pid
FROM castellan_remember AS r
WHERE selector = ?1 AND verifier_hash <> ?2 AND (NOT (previous_hash <=> ?2) OR rotated_at <= ?3) AND expires_at > ?4 AND ${IS_LIVE}
FOR UPDATE`,
    sql: `DELETE FROM castellan_remember
WHERE id = :id`,
  }),
  endRememberSeries: {
    sql: `DELETE FROM castellan_remember
WHERE selector = ?1`,
  },
  endRememberSeriesOf: {
    sql: `DELETE FROM castellan_remember
WHERE pid = ?1 AND NOT (selector <=> ?2)`,
  },
};
