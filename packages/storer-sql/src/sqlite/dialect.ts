/** Every statement of SQLite. @module */
import type { Dialect } from "../storer.ts";
import { challenges } from "./statements/challenges.ts";
import { counts } from "./statements/counts.ts";
import { factors } from "./statements/factors.ts";
import { identities } from "./statements/identities.ts";
import { links } from "./statements/links.ts";
import { locks } from "./statements/locks.ts";
import { mails } from "./statements/mails.ts";
import { oneTimePasswords } from "./statements/one-time-passwords.ts";
import { remember } from "./statements/remember.ts";
import { sessions } from "./statements/sessions.ts";
import { signIns } from "./statements/sign-ins.ts";
import { sweeps } from "./statements/sweep.ts";
import { trustedBrowsers } from "./statements/trusted-browsers.ts";
import { users } from "./statements/users.ts";

export const sqliteDialect: Dialect = {
  users,
  signIns,
  challenges,
  counts,
  links,
  locks,
  remember,
  mails,
  factors,
  trustedBrowsers,
  oneTimePasswords,
  identities,
  sessions,
  sweeps,
};
