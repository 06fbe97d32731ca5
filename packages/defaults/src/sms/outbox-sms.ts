/** A sender of text messages that sends nothing and shows what it was given. @module */
import type { Sms, SmsSender } from "@castellan/core";
import { type KeptMessage, type MessageBox, messageBox } from "../mail/message-box.ts";

export interface OutboxSmsOptions {
  readonly clock: { now(): Date };
  /** How many messages are kept; the oldest gives way. @default 100 */
  readonly keep?: number;
  /** Told of each message once it is kept. */
  readonly onSms?: (sms: KeptMessage<Sms>) => void;
}

export interface OutboxSms extends SmsSender, MessageBox<Sms> {}

/** E.164: a country code and at most 15 digits in all. */
const NUMBER = /^\+[1-9]\d{6,14}$/;

/** Keeps the newest text messages in memory. For development and tests: whoever can list them has everybody's codes. */
export function outboxSms({ onSms, ...options }: OutboxSmsOptions): OutboxSms {
  const { box, put } = messageBox<Sms>("sms", { ...options, ...(onSms && { onMessage: onSms }) });
  return {
    ...box,
    async send(sms) {
      if (!NUMBER.test(sms.to)) throw new RangeError("a text message was not sent: `to` is no number of E.164 form, such as +41791234567");
      put({ to: sms.to, text: sms.text });
    },
  };
}
