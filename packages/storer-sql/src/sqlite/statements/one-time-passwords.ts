/** The SQL of one-time passwords. Those of another epoch than their user's are dead, and give way to the next. @module */
import type { OneTimePasswordStatements } from "../../operations/one-time-passwords.ts";

const LIVE = "CASE WHEN one_time_epoch = epoch THEN one_time_passwords ELSE json_array() END";

export const oneTimePasswords: OneTimePasswordStatements = {
  addOneTimePassword: {
    sql: `UPDATE castellan_user
SET one_time_passwords = json_insert(${LIVE}, '$[#]', ?3), one_time_epoch = epoch
WHERE pid = ?1 AND epoch = ?2 AND json_array_length(${LIVE}) < ?4 AND NOT EXISTS (SELECT 1 FROM json_each(${LIVE}) WHERE value = ?3)
RETURNING json_array_length(one_time_passwords) AS live`,
  },
  passwordsOf: {
    sql: `SELECT one_time_passwords AS hashes, json_array_length(${LIVE}) AS live
FROM castellan_user
WHERE pid = ?1`,
  },
  consumeOneTimePassword: {
    sql: `UPDATE castellan_user
SET one_time_passwords = (SELECT json_group_array(value) FROM json_each(one_time_passwords) WHERE value <> ?2)
WHERE pid = ?1 AND one_time_epoch = epoch AND EXISTS (SELECT 1 FROM json_each(one_time_passwords) WHERE value = ?2)`,
  },
  clearOneTimePasswords: {
    sql: `UPDATE castellan_user
SET one_time_passwords = json_array()
WHERE pid = ?1 AND one_time_passwords = ?2`,
  },
};
