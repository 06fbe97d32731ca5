/** The SQL that removes what has expired, at most so many rows at a time. @module */
import type { SweepStatements } from "../../operations/sweep.ts";

// Locked as they are found: a row that somebody has just prolonged is looked at again, or passed over. As an array, so that the limit holds whatever the plan.
export const sweeps: SweepStatements = [
  {
    sql: `DELETE FROM castellan_sign_in
WHERE id = ANY (ARRAY(SELECT id FROM castellan_sign_in WHERE idle_ends_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
  },
  {
    sql: `DELETE FROM castellan_challenge
WHERE id = ANY (ARRAY(SELECT id FROM castellan_challenge WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
  },
  {
    sql: `DELETE FROM castellan_session
WHERE id = ANY (ARRAY(SELECT id FROM castellan_session WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
  },
  {
    sql: `DELETE FROM castellan_count
WHERE id = ANY (ARRAY(SELECT id FROM castellan_count WHERE resets_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
  },
  {
    sql: `DELETE FROM castellan_link
WHERE id = ANY (ARRAY(SELECT id FROM castellan_link WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
  },
  {
    sql: `DELETE FROM castellan_attempt
WHERE id = ANY (ARRAY(SELECT id FROM castellan_attempt WHERE ends_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
  },
  {
    sql: `DELETE FROM castellan_remember
WHERE id = ANY (ARRAY(SELECT id FROM castellan_remember WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
  },
  {
    sql: `DELETE FROM castellan_trusted_browser
WHERE id = ANY (ARRAY(SELECT id FROM castellan_trusted_browser WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
  },
  {
    sql: `DELETE FROM castellan_oauth2_flow
WHERE id = ANY (ARRAY(SELECT id FROM castellan_oauth2_flow WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))`,
  },
];
