/** The SQL of users. @module */
import type { UserStatements } from "../../operations/users.ts";

export const users: UserStatements = {
  load: {
    sql: `SELECT pid, login, epoch, password_hash, email, profile, disabled_at, created_at AS user_created_at
FROM castellan_user
WHERE pid = ?1`,
  },
  findByLogin: {
    sql: `SELECT pid, login, epoch, password_hash, email, profile, disabled_at, created_at AS user_created_at
FROM castellan_user
WHERE login = ?1`,
  },
  advanceEpoch: {
    sql: `UPDATE castellan_user
SET epoch = epoch + 1
WHERE pid = ?1
RETURNING epoch`,
  },
  createUser: {
    sql: `INSERT INTO castellan_user (pid, login, email, password_hash, profile, created_at, epoch, disabled_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, NULL)`,
  },
  changePasswordHash: {
    sql: `UPDATE castellan_user
SET password_hash = ?3, epoch = epoch + 1
WHERE pid = ?1 AND epoch = ?2
RETURNING epoch`,
  },
  setPasswordHash: {
    sql: `UPDATE castellan_user
SET password_hash = ?2, epoch = epoch + 1
WHERE pid = ?1
RETURNING epoch`,
  },
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
};
