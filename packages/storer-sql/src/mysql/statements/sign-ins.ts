/** The SQL of sign-ins. A row of another epoch than its user's is dead, and so is one past `idle_ends_at`, which is never later than `ends_at`. @module */
import type { SignInStatements } from "../../operations/sign-ins.ts";
import { underLock } from "../locking.ts";

const SIGN_IN = `s.public_id, u.pid, s.epoch, s.level, s.factors, s.created_at AS signed_in_at, s.seen_at, s.idle_ends_at, s.ends_at,
  s.user_agent, s.network
FROM castellan_sign_in AS s
JOIN castellan_user AS u ON u.id = s.user_id AND u.epoch = s.epoch`;

export const signIns: SignInStatements = {
  createSignIn: {
    sql: `INSERT INTO castellan_sign_in
  (sign_in_key, public_id, user_id, epoch, level, factors, created_at, seen_at, idle_ends_at, ends_at, user_agent, network)
SELECT ?1, ?2, id, epoch, ?5, ?6, ?7, ?8, least(?9, ?10), ?10, ?11, ?12
FROM castellan_user
WHERE pid = ?3 AND epoch = ?4`,
  },
  findSignIn: {
    sql: `SELECT s.public_id, s.level, s.factors, s.created_at AS signed_in_at, s.seen_at, s.idle_ends_at, s.ends_at, s.user_agent, s.network,
  u.pid, u.login, u.epoch, u.password_hash, u.email, u.profile, u.disabled_at, u.confirmed_at, u.secondary_emails,
  u.totp_enabled_at, u.sms_number, u.created_at AS user_created_at, a.locked_until, a.locked_by
FROM castellan_sign_in AS s
JOIN castellan_user AS u ON u.id = s.user_id AND u.epoch = s.epoch
LEFT JOIN castellan_attempt AS a ON a.subject = concat('pid:', u.pid)
WHERE s.sign_in_key = ?1 AND s.idle_ends_at > ?2`,
  },
  touchSignIn: {
    sql: `UPDATE castellan_sign_in
SET seen_at = ?2, idle_ends_at = least(?3, ends_at)
WHERE sign_in_key = ?1 AND idle_ends_at > ?2`,
  },
  replaceSignIn: {
    sql: `UPDATE castellan_sign_in
SET sign_in_key = ?2, level = ?3, factors = ?4
WHERE sign_in_key = ?1 AND epoch = ?5 AND idle_ends_at > ?6
  AND EXISTS (SELECT 1 FROM castellan_user AS u WHERE u.id = user_id AND u.epoch = ?5)`,
  },
  endSignIn: {
    sql: `DELETE FROM castellan_sign_in
WHERE sign_in_key = ?1`,
  },
  endSignInOf: {
    sql: `DELETE FROM castellan_sign_in
WHERE public_id = ?2 AND user_id = (SELECT id FROM castellan_user WHERE pid = ?1)`,
  },
  endSignIns: {
    sql: `DELETE FROM castellan_sign_in
WHERE user_id = (SELECT id FROM castellan_user WHERE pid = ?1) AND NOT (sign_in_key <=> ?2)`,
  },
  takeExpiredSignIn: underLock({
    locked: `SELECT s.id, ${SIGN_IN}
WHERE s.sign_in_key = ?1 AND s.idle_ends_at <= ?2
FOR UPDATE`,
    sql: `DELETE FROM castellan_sign_in
WHERE id = :id`,
  }),
  listSignIns: {
    sql: `SELECT ${SIGN_IN}
WHERE u.pid = ?1 AND s.idle_ends_at > ?2
ORDER BY s.seen_at DESC, s.id DESC
LIMIT 100`,
  },
};
