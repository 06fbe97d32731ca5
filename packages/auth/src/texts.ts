import type { Texts } from "@castellan/core";

export const authTexts: Texts = {
  "auth.title": "Sign in",
  "auth.submit": "Sign in",
  "auth.remember": "Keep me signed in on this device",
  "auth.to_recover": "Forgot your password?",
  "auth.password.title": "Change your password",
  "auth.password.what": "You stay signed in here. Everywhere else you will be signed out.",
  "auth.password.old": "Your password now",
  "auth.password.new": "New password",
  "auth.password.again": "New password again",
  "auth.password.submit": "Change password",
  "auth.password_changed.subject": "Your password was changed",
  "auth.password_changed.what": "The password of your account at {application} was changed. If it was you, all is well.",
  "auth.password_changed.todo": "If it was not you, choose a new one at once by the page for forgotten passwords.",
  "auth.new_browser.subject": "New sign-in to your account",
  "auth.new_browser.what": "Somebody signed in to your account at {application} from a browser that we have not seen before, at {at}.",
  "auth.new_browser.details": "Browser: {browser}. Network: {network}.",
  "auth.new_browser.todo": "If it was not you, choose a new password at once.",
  "reason.password_changed": "Your password is changed. You are signed out everywhere else.",
  "reason.passwords_unequal": "The two passwords are not the same.",
  "reason.signed_in": "You are signed in.",
};
