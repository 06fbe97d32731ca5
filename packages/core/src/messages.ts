/** The seams for mail and for text messages. @module */

/** An address with a name, kept apart, so that no parser has to guess where one ends. */
export interface Mailbox {
  readonly name?: string;
  /** One address, as `local@domain`; anything else is refused. */
  readonly address: string;
}

/** One mail to one person. Text is required; HTML is an addition. */
export interface Mail {
  readonly to: Mailbox;
  readonly from: Mailbox;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
  /** Stable over repeated sendings of the same mail, as `<left@right>` (RFC 5322, 3.6.4). */
  readonly messageId?: string;
}

export interface Mailer {
  /** Hands the mail over; resolves when the next server has taken it. Rejects when it was not taken. */
  send(mail: Mail): Promise<void>;
  close?(): Promise<void>;
  /** Why nothing can be sent by it, with the mend. Part of the start-up error where mails are to be sent. */
  readonly problem?: string;
}

/** A text message. */
export interface Sms {
  /** E.164, for example `+41791234567`. */
  readonly to: string;
  readonly text: string;
}

export interface SmsSender {
  /** Hands the message over; resolves when the provider has taken it. Rejects when it was not taken. */
  send(sms: Sms): Promise<void>;
  close?(): Promise<void>;
  /** Why nothing can be sent by it, with the mend. Part of the start-up error where text messages are to be sent. */
  readonly problem?: string;
}
