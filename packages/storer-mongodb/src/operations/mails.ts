/** The mail queue. @module */
import type { MailQueueOperations, QueuedMail } from "@castellan/core";
import type { Collections } from "../collections.ts";
import type { MailRow } from "../rows.ts";
import { by, is, moment, text, whole } from "../values.ts";

const mailOf = ({ _id, ...mail }: MailRow): QueuedMail => ({ id: _id, ...mail });

export function mailOperations({ mails }: Collections): MailQueueOperations {
  return {
    async queueMail({ id, payload, createdAt, dueAt }) {
      await mails.insertOne({ _id: text(id), payload: text(payload), attempts: 0, createdAt: moment(createdAt), dueAt: moment(dueAt) });
    },
    async claimMails(now, until, limit) {
      const claim = { $inc: { attempts: 1 }, $set: { dueAt: moment(until) } };
      const claimed: MailRow[] = [];
      for (let left = whole(limit); left > 0; left -= 1) {
        const mail = await mails.findOneAndUpdate({ dueAt: by(now) }, claim, { sort: { dueAt: 1 }, returnDocument: "after" });
        if (!mail) break;
        claimed.push(mail);
      }
      return claimed.map(mailOf);
    },
    async removeMail(id) {
      return (await mails.deleteOne({ _id: is(id) })).deletedCount > 0;
    },
    async postponeMail(id, dueAt) {
      await mails.updateOne({ _id: is(id) }, { $set: { dueAt: moment(dueAt) } });
    },
  };
}
