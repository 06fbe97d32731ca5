/** The SQL of counted attempts and locks. @module */
import type { LockStatements } from "../../operations/locks.ts";

// What the row was before decides; every expression on the right of SET still sees that.
const IS_OVER = "(a.window_ends_at <= $7 OR a.locked_until IS NOT NULL)";
const LOCKS = `(NOT ${IS_OVER} AND a.uses >= $2)`;
const NTH = "CASE WHEN a.forgets_at IS NULL OR a.forgets_at <= $7 THEN 1 ELSE a.locks + 1 END";
// Doubled 53 times, a millisecond is longer than any date can hold.
const UNTIL = `$7::bigint + least($4::numeric * power(2::numeric, least((${NTH}) - 1, 53)), $5::numeric)::bigint`;

export const locks: LockStatements = {
  admitAttempt: {
    sql: `INSERT INTO castellan_attempt AS a (subject, uses, window_ends_at, locks, ends_at)
VALUES ($1, 1, $7::bigint + $3::bigint, 0, $7::bigint + $3::bigint)
ON CONFLICT (subject) DO UPDATE
SET uses = CASE WHEN ${IS_OVER} THEN 1 WHEN ${LOCKS} THEN 0 ELSE a.uses + 1 END,
  window_ends_at = CASE WHEN ${IS_OVER} THEN excluded.window_ends_at ELSE a.window_ends_at END,
  locks = CASE WHEN ${LOCKS} THEN ${NTH} ELSE a.locks END,
  locked_at = CASE WHEN ${LOCKS} THEN $7::bigint END,
  locked_until = CASE WHEN ${LOCKS} THEN ${UNTIL} END,
  locked_by = CASE WHEN ${LOCKS} THEN 'attempts' END,
  forgets_at = CASE WHEN ${LOCKS} THEN ${UNTIL} + $6::bigint ELSE a.forgets_at END,
  ends_at = CASE WHEN ${LOCKS} THEN ${UNTIL} + $6::bigint ELSE greatest(a.ends_at, excluded.ends_at) END
WHERE a.locked_until IS NULL OR a.locked_until <= $7
RETURNING locked_until`,
  },
  lockOf: {
    sql: `SELECT locked_until
FROM castellan_attempt
WHERE subject = $1`,
  },
  takeBackAttempt: {
    sql: `UPDATE castellan_attempt
SET uses = uses - 1
WHERE subject = $1 AND uses > 0 AND window_ends_at > $2 AND locked_until IS NULL`,
  },
  clearAttempts: {
    sql: `DELETE FROM castellan_attempt
WHERE subject = $1 AND (locked_until IS NULL OR locked_until <= $2)`,
  },
  lockUser: {
    sql: `INSERT INTO castellan_attempt AS a (subject, uses, window_ends_at, locks, locked_at, locked_until, locked_by, ends_at)
SELECT 'pid:' || pid, 0, 0, 0, 0, $2::bigint, 'administrator', $2::bigint FROM castellan_user WHERE pid = $1
ON CONFLICT (subject) DO UPDATE
SET uses = 0, window_ends_at = 0, locked_at = 0, locked_until = excluded.locked_until, locked_by = 'administrator',
  ends_at = greatest(a.ends_at, excluded.ends_at)`,
  },
  unlockUser: {
    sql: `INSERT INTO castellan_attempt (subject, uses, window_ends_at, locks, ends_at)
SELECT 'pid:' || pid, 0, 0, 0, 0 FROM castellan_user WHERE pid = $1
ON CONFLICT (subject) DO UPDATE
SET uses = 0, window_ends_at = 0, locks = 0, locked_at = NULL, locked_until = NULL, locked_by = NULL, forgets_at = NULL, ends_at = 0`,
  },
};
