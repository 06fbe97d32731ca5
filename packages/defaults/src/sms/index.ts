/** Text messages: the development outbox. @module */
export { type OutboxSms, type OutboxSmsOptions, outboxSms } from "./outbox-sms.ts";
