/** The SQL of one-time passwords. Those of another epoch than their user's are dead, and give way to the next. @module */
import type { OneTimePasswordStatements } from "../../operations/one-time-passwords.ts";
import { hasElement, withoutElement } from "../json.ts";
import { underLock } from "../locking.ts";

const LIVE = "CASE WHEN one_time_epoch = epoch THEN one_time_passwords ELSE '[]' END";

export const oneTimePasswords: OneTimePasswordStatements = {
  addOneTimePassword: underLock({
    locked: `SELECT id, epoch, json_array_append(${LIVE}, '$', ?3) AS hashes, json_length(${LIVE}) + 1 AS live
FROM castellan_user
WHERE pid = ?1 AND epoch = ?2 AND json_length(${LIVE}) < ?4 AND NOT ${hasElement(LIVE, "?3")}
FOR UPDATE`,
    sql: `UPDATE castellan_user
SET one_time_passwords = :hashes, one_time_epoch = :epoch
WHERE id = :id`,
  }),
  passwordsOf: {
    sql: `SELECT one_time_passwords AS hashes, json_length(${LIVE}) AS live
FROM castellan_user
WHERE pid = ?1`,
  },
  consumeOneTimePassword: underLock({
    locked: `SELECT id, ${withoutElement("one_time_passwords", "?2")} AS hashes
FROM castellan_user
WHERE pid = ?1 AND one_time_epoch = epoch AND ${hasElement("one_time_passwords", "?2")}
FOR UPDATE`,
    sql: `UPDATE castellan_user
SET one_time_passwords = :hashes
WHERE id = :id`,
  }),
  clearOneTimePasswords: {
    sql: `UPDATE castellan_user
SET one_time_passwords = '[]'
WHERE pid = ?1 AND one_time_passwords = ?2`,
  },
};
