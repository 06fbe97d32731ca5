/** The SQL that removes what has expired, at most so many rows at a time: a long write would keep every other writer waiting. @module */
import type { SweepStatements } from "../../operations/sweep.ts";

export const sweeps: SweepStatements = [
  {
    sql: `DELETE FROM castellan_sign_in
WHERE id IN (SELECT id FROM castellan_sign_in WHERE idle_ends_at <= ?1 LIMIT ?2)`,
  },
  {
    sql: `DELETE FROM castellan_challenge
WHERE id IN (SELECT id FROM castellan_challenge WHERE expires_at <= ?1 LIMIT ?2)`,
  },
  {
    sql: `DELETE FROM castellan_session
WHERE id IN (SELECT id FROM castellan_session WHERE expires_at <= ?1 LIMIT ?2)`,
  },
  {
    sql: `DELETE FROM castellan_count
WHERE id IN (SELECT id FROM castellan_count WHERE resets_at <= ?1 LIMIT ?2)`,
  },
  {
    sql: `DELETE FROM castellan_link
WHERE id IN (SELECT id FROM castellan_link WHERE expires_at <= ?1 LIMIT ?2)`,
  },
  {
    sql: `DELETE FROM castellan_attempt
WHERE id IN (SELECT id FROM castellan_attempt WHERE ends_at <= ?1 LIMIT ?2)`,
  },
  {
    sql: `DELETE FROM castellan_remember
WHERE id IN (SELECT id FROM castellan_remember WHERE expires_at <= ?1 LIMIT ?2)`,
  },
  {
    sql: `DELETE FROM castellan_trusted_browser
WHERE id IN (SELECT id FROM castellan_trusted_browser WHERE expires_at <= ?1 LIMIT ?2)`,
  },
  {
    sql: `DELETE FROM castellan_oauth2_flow
WHERE id IN (SELECT id FROM castellan_oauth2_flow WHERE expires_at <= ?1 LIMIT ?2)`,
  },
];
