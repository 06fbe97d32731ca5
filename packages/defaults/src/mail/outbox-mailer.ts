/** A mailer that sends nothing and shows what it was given. @module */
import type { Mail, Mailer } from "@castellan/core";
import { checkedMail } from "./checked-mail.ts";
import { type KeptMessage, type MessageBox, messageBox } from "./message-box.ts";

export interface OutboxMailerOptions {
  readonly clock: { now(): Date };
  /** How many mails are kept; the oldest gives way. @default 100 */
  readonly keep?: number;
  /** Told of each mail once it is kept. */
  readonly onMail?: (mail: KeptMessage<Mail>) => void;
}

export interface OutboxMailer extends Mailer, MessageBox<Mail> {}

/** Keeps the newest mails in memory. For development and tests: whoever can list them can confirm and recover every account. */
export function outboxMailer({ onMail, ...options }: OutboxMailerOptions): OutboxMailer {
  const { box, put } = messageBox<Mail>("mail", { ...options, ...(onMail && { onMessage: onMail }) });
  return {
    ...box,
    async send(mail) {
      put(checkedMail(mail));
    },
  };
}
