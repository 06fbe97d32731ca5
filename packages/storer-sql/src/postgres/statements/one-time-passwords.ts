/** The SQL of one-time passwords. Those of another epoch than their user's are dead, and give way to the next. @module */
import type { OneTimePasswordStatements } from "../../operations/one-time-passwords.ts";

const LIVE = "(CASE WHEN one_time_epoch = epoch THEN one_time_passwords ELSE '[]' END)::jsonb";

export const oneTimePasswords: OneTimePasswordStatements = {
  addOneTimePassword: {
    sql: `UPDATE castellan_user
SET one_time_passwords = (${LIVE} || to_jsonb($3::text))::text, one_time_epoch = epoch
WHERE pid = $1 AND epoch = $2 AND jsonb_array_length(${LIVE}) < $4 AND NOT ${LIVE} ? $3::text
RETURNING jsonb_array_length(one_time_passwords::jsonb) AS live`,
  },
  passwordsOf: {
    sql: `SELECT one_time_passwords AS hashes, jsonb_array_length(${LIVE}) AS live
FROM castellan_user
WHERE pid = $1`,
  },
  consumeOneTimePassword: {
    sql: `UPDATE castellan_user
SET one_time_passwords = (one_time_passwords::jsonb - $2::text)::text
WHERE pid = $1 AND one_time_epoch = epoch AND one_time_passwords::jsonb ? $2::text`,
  },
  clearOneTimePasswords: {
    sql: `UPDATE castellan_user
SET one_time_passwords = '[]'
WHERE pid = $1 AND one_time_passwords = $2`,
  },
};
