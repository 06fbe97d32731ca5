/** The SQL of users. @module */
import type { UserStatements } from "../../operations/users.ts";
import { underLock } from "../locking.ts";

const USER = `SELECT u.pid, u.login, u.epoch, u.password_hash, u.email, u.profile, u.disabled_at, u.confirmed_at, u.secondary_emails,
  u.totp_enabled_at, u.sms_number, u.created_at AS user_created_at, a.locked_until, a.locked_by
FROM castellan_user AS u
LEFT JOIN castellan_attempt AS a ON a.subject = concat('pid:', u.pid)`;

export const users: UserStatements = {
  load: {
    sql: `${USER}
WHERE u.pid = ?1`,
  },
  findByLogin: {
    sql: `${USER}
WHERE u.login = ?1`,
  },
  advanceEpoch: underLock({
    locked: `SELECT id, epoch + 1 AS epoch
FROM castellan_user
WHERE pid = ?1
FOR UPDATE`,
    sql: `UPDATE castellan_user
SET epoch = :epoch
WHERE id = :id`,
  }),
  createUser: {
    sql: `INSERT INTO castellan_user (pid, login, email, password_hash, profile, created_at, epoch, disabled_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, NULL)`,
  },
  changePasswordHash: underLock({
    locked: `SELECT id, epoch + 1 AS epoch
FROM castellan_user
WHERE pid = ?1 AND epoch = ?2
FOR UPDATE`,
    sql: `UPDATE castellan_user
SET password_hash = ?3, epoch = :epoch
WHERE id = :id`,
  }),
  setPasswordHash: underLock({
    locked: `SELECT id, epoch + 1 AS epoch
FROM castellan_user
WHERE pid = ?1
FOR UPDATE`,
    sql: `UPDATE castellan_user
SET password_hash = ?2, epoch = :epoch
WHERE id = :id`,
  }),
  upgradePasswordHash: {
    sql: `UPDATE castellan_user
SET password_hash = ?3
WHERE pid = ?1 AND password_hash = ?2`,
  },
  disableUser: {
    sql: `UPDATE castellan_user
SET disabled_at = coalesce(disabled_at, ?2), epoch = epoch + 1
WHERE pid = ?1`,
  },
  enableUser: {
    sql: `UPDATE castellan_user
SET disabled_at = NULL
WHERE pid = ?1`,
  },
  setSecondaryEmails: {
    sql: `UPDATE castellan_user
SET secondary_emails = ?2
WHERE pid = ?1`,
  },
};
