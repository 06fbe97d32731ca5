/** The SQL of counters. `uses` counts what was admitted, so that a use taken back leaves room for exactly one. @module */
import type { CountStatements } from "../../operations/counts.ts";
import { underLock } from "../locking.ts";

export const counts: CountStatements = {
  countUse: underLock({
    // A row of a window that is long over. One that is there already is locked, and stays as it is.
    before: `INSERT INTO castellan_count (count_key, uses, resets_at)
VALUES (?1, 0, 0)
ON DUPLICATE KEY UPDATE count_key = VALUES(count_key)`,
    locked: `SELECT id, CASE WHEN resets_at <= ?4 THEN 1 ELSE uses + 1 END AS uses, CASE WHEN resets_at <= ?4 THEN ?4 + ?3 ELSE resets_at END AS resets_at
FROM castellan_count AS c
WHERE c.count_key = ?1 AND ?2 >= 1 AND (c.resets_at <= ?4 OR c.uses < ?2)
FOR UPDATE`,
    sql: `UPDATE castellan_count
SET uses = :uses, resets_at = :resets_at
WHERE id = :id`,
  }),
  windowOf: {
    sql: `SELECT resets_at
FROM castellan_count
WHERE count_key = ?1`,
  },
  takeBackUse: {
    sql: `UPDATE castellan_count
SET uses = uses - 1
WHERE count_key = ?1 AND uses > 0 AND resets_at > ?2`,
  },
  forgetUses: {
    sql: `DELETE FROM castellan_count
WHERE count_key = ?1`,
  },
};
