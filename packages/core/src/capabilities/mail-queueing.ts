/** Mails that wait to be delivered: kept until a mail server has taken them, so that none is lost and no request waits. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs } from "./capability.ts";

export interface QueuedMail {
  /** Random, at least 128 bits, as base64url text. Also the left half of the Message-ID, which so stays the same over all tries. */
  readonly id: string;
  /** The mail, sealed by the key ring; at most 65,536 characters. */
  readonly payload: string;
  /** How often it has been claimed: 1 for the one who claims it first. */
  readonly attempts: number;
  readonly createdAt: Date;
  /** Not to be claimed before. */
  readonly dueAt: Date;
}

export interface MailQueueOperations {
  /** Puts a mail into the queue, with no attempts. It waits until it is removed: `sweep` never takes one. */
  queueMail(mail: Omit<QueuedMail, "attempts">): Promise<void>;
  /**
   * Takes at most `limit` mails that are due (`dueAt` is `now` or before it), those that are due the longest: counts an attempt, and makes them due again at `until`, in one atomic step a mail. Of any
   * number of parallel calls each mail goes to one. Whoever is killed with a claimed mail loses nothing: it is due again at `until`, and may so be sent twice. Answers them as they then are, in no
   * particular order.
   */
  claimMails(now: Date, until: Date, limit: number): Promise<readonly QueuedMail[]>;
  /** Delivered, or given up: removes it. Answers whether it was there. */
  removeMail(id: string): Promise<boolean>;
  /** Not delivered: due again at `dueAt`. The attempts stay counted. Makes nothing. */
  postponeMail(id: string, dueAt: Date): Promise<void>;
}

export type MailQueueingServerStorer = Needs<User, MailQueueOperations>;

export const mailQueueing: Capability<User, MailQueueOperations> = defineCapability<User, MailQueueOperations>("mail-queueing", {
  user: {},
  operations: { queueMail: true, claimMails: true, removeMail: true, postponeMail: true },
});
