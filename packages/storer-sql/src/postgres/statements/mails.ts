/** The SQL of the mail queue. @module */
import type { MailStatements } from "../../operations/mails.ts";

export const mails: MailStatements = {
  queueMail: {
    sql: `INSERT INTO castellan_mail (public_id, payload, attempts, created_at, due_at)
VALUES ($1, $2, 0, $3, $4)`,
  },
  claimMails: {
    sql: `UPDATE castellan_mail
SET attempts = attempts + 1, due_at = $2
WHERE id = ANY (ARRAY(SELECT id FROM castellan_mail WHERE due_at <= $1 ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED))
RETURNING public_id, payload, attempts, created_at, due_at`,
  },
  removeMail: {
    sql: `DELETE FROM castellan_mail
WHERE public_id = $1`,
  },
  postponeMail: {
    sql: `UPDATE castellan_mail
SET due_at = $2
WHERE public_id = $1`,
  },
};
