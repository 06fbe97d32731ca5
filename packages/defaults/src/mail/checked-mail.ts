/** What every mailer asks of a mail before it hands it on, the development outbox too: what would fail in production fails there. @module */
import { type Mail, type Mailbox, parseAddress } from "@castellan/core";

/** Longer names and subjects help nobody, and some servers refuse them. */
const LONGEST_LINE = 200;
/** Ends a header early or turns the reading direction: controls, line and paragraph separators, directional overrides and isolates. */
const STEERING = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu;
/** RFC 5322's `msg-id`, without its obsolete and quoted forms. */
const MESSAGE_ID = /^<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,128}@[A-Za-z0-9.-]{1,100}>$/;

/**
 * One line of text for a header. It is cleaned and not refused: names come from people and from other systems, and a sign-in must not fail because somebody
 * has a tab in a name. `=?` begins an encoded word (RFC 2047), which a mail reader would decode even where we wrote plain text.
 */
const line = (text: string): string => [...text.replace(STEERING, " ").replaceAll("=?", "= ?").trim()].slice(0, LONGEST_LINE).join("");

function checkedMailbox(field: string, { name, address }: Mailbox): Mailbox {
  const parsed = parseAddress(address);
  // The address itself stays out of the message: it is what somebody may have forged to be read in a log.
  if (parsed === null) throw new RangeError(`a mail was not sent: \`${field}\` is not one plain address`);
  const label = name === undefined ? "" : line(name);
  return label === "" ? { address: parsed } : { name: label, address: parsed };
}

/** The mail with cleaned names and subject. Throws a RangeError for an address or a message id that is not exactly one. */
export function checkedMail(mail: Mail): Mail {
  if (mail.messageId !== undefined && !MESSAGE_ID.test(mail.messageId)) {
    throw new RangeError("a mail was not sent: its message id is not of the form <left@right>");
  }
  // Where plain JavaScript hands in an object, the mail library would take it for a file to be read.
  if (typeof mail.text !== "string" || !["string", "undefined"].includes(typeof mail.html)) {
    throw new TypeError("a mail was not sent: text and html are strings");
  }
  return { ...mail, to: checkedMailbox("to", mail.to), from: checkedMailbox("from", mail.from), subject: line(mail.subject) };
}
