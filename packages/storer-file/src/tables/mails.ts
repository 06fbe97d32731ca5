/** The mail queue. @module */
import type { MailQueueOperations } from "@castellan/core";
import type { Operation, Tables } from "./tables.ts";

export function mailOperations({ mails }: Tables, operation: Operation): MailQueueOperations {
  return {
    queueMail: operation("queueMail", (mail) => {
      mails.set(mail.id, { ...mail, attempts: 0 });
    }),
    claimMails: operation("claimMails", (now, until, limit) => {
      const due = [...mails.values()].filter(({ dueAt }) => dueAt <= now).sort((one, other) => one.dueAt.getTime() - other.dueAt.getTime());
      return due.slice(0, limit).map((mail) => {
        const claimed = { ...mail, attempts: mail.attempts + 1, dueAt: until };
        mails.set(mail.id, claimed);
        return claimed;
      });
    }),
    removeMail: operation("removeMail", (id) => mails.delete(id)),
    postponeMail: operation("postponeMail", (id, dueAt) => {
      const mail = mails.get(id);
      if (mail) mails.set(id, { ...mail, dueAt });
    }),
  };
}
