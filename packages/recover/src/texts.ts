import type { Texts } from "@castellan/core";

export const recoverTexts: Texts = {
  "recover.title": "Forgot your password?",
  "recover.what": "Tell us who you are, and we send you a link to choose a new password.",
  "recover.submit": "Send the link",
  "recover.end.title": "Choose a new password",
  "recover.end.submit": "Save the new password",
  "recover.end.password": "New password",
  "recover.end.confirmation": "New password again",
  "recover.end.again": "Ask for a new link",
  "recover.mail.subject": "Choose a new password",
  "recover.mail.what":
    "Somebody, hopefully you, asked for a new password for your account at {application}. Choose one here, within {minutes} minutes:",
  "recover.mail.link": "Choose a new password",
  "recover.mail.not_you": "If it was not you, you need not do anything: your password stays as it is.",
  "reason.recovery_sent": "If there is an account for this, a mail with a link is on its way.",
  "reason.password_recovered": "Your new password is saved. You can sign in with it now.",
  "reason.password_recovered_signed_in": "Your new password is saved, and you are signed in.",
};
