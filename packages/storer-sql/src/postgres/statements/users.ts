/** The SQL of users. @module */
import type { UserStatements } from "../../operations/users.ts";

export const users: UserStatements = {
  load: {
    sql: `SELECT u.pid, u.login, u.epoch, u.password_hash, u.email, u.profile, u.disabled_at, u.confirmed_at, u.secondary_emails,
  u.totp_enabled_at, u.sms_number, u.created_at AS user_created_at, a.locked_until, a.locked_by
FROM castellan_user AS u
LEFT JOIN castellan_attempt AS a ON a.subject = 'pid:' || u.pid
WHERE u.pid = $1`,
  },
  findByLogin: {
    sql: `SELECT u.pid, u.login, u.epoch, u.password_hash, u.email, u.profile, u.disabled_at, u.confirmed_at, u.secondary_emails,
  u.totp_enabled_at, u.sms_number, u.created_at AS user_created_at, a.locked_until, a.locked_by
FROM castellan_user AS u
LEFT JOIN castellan_attempt AS a ON a.subject = 'pid:' || u.pid
WHERE u.login = $1`,
  },
  advanceEpoch: {
    sql: `UPDATE castellan_user
SET epoch = epoch + 1
WHERE pid = $1
RETURNING epoch`,
  },
  createUser: {
    sql: `INSERT INTO castellan_user (pid, login, email, password_hash, profile, created_at, epoch, disabled_at)
VALUES ($1, $2, $3, $4, $5, $6, 0, NULL)`,
  },
  changePasswordHash: {
    sql: `UPDATE castellan_user
SET password_hash = $3, epoch = epoch + 1
WHERE pid = $1 AND epoch = $2
RETURNING epoch`,
  },
  setPasswordHash: {
    sql: `UPDATE castellan_user
SET password_hash = $2, epoch = epoch + 1
WHERE pid = $1
RETURNING epoch`,
  },
  upgradePasswordHash: {
    sql: `UPDATE castellan_user
SET password_hash = $3
WHERE pid = $1 AND password_hash = $2`,
  },
  disableUser: {
    sql: `UPDATE castellan_user
SET disabled_at = coalesce(disabled_at, $2::bigint), epoch = epoch + 1
WHERE pid = $1`,
  },
  enableUser: {
    sql: `UPDATE castellan_user
SET disabled_at = NULL
WHERE pid = $1`,
  },
  setSecondaryEmails: {
    sql: `UPDATE castellan_user
SET secondary_emails = $2
WHERE pid = $1`,
  },
};
