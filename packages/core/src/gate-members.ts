/** The names that a gate has of its own. @module */
import type { GateBase } from "./gate-types.ts";
import type { User } from "./users.ts";

/** Members of a gate, which no module may be named after. */
export const MEMBERS: ReadonlySet<string> = new Set<keyof GateBase<User>>([
  "clientState",
  "router",
  "csrf",
  "require",
  "user",
  "currentUser",
  "currentSignIn",
  "isFullyAuthed",
  "isTwoFactored",
  "session",
  "csrfToken",
  "flash",
  "preserved",
  "pageData",
  "verifyPassword",
  "changePassword",
  "updatePassword",
  "signIns",
  "endSignIns",
  "disable",
  "enable",
  "email",
  "deliverMails",
  "on",
  "describe",
  "ready",
  "close",
  "sweep",
]);
