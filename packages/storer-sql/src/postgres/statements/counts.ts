/** The SQL of counters. `uses` counts what was admitted, so that a use taken back leaves room for exactly one. @module */
import type { CountStatements } from "../../operations/counts.ts";

export const counts: CountStatements = {
  countUse: {
    sql: `INSERT INTO castellan_count AS c (key, uses, resets_at)
SELECT $1, 1, $4::bigint + $3::bigint WHERE $2::bigint >= 1
ON CONFLICT (key) DO UPDATE
SET uses = CASE WHEN c.resets_at <= $4 THEN 1 ELSE c.uses + 1 END,
  resets_at = CASE WHEN c.resets_at <= $4 THEN excluded.resets_at ELSE c.resets_at END
WHERE c.resets_at <= $4 OR c.uses < $2
RETURNING resets_at`,
  },
  windowOf: {
    sql: `SELECT resets_at
FROM castellan_count
WHERE key = $1`,
  },
  takeBackUse: {
    sql: `UPDATE castellan_count
SET uses = uses - 1
WHERE key = $1 AND uses > 0 AND resets_at > $2`,
  },
  forgetUses: {
    sql: `DELETE FROM castellan_count
WHERE key = $1`,
  },
};
