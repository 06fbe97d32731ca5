/** The SQL of counted attempts and locks. @module */
import type { LockStatements } from "../../operations/locks.ts";
import { underLock } from "../locking.ts";

// What the row was before decides.
const IS_OVER = "(a.window_ends_at <= ?7 OR a.locked_until IS NOT NULL)";
const LOCKS = `(NOT ${IS_OVER} AND a.uses >= ?2)`;
const NTH = "CASE WHEN a.forgets_at IS NULL OR a.forgets_at <= ?7 THEN 1 ELSE a.locks + 1 END";
// Doubled 53 times, a millisecond is longer than any date can hold.
const UNTIL = `?7 + CAST(least(CAST(?4 AS DOUBLE) * pow(2, least((${NTH}) - 1, 53)), ?5) AS SIGNED)`;

export const locks: LockStatements = {
  admitAttempt: underLock({
    // A row that says nothing. One that is there already is locked, and stays as it is.
    before: `INSERT INTO castellan_attempt (subject, uses, window_ends_at, locks, ends_at)
VALUES (?1, 0, 0, 0, 0)
ON DUPLICATE KEY UPDATE subject = VALUES(subject)`,
    locked: `SELECT a.id,
  CASE WHEN ${IS_OVER} THEN 1 WHEN ${LOCKS} THEN 0 ELSE a.uses + 1 END AS uses,
  CASE WHEN ${IS_OVER} THEN ?7 + ?3 ELSE a.window_ends_at END AS window_ends_at,
  CASE WHEN ${LOCKS} THEN ${NTH} ELSE a.locks END AS locks,
  CASE WHEN ${LOCKS} THEN ?7 END AS locked_at,
  CASE WHEN ${LOCKS} THEN ${UNTIL} END AS locked_until,
  CASE WHEN ${LOCKS} THEN 'attempts' END AS locked_by,
  CASE WHEN ${LOCKS} THEN ${UNTIL} + ?6 ELSE a.forgets_at END AS forgets_at,
  CASE WHEN ${LOCKS} THEN ${UNTIL} + ?6 ELSE greatest(a.ends_at, ?7 + ?3) END AS ends_at
FROM castellan_attempt AS a
WHERE a.subject = ?1 AND (a.locked_until IS NULL OR a.locked_until <= ?7)
FOR UPDATE`,
    sql: `UPDATE castellan_attempt
SET uses = :uses, window_ends_at = :window_ends_at, locks = :locks, locked_at = :locked_at, locked_until = :locked_until,
  locked_by = :locked_by, forgets_at = :forgets_at, ends_at = :ends_at
WHERE id = :id`,
  }),
  lockOf: {
    sql: `SELECT locked_until
FROM castellan_attempt
WHERE subject = ?1`,
  },
  takeBackAttempt: {
    sql: `UPDATE castellan_attempt
SET uses = uses - 1
WHERE subject = ?1 AND uses > 0 AND window_ends_at > ?2 AND locked_until IS NULL`,
  },
  clearAttempts: {
    sql: `DELETE FROM castellan_attempt
WHERE subject = ?1 AND (locked_until IS NULL OR locked_until <= ?2)`,
  },
  lockUser: {
    sql: `INSERT INTO castellan_attempt (subject, uses, window_ends_at, locks, locked_at, locked_until, locked_by, ends_at)
SELECT concat('pid:', pid), 0, 0, 0, 0, ?2, 'administrator', ?2 FROM castellan_user WHERE pid = ?1
ON DUPLICATE KEY UPDATE
  uses = 0, window_ends_at = 0, locked_at = 0, locked_until = VALUES(locked_until), locked_by = 'administrator',
  ends_at = greatest(castellan_attempt.ends_at, VALUES(ends_at))`,
  },
  unlockUser: {
    sql: `INSERT INTO castellan_attempt (subject, uses, window_ends_at, locks, ends_at)
SELECT concat('pid:', pid), 0, 0, 0, 0 FROM castellan_user WHERE pid = ?1
ON DUPLICATE KEY UPDATE
  uses = 0, window_ends_at = 0, locks = 0, locked_at = NULL, locked_until = NULL, locked_by = NULL, forgets_at = NULL, ends_at = 0`,
  },
};
