/** Everything that would have left the machine, in one place. @module */
import type { Clock, Mail, Sms } from "@castellan/core";
import { type OutboxSms, outboxSms } from "../sms/outbox-sms.ts";
import type { KeptMessage } from "./message-box.ts";
import { type OutboxMailer, outboxMailer } from "./outbox-mailer.ts";

/** A mail or a text message, as the page of the outbox shows it. */
export type OutboxMessage = (KeptMessage<Mail> & { readonly kind: "mail" }) | (KeptMessage<Sms> & { readonly kind: "sms" });

export interface Outbox {
  readonly mailer: OutboxMailer;
  readonly sms: OutboxSms;
  /** Mails and text messages in the order of their times. */
  messages(): readonly OutboxMessage[];
  get(id: string): OutboxMessage | null;
  clear(): void;
}

export interface OutboxOptions {
  readonly clock: Clock;
  /** How many of either kind are kept. @default 100 */
  readonly keep?: number;
  /** Told of each message once it is kept, for example to write its link to the terminal. */
  readonly onMessage?: (message: OutboxMessage) => void;
}

const asMail = (mail: KeptMessage<Mail>): OutboxMessage => ({ ...mail, kind: "mail" });
const asSms = (sms: KeptMessage<Sms>): OutboxMessage => ({ ...sms, kind: "sms" });

/** A mailer and a sender of text messages that keep what they are given. For development and tests only. */
export function developmentOutbox({ onMessage, ...options }: OutboxOptions): Outbox {
  const mailer = outboxMailer({ ...options, ...(onMessage && { onMail: (mail) => onMessage(asMail(mail)) }) });
  const sms = outboxSms({ ...options, ...(onMessage && { onSms: (message) => onMessage(asSms(message)) }) });
  const messages = () => [...mailer.list().map(asMail), ...sms.list().map(asSms)].sort((a, b) => a.at.getTime() - b.at.getTime());
  return {
    mailer,
    sms,
    messages,
    get: (id) => messages().find((message) => message.id === id) ?? null,
    clear() {
      mailer.clear();
      sms.clear();
    },
  };
}
