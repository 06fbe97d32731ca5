/** What pages and messages say, in English. @module */
import type { Texts } from "@castellan/core";

export const smsTexts: Texts = {
  "sms.name": "Text message",
  "sms.message": "{code} is your code for {application}. Do not give it to anybody.",
  "sms.number": "Mobile number",
  "sms.number.international": "With the country code: + and then the digits.",
  "sms.code": "Code from the text message",
  "sms.code.what": "The code goes to {number}. Type it here; it works for {minutes} minutes.",
  "sms.code.again": "Send a new code",
  "sms.setup.title": "Set up codes by text message",
  "sms.setup.what":
    "At each sign-in we send a code to your phone, which you then type in. An app that makes codes is safer, and works without reception.",
  "sms.setup.submit": "Send me a code",
  "sms.setup.waiting": "I have a code",
  "sms.setup.other": "Choose another way",
  "sms.confirm.title": "Confirm your number",
  "sms.confirm.none": "There is no code for a number here, or it is too old.",
  "sms.confirm.submit": "Turn on",
  "sms.confirm.change": "Use another number",
  "sms.validate.title": "Code by text message",
  "sms.validate.none": "We send a code to {number}.",
  "sms.validate.send": "Send me a code",
  "sms.validate.submit": "Go on",
  "sms.remove.title": "Remove codes by text message",
  "sms.remove.what": "Sign-ins will not be asked for a code sent to {number} any more. Everywhere else you are signed out.",
  "sms.remove.submit": "Remove",
  "sms.remove.keep": "Keep it",
  "reason.sms_sent": "A code is on its way to your phone.",
  "reason.sms_failed": "The text message could not be sent. Try again in a minute, or another way.",
  "reason.sms_limited": "No further code can be sent right now. Wait a while, or try another way.",
  "reason.code_expired": "There is no code that could be tried any more. Ask for a new one.",
  "reason.sms_set_up_already": "Codes by text message are on already. Remove them before you take another number.",
  "reason.phone_number_invalid": "This is not a number that can be called. Check it.",
  "reason.phone_number_country": "We cannot send messages to numbers of this country.",
  "reason.phone_number_kind": "This is not the number of a mobile phone.",
};

/** The reasons that the module answers with. */
export const smsReasons = [
  "sms_sent",
  "sms_failed",
  "sms_limited",
  "code_expired",
  "sms_set_up_already",
  "phone_number_invalid",
  "phone_number_country",
  "phone_number_kind",
] as const;
