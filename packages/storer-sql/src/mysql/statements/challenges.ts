/** The SQL of challenges. One of another epoch than its user's is dead. @module */
import type { ChallengeStatements } from "../../operations/challenges.ts";
import { underLock } from "../locking.ts";

const IS_LIVE = `c.public_id = ?1 AND c.session_key = ?2 AND c.expires_at > ?3
  AND EXISTS (SELECT 1 FROM castellan_user AS u WHERE u.pid = c.pid AND u.epoch = c.epoch)`;

export const challenges: ChallengeStatements = {
  // The unique index on (session_key, purpose) makes the old one give way in the very step that stores the new one.
  createChallenge: {
    sql: `INSERT INTO castellan_challenge
  (public_id, purpose, pid, epoch, session_key, destination, data, tries_left, created_at, expires_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON DUPLICATE KEY UPDATE
  public_id = VALUES(public_id), pid = VALUES(pid), epoch = VALUES(epoch), destination = VALUES(destination), data = VALUES(data),
  tries_left = VALUES(tries_left), created_at = VALUES(created_at), expires_at = VALUES(expires_at)`,
  },
  findChallenge: {
    sql: `SELECT public_id, purpose, pid, epoch, session_key, destination, data, tries_left, created_at, expires_at
FROM castellan_challenge AS c
WHERE ${IS_LIVE}`,
  },
  admitTry: underLock({
    locked: `SELECT id, public_id, purpose, pid, epoch, session_key, destination, data, tries_left - 1 AS tries_left, created_at, expires_at
FROM castellan_challenge AS c
WHERE ${IS_LIVE} AND c.tries_left > 0
FOR UPDATE`,
    sql: `UPDATE castellan_challenge
SET tries_left = :tries_left
WHERE id = :id`,
  }),
  consumeChallenge: underLock({
    locked: `SELECT id, public_id, purpose, pid, epoch, session_key, destination, data, tries_left, created_at, expires_at
FROM castellan_challenge AS c
WHERE ${IS_LIVE}
FOR UPDATE`,
    sql: `DELETE FROM castellan_challenge
WHERE id = :id`,
  }),
  endChallengesOfSession: {
    sql: `DELETE FROM castellan_challenge
WHERE session_key = ?1`,
  },
  endChallengesOf: {
    sql: `DELETE FROM castellan_challenge
WHERE pid = ?1 AND (?2 IS NULL OR purpose = ?2)`,
  },
};
