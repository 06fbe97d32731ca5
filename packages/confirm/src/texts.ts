import type { Texts } from "@castellan/core";

export const confirmTexts: Texts = {
  "confirm.title": "Confirm your address",
  "confirm.submit": "Confirm",
  "confirm.what": "Press the button to confirm that this mailbox is yours.",
  "confirm.sent.title": "Look into your mailbox",
  "confirm.sent.what":
    "We have sent you a mail with a link. Open it to confirm your address. It may take a few minutes, and may end up among the spam.",
  "confirm.sent.again": "No mail?",
  "confirm.resend.title": "Send the mail again",
  "confirm.resend.submit": "Send",
  "confirm.mail.subject": "Confirm your address",
  "confirm.mail.what": "Somebody, hopefully you, made an account at {application} with this address. Confirm it here:",
  "confirm.mail.link": "Confirm this address",
  "confirm.mail.not_you": "If it was not you, you need not do anything.",
  "confirm.taken.subject": "You have an account already",
  "confirm.taken.what":
    "Somebody, perhaps you, wanted to make an account at {application} with this address. There is one already, so nothing was changed. Sign in, or choose a new password if you have forgotten it.",
  "reason.confirmation_sent": "If this address is waiting to be confirmed, a mail is on its way.",
  "reason.not_confirmed": "Please confirm your address first: open the link in the mail that we sent you.",
  "reason.confirmed": "Your address is confirmed. You can sign in now.",
  "reason.email_required": "We need an e-mail address to send a link to.",
};
