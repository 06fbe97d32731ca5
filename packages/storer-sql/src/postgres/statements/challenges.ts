/** The SQL of challenges. One of another epoch than its user's is dead. @module */
import type { ChallengeStatements } from "../../operations/challenges.ts";

export const challenges: ChallengeStatements = {
  // The unique index on (session_key, purpose) makes the old one give way in the very step that stores the new one.
  createChallenge: {
    sql: `INSERT INTO castellan_challenge
  (public_id, purpose, pid, epoch, session_key, destination, data, tries_left, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (session_key, purpose) DO UPDATE
SET public_id = excluded.public_id, pid = excluded.pid, epoch = excluded.epoch, destination = excluded.destination, data = excluded.data,
  tries_left = excluded.tries_left, created_at = excluded.created_at, expires_at = excluded.expires_at`,
  },
  findChallenge: {
    sql: `SELECT public_id, purpose, pid, epoch, session_key, destination, data, tries_left, created_at, expires_at
FROM castellan_challenge AS c
WHERE public_id = $1 AND session_key = $2 AND expires_at > $3
  AND EXISTS (SELECT 1 FROM castellan_user AS u WHERE u.pid = c.pid AND u.epoch = c.epoch)`,
  },
  admitTry: {
    sql: `UPDATE castellan_challenge AS c
SET tries_left = tries_left - 1
WHERE public_id = $1 AND session_key = $2 AND expires_at > $3 AND tries_left > 0
  AND EXISTS (SELECT 1 FROM castellan_user AS u WHERE u.pid = c.pid AND u.epoch = c.epoch)
RETURNING public_id, purpose, pid, epoch, session_key, destination, data, tries_left, created_at, expires_at`,
  },
  consumeChallenge: {
    sql: `DELETE FROM castellan_challenge AS c
WHERE public_id = $1 AND session_key = $2 AND expires_at > $3
  AND EXISTS (SELECT 1 FROM castellan_user AS u WHERE u.pid = c.pid AND u.epoch = c.epoch)
RETURNING public_id, purpose, pid, epoch, session_key, destination, data, tries_left, created_at, expires_at`,
  },
  endChallengesOfSession: {
    sql: `DELETE FROM castellan_challenge
WHERE session_key = $1`,
  },
  endChallengesOf: {
    sql: `DELETE FROM castellan_challenge
WHERE pid = $1 AND ($2::text IS NULL OR purpose = $2)`,
  },
};
