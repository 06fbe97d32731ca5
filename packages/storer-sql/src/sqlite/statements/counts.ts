/** The SQL of counters. `uses` counts what was admitted, so that a use taken back leaves room for exactly one. @module */
import type { CountStatements } from "../../operations/counts.ts";

export const counts: CountStatements = {
  countUse: {
    sql: `INSERT INTO castellan_count (key, uses, resets_at)
SELECT ?1, 1, ?4 + ?3 WHERE ?2 >= 1
ON CONFLICT (key) DO UPDATE
SET uses = CASE WHEN resets_at <= ?4 THEN 1 ELSE uses + 1 END,
  resets_at = CASE WHEN resets_at <= ?4 THEN excluded.resets_at ELSE resets_at END
WHERE resets_at <= ?4 OR uses < ?2
RETURNING resets_at`,
  },
  windowOf: {
    sql: `SELECT resets_at
FROM castellan_count
WHERE key = ?1`,
  },
  takeBackUse: {
    sql: `UPDATE castellan_count
SET uses = uses - 1
WHERE key = ?1 AND uses > 0 AND resets_at > ?2`,
  },
  forgetUses: {
    sql: `DELETE FROM castellan_count
WHERE key = ?1`,
  },
};
