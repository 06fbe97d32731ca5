/** The SQL of the mail queue. @module */
import type { MailStatements } from "../../operations/mails.ts";
import { underLock } from "../locking.ts";

export const mails: MailStatements = {
  queueMail: {
    sql: `INSERT INTO castellan_mail (public_id, payload, attempts, created_at, due_at)
VALUES (?1, ?2, 0, ?3, ?4)`,
  },
  // Those that another one is claiming at this moment are passed over.
  claimMails: underLock({
    locked: `SELECT m.id, m.public_id, m.payload, m.attempts + 1 AS attempts, m.created_at, CAST(?2 AS SIGNED) AS due_at
FROM castellan_mail AS m
WHERE m.due_at <= ?1
ORDER BY m.due_at, m.id
LIMIT ?3
FOR UPDATE SKIP LOCKED`,
    sql: `UPDATE castellan_mail
SET attempts = :attempts, due_at = :due_at
WHERE id = :id`,
  }),
  removeMail: {
    sql: `DELETE FROM castellan_mail
WHERE public_id = ?1`,
  },
  postponeMail: {
    sql: `UPDATE castellan_mail
SET due_at = ?2
WHERE public_id = ?1`,
  },
};
