/** The tables, made and changed by code. @module */
import { type Migration, scriptOf } from "../migrations.ts";
import { identitiesAtProviders } from "./schema/identities.ts";

/** Version N of the schema is the first N of these. */
export const migrations: readonly Migration[] = [
  {
    name: "users, sign-ins, challenges, counts, sessions",
    statements: [
      `CREATE TABLE castellan_user (
  -- AUTOINCREMENT: an id is never given out twice, so that rows left over by a deletion without foreign keys fall to nobody.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pid TEXT NOT NULL UNIQUE,
  login TEXT NOT NULL UNIQUE,
  email TEXT,
  password_hash TEXT,
  profile TEXT NOT NULL, -- JSON: an object of strings
  created_at INTEGER NOT NULL, -- this and every time: milliseconds since 1970
  epoch INTEGER NOT NULL,
  disabled_at INTEGER
) STRICT`,
      `CREATE TABLE castellan_sign_in (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE, -- SHA-256 of the session id
  public_id TEXT NOT NULL UNIQUE,
  user_id INTEGER NOT NULL REFERENCES castellan_user (id) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('full', 'half')),
  factors TEXT NOT NULL, -- JSON: an array of { method, at }
  created_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  idle_ends_at INTEGER NOT NULL CHECK (idle_ends_at <= ends_at),
  ends_at INTEGER NOT NULL,
  user_agent TEXT NOT NULL,
  network TEXT NOT NULL
) STRICT`,
      "CREATE INDEX castellan_sign_in_of_user ON castellan_sign_in (user_id, seen_at)",
      "CREATE INDEX castellan_sign_in_end ON castellan_sign_in (idle_ends_at)",
      `CREATE TABLE castellan_challenge (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  purpose TEXT NOT NULL,
  pid TEXT NOT NULL, -- no foreign key: a challenge of nobody is dead anyway, and must look like any other until it is swept
  epoch INTEGER NOT NULL,
  session_key TEXT NOT NULL, -- SHA-256 of the browser session
  destination TEXT NOT NULL,
  data TEXT NOT NULL,
  tries_left INTEGER NOT NULL CHECK (tries_left >= 0),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  UNIQUE (session_key, purpose) -- a new one voids the old
) STRICT`,
      "CREATE INDEX castellan_challenge_of_user ON castellan_challenge (pid)",
      "CREATE INDEX castellan_challenge_end ON castellan_challenge (expires_at)",
      `CREATE TABLE castellan_count (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  uses INTEGER NOT NULL,
  resets_at INTEGER NOT NULL
) STRICT`,
      "CREATE INDEX castellan_count_end ON castellan_count (resets_at)",
      `CREATE TABLE castellan_session (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE, -- SHA-256 of the session id
  data TEXT NOT NULL, -- JSON, as express-session made it
  expires_at INTEGER NOT NULL
) STRICT`,
      "CREATE INDEX castellan_session_end ON castellan_session (expires_at)",
    ],
  },
  {
    name: "confirmation, recovery, locks, remembered browsers, queued mails",
    statements: [
      "ALTER TABLE castellan_user ADD COLUMN confirmed_at INTEGER",
      "ALTER TABLE castellan_user ADD COLUMN secondary_emails TEXT NOT NULL DEFAULT '[]'", // JSON: an array of strings
      `CREATE TABLE castellan_link (
  id INTEGER PRIMARY KEY,
  purpose TEXT NOT NULL CHECK (purpose IN ('confirm', 'recover', 'unlock')),
  place INTEGER NOT NULL, -- among the links of one request, from 0: those of the next request take the places of these
  request TEXT NOT NULL, -- the selector of the link in place 0: when that gave way, the others of its request are dead
  selector TEXT NOT NULL UNIQUE,
  verifier_hash TEXT NOT NULL, -- SHA-256 of the half that only the mail holds
  pid TEXT NOT NULL, -- no foreign key: a link of nobody must look like any other until it is swept
  epoch INTEGER NOT NULL,
  destination TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  UNIQUE (pid, purpose, place)
) STRICT`,
      "CREATE INDEX castellan_link_end ON castellan_link (expires_at)",
      `CREATE TABLE castellan_attempt (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL UNIQUE, -- 'pid:' and a pid, or a keyed hash of a login that nobody has
  uses INTEGER NOT NULL,
  window_ends_at INTEGER NOT NULL,
  locks INTEGER NOT NULL, -- how many locks have followed each other
  locked_at INTEGER,
  locked_until INTEGER,
  locked_by TEXT CHECK (locked_by IN ('attempts', 'administrator')),
  forgets_at INTEGER, -- from here on the next lock is a first one again
  ends_at INTEGER NOT NULL -- from here on the row says nothing any more
) STRICT`,
      "CREATE INDEX castellan_attempt_end ON castellan_attempt (ends_at)",
      `CREATE TABLE castellan_remember (
  id INTEGER PRIMARY KEY,
  selector TEXT NOT NULL UNIQUE,
  verifier_hash TEXT NOT NULL, -- SHA-256 of the current secret
  previous_hash TEXT, -- of the one before it
  rotated_at INTEGER,
  pid TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  user_agent TEXT NOT NULL
) STRICT`,
      "CREATE INDEX castellan_remember_of_user ON castellan_remember (pid)",
      "CREATE INDEX castellan_remember_end ON castellan_remember (expires_at)",
      `CREATE TABLE castellan_mail (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  payload TEXT NOT NULL, -- sealed
  attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL
) STRICT`,
      "CREATE INDEX castellan_mail_due ON castellan_mail (due_at)",
    ],
  },
  {
    name: "second factors, one-time passwords, trusted browsers",
    statements: [
      "ALTER TABLE castellan_user ADD COLUMN totp_secret TEXT", // sealed
      "ALTER TABLE castellan_user ADD COLUMN totp_step INTEGER", // the newest that was accepted
      "ALTER TABLE castellan_user ADD COLUMN totp_enabled_at INTEGER",
      "ALTER TABLE castellan_user ADD COLUMN sms_number TEXT",
      "ALTER TABLE castellan_user ADD COLUMN recovery_codes TEXT NOT NULL DEFAULT '[]'", // JSON: an array of SHA-256
      "ALTER TABLE castellan_user ADD COLUMN one_time_passwords TEXT NOT NULL DEFAULT '[]'", // likewise
      "ALTER TABLE castellan_user ADD COLUMN one_time_epoch INTEGER NOT NULL DEFAULT 0", // of those: dead under another
      `CREATE TABLE castellan_trusted_browser (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  key_hash TEXT NOT NULL UNIQUE, -- SHA-256 of the secret in the cookie
  user_id INTEGER NOT NULL REFERENCES castellan_user (id) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  user_agent TEXT NOT NULL,
  network TEXT NOT NULL
) STRICT`,
      "CREATE INDEX castellan_trusted_browser_of_user ON castellan_trusted_browser (user_id, created_at)",
      "CREATE INDEX castellan_trusted_browser_end ON castellan_trusted_browser (expires_at)",
    ],
  },
  identitiesAtProviders,
];

const VERSIONS = "CREATE TABLE castellan_schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT";

/** The statements that bring a schema of version `from` (0: none) up to date, without the transaction around them. */
export function migrationStatements(from: number): readonly string[] {
  const missing = migrations
    .slice(from)
    .flatMap(({ name, statements }, index) => [
      ...statements,
      `INSERT INTO castellan_schema (version, name) VALUES (${from + index + 1}, '${name}')`,
    ]);
  return from === 0 ? [VERSIONS, ...missing] : missing;
}

/** The SQL, for review, that brings a schema of version `from` up to date: exactly what `ready()` runs. Nothing when it is. */
export function migrationSql(from = 0): string {
  const statements = migrationStatements(from);
  return statements.length === 0 ? "" : scriptOf(["BEGIN IMMEDIATE", ...statements, "COMMIT"]);
}
