/** Mails that wait: the capability "mail-queueing". @module */
import type { MailQueueOperations } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

export interface MailRow {
  readonly public_id: string;
  readonly payload: string;
  readonly attempts: number;
  readonly created_at: number;
  readonly due_at: number;
}

export interface MailStatements {
  readonly queueMail: Statement<[id: string, payload: string, createdAt: number, dueAt: number]>;
  readonly claimMails: Statement<[now: number, until: number, limit: number], MailRow>;
  readonly removeMail: Statement<[id: string]>;
  readonly postponeMail: Statement<[id: string, dueAt: number]>;
}

export function mailOperations(database: Database, sql: MailStatements): MailQueueOperations {
  return {
    async queueMail({ id, payload, createdAt, dueAt }) {
      await database.change(sql.queueMail, id, payload, createdAt.getTime(), dueAt.getTime());
    },
    async claimMails(now, until, limit) {
      const rows = await database.all(sql.claimMails, now.getTime(), until.getTime(), limit);
      return rows.map((row) => ({
        id: row.public_id,
        payload: row.payload,
        attempts: row.attempts,
        createdAt: new Date(row.created_at),
        dueAt: new Date(row.due_at),
      }));
    },
    async removeMail(id) {
      return (await database.change(sql.removeMail, id)) > 0;
    },
    async postponeMail(id, dueAt) {
      await database.change(sql.postponeMail, id, dueAt.getTime());
    },
  };
}
