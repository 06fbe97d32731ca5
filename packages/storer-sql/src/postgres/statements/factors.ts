/** The SQL of second factors. Every change of one advances the epoch in the same statement. @module */
import type { FactorStatements } from "../../operations/factors.ts";

export const factors: FactorStatements = {
  enableTotp: {
    sql: `UPDATE castellan_user
SET totp_secret = $3, totp_step = $4, totp_enabled_at = $5, recovery_codes = coalesce($6::text, recovery_codes), epoch = epoch + 1
WHERE pid = $1 AND epoch = $2 AND totp_secret IS NULL
RETURNING epoch`,
  },
  totpSecretOf: {
    sql: `SELECT totp_secret
FROM castellan_user
WHERE pid = $1`,
  },
  acceptTotpStep: {
    sql: `UPDATE castellan_user
SET totp_step = $3
WHERE pid = $1 AND totp_secret = $2 AND totp_step < $3`,
  },
  resealTotp: {
    sql: `UPDATE castellan_user
SET totp_secret = $3
WHERE pid = $1 AND totp_secret = $2`,
  },
  disableTotp: {
    sql: `UPDATE castellan_user
SET totp_secret = NULL, totp_step = NULL, totp_enabled_at = NULL, epoch = epoch + 1
WHERE pid = $1 AND epoch = $2 AND totp_secret IS NOT NULL
RETURNING epoch`,
  },
  enableSms: {
    sql: `UPDATE castellan_user
SET sms_number = $3, recovery_codes = coalesce($4::text, recovery_codes), epoch = epoch + 1
WHERE pid = $1 AND epoch = $2 AND sms_number IS NULL
RETURNING epoch`,
  },
  disableSms: {
    sql: `UPDATE castellan_user
SET sms_number = NULL, epoch = epoch + 1
WHERE pid = $1 AND epoch = $2 AND sms_number IS NOT NULL
RETURNING epoch`,
  },
  replaceRecoveryCodes: {
    sql: `UPDATE castellan_user
SET recovery_codes = $3
WHERE pid = $1 AND epoch = $2`,
  },
  consumeRecoveryCode: {
    sql: `UPDATE castellan_user
SET recovery_codes = (recovery_codes::jsonb - $2::text)::text
WHERE pid = $1 AND recovery_codes::jsonb ? $2::text
RETURNING jsonb_array_length(recovery_codes::jsonb) AS left_over`,
  },
  countRecoveryCodes: {
    sql: `SELECT jsonb_array_length(recovery_codes::jsonb) AS codes
FROM castellan_user
WHERE pid = $1`,
  },
};
