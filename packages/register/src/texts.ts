import type { Texts } from "@castellan/core";

export const registerTexts: Texts = {
  "register.title": "Create an account",
  "register.submit": "Create account",
  "register.confirm_password": "Password again",
  "register.password_hint": "Longer is stronger: a few words make a good one. Any characters will do.",
  "reason.registered": "Your account is ready, and you are signed in.",
  "reason.registered_sign_in": "Your account is ready. You can sign in now.",
  "reason.login_taken": "There is an account with this name or address already.",
};
