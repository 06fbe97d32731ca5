import type { Texts } from "@castellan/core";

export const authTexts: Texts = {
  "auth.title": "Sign in",
  "auth.submit": "Sign in",
  "auth.remember": "Keep me signed in on this device",
  "auth.to_recover": "Forgot your password?",
  "reason.signed_in": "You are signed in.",
};
