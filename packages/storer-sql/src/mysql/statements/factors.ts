/** The SQL of second factors. Every change of one advances the epoch in the same step. @module */
import type { FactorStatements } from "../../operations/factors.ts";
import { hasElement, withoutElement } from "../json.ts";
import { underLock } from "../locking.ts";

/** The user of an epoch, and the next one. */
const userWhere = (condition: string): string => `SELECT id, epoch + 1 AS epoch
FROM castellan_user
WHERE pid = ?1 AND epoch = ?2 AND ${condition}
FOR UPDATE`;

export const factors: FactorStatements = {
  enableTotp: underLock({
    locked: userWhere("totp_secret IS NULL"),
    sql: `UPDATE castellan_user
SET totp_secret = ?3, totp_step = ?4, totp_enabled_at = ?5, recovery_codes = coalesce(?6, recovery_codes), epoch = :epoch
WHERE id = :id`,
  }),
  totpSecretOf: {
    sql: `SELECT totp_secret
FROM castellan_user
WHERE pid = ?1`,
  },
  acceptTotpStep: {
    sql: `UPDATE castellan_user
SET totp_step = ?3
WHERE pid = ?1 AND totp_secret = ?2 AND totp_step < ?3`,
  },
  resealTotp: {
    sql: `UPDATE castellan_user
SET totp_secret = ?3
WHERE pid = ?1 AND totp_secret = ?2`,
  },
  disableTotp: underLock({
    locked: userWhere("totp_secret IS NOT NULL"),
    sql: `UPDATE castellan_user
SET totp_secret = NULL, totp_step = NULL, totp_enabled_at = NULL, epoch = :epoch
WHERE id = :id`,
  }),
  enableSms: underLock({
    locked: userWhere("sms_number IS NULL"),
    sql: `UPDATE castellan_user
SET sms_number = ?3, recovery_codes = coalesce(?4, recovery_codes), epoch = :epoch
WHERE id = :id`,
  }),
  disableSms: underLock({
    locked: userWhere("sms_number IS NOT NULL"),
    sql: `UPDATE castellan_user
SET sms_number = NULL, epoch = :epoch
WHERE id = :id`,
  }),
  replaceRecoveryCodes: {
    sql: `UPDATE castellan_user
SET recovery_codes = ?3
WHERE pid = ?1 AND epoch = ?2`,
  },
  consumeRecoveryCode: underLock({
    locked: `SELECT id, ${withoutElement("recovery_codes", "?2")} AS codes, json_length(recovery_codes) - 1 AS left_over
FROM castellan_user
WHERE pid = ?1 AND ${hasElement("recovery_codes", "?2")}
FOR UPDATE`,
    sql: `UPDATE castellan_user
SET recovery_codes = :codes
WHERE id = :id`,
  }),
  countRecoveryCodes: {
    sql: `SELECT json_length(recovery_codes) AS codes
FROM castellan_user
WHERE pid = ?1`,
  },
};
