/** The tables, made and changed by code. @module */
import { type Migration, scriptOf } from "../migrations.ts";

/** Version N of the schema is the first N of these. */
export const migrations: readonly Migration[] = [
  {
    name: "users, sign-ins, challenges, counts, sessions, links, locks, remembered browsers, mails, factors, trusted browsers, identities",
    statements: [
      `CREATE TABLE castellan_user (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pid TEXT NOT NULL UNIQUE,
  login TEXT NOT NULL UNIQUE,
  email TEXT,
  password_hash TEXT,
  profile TEXT NOT NULL, -- JSON: an object of strings
  created_at BIGINT NOT NULL, -- this and every time: milliseconds since 1970
  epoch BIGINT NOT NULL,
  disabled_at BIGINT,
  confirmed_at BIGINT,
  secondary_emails TEXT NOT NULL DEFAULT '[]', -- JSON: an array of strings
  totp_secret TEXT, -- sealed
  totp_step BIGINT, -- the newest that was accepted
  totp_enabled_at BIGINT,
  sms_number TEXT,
  recovery_codes TEXT NOT NULL DEFAULT '[]', -- JSON: an array of SHA-256
  one_time_passwords TEXT NOT NULL DEFAULT '[]', -- likewise
  one_time_epoch BIGINT NOT NULL DEFAULT 0 -- of those: dead under another
)`,
      `CREATE TABLE castellan_sign_in (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key TEXT NOT NULL UNIQUE, -- SHA-256 of the session id
  public_id TEXT NOT NULL UNIQUE,
  user_id BIGINT NOT NULL REFERENCES castellan_user (id) ON DELETE CASCADE,
  epoch BIGINT NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('full', 'half')),
  factors TEXT NOT NULL, -- JSON: an array of { method, at }
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  idle_ends_at BIGINT NOT NULL CHECK (idle_ends_at <= ends_at),
  ends_at BIGINT NOT NULL,
  user_agent TEXT NOT NULL,
  network TEXT NOT NULL
)`,
      "CREATE INDEX castellan_sign_in_of_user ON castellan_sign_in (user_id, seen_at)",
      "CREATE INDEX castellan_sign_in_end ON castellan_sign_in (idle_ends_at)",
      `CREATE TABLE castellan_challenge (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  purpose TEXT NOT NULL,
  pid TEXT NOT NULL, -- no foreign key: a challenge of nobody is dead anyway, and must look like any other until it is swept
  epoch BIGINT NOT NULL,
  session_key TEXT NOT NULL, -- SHA-256 of the browser session
  destination TEXT NOT NULL,
  data TEXT NOT NULL,
  tries_left BIGINT NOT NULL CHECK (tries_left >= 0),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (session_key, purpose) -- a new one voids the old
)`,
      "CREATE INDEX castellan_challenge_of_user ON castellan_challenge (pid)",
      "CREATE INDEX castellan_challenge_end ON castellan_challenge (expires_at)",
      `CREATE TABLE castellan_count (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  uses BIGINT NOT NULL,
  resets_at BIGINT NOT NULL
)`,
      "CREATE INDEX castellan_count_end ON castellan_count (resets_at)",
      `CREATE TABLE castellan_session (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key TEXT NOT NULL UNIQUE, -- SHA-256 of the session id
  data TEXT NOT NULL, -- JSON, as express-session made it
  expires_at BIGINT NOT NULL
)`,
      "CREATE INDEX castellan_session_end ON castellan_session (expires_at)",
      `CREATE TABLE castellan_link (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  purpose TEXT NOT NULL CHECK (purpose IN ('confirm', 'recover', 'unlock')),
  place BIGINT NOT NULL, -- among the links of one request, from 0: those of the next request take the places of these
  request TEXT NOT NULL, -- the selector of the link in place 0: when that gave way, the others of its request are dead
  selector TEXT NOT NULL UNIQUE,
  verifier_hash TEXT NOT NULL, -- SHA-256 of the half that only the mail holds
  pid TEXT NOT NULL, -- no foreign key: a link of nobody must look like any other until it is swept
  epoch BIGINT NOT NULL,
  destination TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (pid, purpose, place)
)`,
      "CREATE INDEX castellan_link_end ON castellan_link (expires_at)",
      `CREATE TABLE castellan_attempt (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subject TEXT NOT NULL UNIQUE, -- 'pid:' and a pid, or a keyed hash of a login that nobody has
  uses BIGINT NOT NULL,
  window_ends_at BIGINT NOT NULL,
  locks BIGINT NOT NULL, -- how many locks have followed each other
  locked_at BIGINT,
  locked_until BIGINT,
  locked_by TEXT CHECK (locked_by IN ('attempts', 'administrator')),
  forgets_at BIGINT, -- from here on the next lock is a first one again
  ends_at BIGINT NOT NULL -- from here on the row says nothing any more
)`,
      "CREATE INDEX castellan_attempt_end ON castellan_attempt (ends_at)",
      `CREATE TABLE castellan_remember (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  selector TEXT NOT NULL UNIQUE,
  verifier_hash TEXT NOT NULL, -- SHA-256 of the current secret
  previous_hash TEXT, -- of the one before it
  rotated_at BIGINT,
  pid TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  user_agent TEXT NOT NULL
)`,
      "CREATE INDEX castellan_remember_of_user ON castellan_remember (pid)",
      "CREATE INDEX castellan_remember_end ON castellan_remember (expires_at)",
      `CREATE TABLE castellan_mail (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  payload TEXT NOT NULL, -- sealed
  attempts BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL
)`,
      "CREATE INDEX castellan_mail_due ON castellan_mail (due_at, id)",
      `CREATE TABLE castellan_trusted_browser (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  key_hash TEXT NOT NULL UNIQUE, -- SHA-256 of the secret in the cookie
  user_id BIGINT NOT NULL REFERENCES castellan_user (id) ON DELETE CASCADE,
  epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  user_agent TEXT NOT NULL,
  network TEXT NOT NULL
)`,
      "CREATE INDEX castellan_trusted_browser_of_user ON castellan_trusted_browser (user_id, created_at)",
      "CREATE INDEX castellan_trusted_browser_end ON castellan_trusted_browser (expires_at)",
      `CREATE TABLE castellan_identity (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id BIGINT NOT NULL REFERENCES castellan_user (id) ON DELETE CASCADE,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  provider TEXT NOT NULL,
  email TEXT,
  tokens TEXT, -- sealed
  linked_at BIGINT NOT NULL,
  UNIQUE (issuer, subject)
)`,
      "CREATE INDEX castellan_identity_of_user ON castellan_identity (user_id, linked_at)",
      `CREATE TABLE castellan_oauth2_flow (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key TEXT NOT NULL UNIQUE, -- SHA-256 of the state
  browser_key TEXT NOT NULL, -- SHA-256 of the secret in the browser's cookie
  purpose TEXT NOT NULL,
  data TEXT NOT NULL, -- sealed
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
)`,
      "CREATE INDEX castellan_oauth2_flow_end ON castellan_oauth2_flow (expires_at)",
    ],
  },
];

const VERSIONS = "CREATE TABLE castellan_schema (version BIGINT PRIMARY KEY, name TEXT NOT NULL)";

/** One at a time in the database, whoever else takes advisory locks: the number is of no further meaning. */
export const LOCK = "SELECT pg_advisory_xact_lock(7305429318640011)";

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
  return statements.length === 0 ? "" : scriptOf(["BEGIN", LOCK, ...statements, "COMMIT"]);
}
