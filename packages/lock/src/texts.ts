import type { Texts } from "@castellan/core";

export const lockTexts: Texts = {
  "lock.title": "Unlock your account",
  "lock.submit": "Unlock",
  "lock.what": "Your account was locked after too many tries. You can unlock it now.",
  "lock.mail.subject": "Your account was locked",
  "lock.mail.what":
    "There were too many tries to sign in to your account at {application}, so it is locked for a while. If it was you, unlock it here:",
  "lock.mail.link": "Unlock your account",
  "lock.mail.not_you": "If it was not you, you need not do anything: nobody got in. The lock ends by itself.",
  "reason.account_locked": "This account is locked. After too many tries that lasts a while: try again later, or choose a new password.",
  "reason.unlocked": "Your account is unlocked. You can sign in now.",
};
