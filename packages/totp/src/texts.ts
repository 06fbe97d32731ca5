import type { Texts } from "@castellan/core";

export const totpTexts: Texts = {
  "totp.name": "Authenticator app",
  "totp.code": "Six digits from your app",
  "totp.setup.title": "Set up an authenticator app",
  "totp.setup.what":
    "An authenticator app on your phone or computer shows a new code every half-minute. You type it when you sign in. Any app will do that knows TOTP codes.",
  "totp.setup.submit": "Begin",
  "totp.setup.waiting": "Go on with the one that you began",
  "totp.confirm.title": "Set up an authenticator app",
  "totp.confirm.scan": "Scan this picture with your app:",
  "totp.confirm.picture": "A QR code with the key below",
  "totp.confirm.link": "Open in an app on this device",
  "totp.confirm.key": "If you cannot scan it, type this key into the app (time-based, six digits):",
  "totp.confirm.then": "Then type the code that the app shows:",
  "totp.confirm.submit": "Turn it on",
  "totp.validate.title": "Your code",
  "totp.validate.what": "Open your authenticator app and type the six digits that it shows.",
  "totp.validate.submit": "Go on",
  "totp.remove.title": "Remove the authenticator app",
  "totp.remove.what": "After this, no code of the app is asked for any more. Everywhere else you are signed out.",
  "totp.remove.submit": "Remove it",
  "reason.code_used": "This code was used already. Wait for the next one.",
  "reason.totp_set_up": "The authenticator app is set up already. Remove it before you set up another.",
  "reason.totp_setup_expired": "That took too long, or too many codes were wrong. Please begin again.",
  "reason.totp_unreadable": "Codes of the app cannot be checked at the moment. Please try another way.",
};

/** The reasons that the module answers with, besides those of `twofactor`. */
export const totpReasons = ["code_used", "totp_set_up", "totp_setup_expired", "totp_unreadable"] as const;
