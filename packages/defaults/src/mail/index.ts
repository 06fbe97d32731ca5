/** Mail: by SMTP, or into the development outbox. @module */
export { developmentOutbox, type Outbox, type OutboxMessage, type OutboxOptions } from "./development-outbox.ts";
export type { KeptMessage, MessageBox } from "./message-box.ts";
export { type OutboxMailer, type OutboxMailerOptions, outboxMailer } from "./outbox-mailer.ts";
export { smtpMailer } from "./smtp-mailer.ts";
export type { SmtpOptions } from "./smtp-server.ts";
