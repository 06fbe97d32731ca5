/**
 * The tables, made and changed by code. Texts are kept as bytes (UTF-8), so that they are compared byte by byte: MySQL takes letters of different case, accents and trailing spaces for equal otherwise. @module
 */
import { type Migration, scriptOf } from "../migrations.ts";

/** Version N of the schema is the first N of these. */
export const migrations: readonly Migration[] = [
  {
    name: "users, sign-ins, challenges, counts, sessions, links, locks, remembered browsers, mails, factors, trusted browsers, identities",
    statements: [
      `CREATE TABLE castellan_user (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  pid VARBINARY(1024) NOT NULL UNIQUE,
  login VARBINARY(1024) NOT NULL UNIQUE,
  email VARBINARY(1024),
  password_hash MEDIUMBLOB,
  profile MEDIUMBLOB NOT NULL, -- JSON: an object of strings
  created_at BIGINT NOT NULL, -- this and every time: milliseconds since 1970
  epoch BIGINT NOT NULL,
  disabled_at BIGINT,
  confirmed_at BIGINT,
  secondary_emails MEDIUMBLOB NOT NULL DEFAULT ('[]'), -- JSON: an array of strings
  totp_secret MEDIUMBLOB, -- sealed
  totp_step BIGINT, -- the newest that was accepted
  totp_enabled_at BIGINT,
  sms_number MEDIUMBLOB,
  recovery_codes MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ('[]'), -- JSON: an array of SHA-256
  one_time_passwords MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT ('[]'), -- likewise
  one_time_epoch BIGINT NOT NULL DEFAULT 0 -- of those: dead under another
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      `CREATE TABLE castellan_sign_in (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  sign_in_key VARBINARY(255) NOT NULL UNIQUE, -- SHA-256 of the session id
  public_id VARBINARY(255) NOT NULL UNIQUE,
  user_id BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  level VARBINARY(16) NOT NULL CHECK (level IN ('full', 'half')),
  factors MEDIUMBLOB NOT NULL, -- JSON: an array of { method, at }
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  idle_ends_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  user_agent MEDIUMBLOB NOT NULL,
  network VARBINARY(255) NOT NULL,
  CHECK (idle_ends_at <= ends_at),
  FOREIGN KEY (user_id) REFERENCES castellan_user (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_sign_in_of_user ON castellan_sign_in (user_id, seen_at)",
      "CREATE INDEX castellan_sign_in_end ON castellan_sign_in (idle_ends_at)",
      `CREATE TABLE castellan_challenge (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  public_id VARBINARY(255) NOT NULL UNIQUE,
  purpose VARBINARY(255) NOT NULL,
  pid VARBINARY(1024) NOT NULL, -- no foreign key: a challenge of nobody is dead anyway, and must look like any other until it is swept
  epoch BIGINT NOT NULL,
  session_key VARBINARY(255) NOT NULL, -- SHA-256 of the browser session
  destination MEDIUMBLOB NOT NULL,
  data MEDIUMBLOB NOT NULL,
  tries_left BIGINT NOT NULL CHECK (tries_left >= 0),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (session_key, purpose) -- a new one voids the old
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_challenge_of_user ON castellan_challenge (pid)",
      "CREATE INDEX castellan_challenge_end ON castellan_challenge (expires_at)",
      `CREATE TABLE castellan_count (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  count_key VARBINARY(255) NOT NULL UNIQUE,
  uses BIGINT NOT NULL,
  resets_at BIGINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_count_end ON castellan_count (resets_at)",
      `CREATE TABLE castellan_session (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  session_key VARBINARY(255) NOT NULL UNIQUE, -- SHA-256 of the session id
  data MEDIUMBLOB NOT NULL, -- JSON, as express-session made it
  expires_at BIGINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_session_end ON castellan_session (expires_at)",
      `CREATE TABLE castellan_link (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  purpose VARBINARY(255) NOT NULL CHECK (purpose IN ('confirm', 'recover', 'unlock')),
  place BIGINT NOT NULL, -- among the links of one request, from 0: those of the next request take the places of these
  request VARBINARY(255) NOT NULL, -- the selector of the link in place 0: when that gave way, the others of its request are dead
  selector VARBINARY(255) NOT NULL UNIQUE,
  verifier_hash MEDIUMBLOB NOT NULL, -- SHA-256 of the half that only the mail holds
  pid VARBINARY(1024) NOT NULL, -- no foreign key: a link of nobody must look like any other until it is swept
  epoch BIGINT NOT NULL,
  destination MEDIUMBLOB NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  UNIQUE (pid, purpose, place)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_link_end ON castellan_link (expires_at)",
      `CREATE TABLE castellan_attempt (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  subject VARBINARY(1100) NOT NULL UNIQUE, -- 'pid:' and a pid, or a keyed hash of a login that nobody has
  uses BIGINT NOT NULL,
  window_ends_at BIGINT NOT NULL,
  locks BIGINT NOT NULL, -- how many locks have followed each other
  locked_at BIGINT,
  locked_until BIGINT,
  locked_by VARBINARY(32) CHECK (locked_by IN ('attempts', 'administrator')),
  forgets_at BIGINT, -- from here on the next lock is a first one again
  ends_at BIGINT NOT NULL -- from here on the row says nothing any more
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_attempt_end ON castellan_attempt (ends_at)",
      `CREATE TABLE castellan_remember (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  selector VARBINARY(255) NOT NULL UNIQUE,
  verifier_hash MEDIUMBLOB NOT NULL, -- SHA-256 of the current secret
  previous_hash MEDIUMBLOB, -- of the one before it
  rotated_at BIGINT,
  pid VARBINARY(1024) NOT NULL,
  epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  user_agent MEDIUMBLOB NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_remember_of_user ON castellan_remember (pid)",
      "CREATE INDEX castellan_remember_end ON castellan_remember (expires_at)",
      `CREATE TABLE castellan_mail (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  public_id VARBINARY(255) NOT NULL UNIQUE,
  payload MEDIUMBLOB NOT NULL, -- sealed
  attempts BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  due_at BIGINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_mail_due ON castellan_mail (due_at, id)",
      `CREATE TABLE castellan_trusted_browser (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  public_id VARBINARY(255) NOT NULL UNIQUE,
  key_hash VARBINARY(255) NOT NULL UNIQUE, -- SHA-256 of the secret in the cookie
  user_id BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  user_agent MEDIUMBLOB NOT NULL,
  network VARBINARY(255) NOT NULL,
  FOREIGN KEY (user_id) REFERENCES castellan_user (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_trusted_browser_of_user ON castellan_trusted_browser (user_id, created_at)",
      "CREATE INDEX castellan_trusted_browser_end ON castellan_trusted_browser (expires_at)",
      `CREATE TABLE castellan_identity (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  user_id BIGINT NOT NULL,
  issuer VARBINARY(2048) NOT NULL,
  subject VARBINARY(1020) NOT NULL,
  provider VARBINARY(255) NOT NULL,
  email VARBINARY(1024),
  tokens MEDIUMBLOB, -- sealed
  linked_at BIGINT NOT NULL,
  UNIQUE (issuer, subject),
  FOREIGN KEY (user_id) REFERENCES castellan_user (id) ON DELETE CASCADE
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_identity_of_user ON castellan_identity (user_id, linked_at)",
      `CREATE TABLE castellan_oauth2_flow (
  id BIGINT AUTO_INCREMENT PRIMARY KEY,
  flow_key VARBINARY(255) NOT NULL UNIQUE, -- SHA-256 of the state
  browser_key VARBINARY(255) NOT NULL, -- SHA-256 of the secret in the browser's cookie
  purpose VARBINARY(255) NOT NULL,
  data MEDIUMBLOB NOT NULL, -- sealed
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
      "CREATE INDEX castellan_oauth2_flow_end ON castellan_oauth2_flow (expires_at)",
    ],
  },
];

export const VERSIONS = `CREATE TABLE IF NOT EXISTS castellan_schema (
  version BIGINT PRIMARY KEY,
  name VARBINARY(255) NOT NULL,
  steps BIGINT NOT NULL, -- how many statements of it are done: each is committed by itself
  begun BIGINT NOT NULL -- how many were begun: one more, where somebody was stopped in the middle
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`;

/** The same where the first `steps` statements of version `version` are done. */
export function pendingAfter(version: number, steps: number): string {
  const statements = migrations[version - 1]?.statements ?? [];
  if (steps >= statements.length) return migrationSql(version);
  const done = `UPDATE castellan_schema SET steps = ${statements.length}, begun = ${statements.length} WHERE version = ${version}`;
  return scriptOf([...statements.slice(steps), done]) + migrationSql(version);
}

/** The SQL, for review, that brings a schema of version `from` up to date: what `ready()` runs, which also counts the steps as it goes. Nothing when it is up to date. */
export function migrationSql(from = 0): string {
  const missing = migrations
    .slice(from)
    .flatMap(({ name, statements }, index) => [
      ...statements,
      `INSERT INTO castellan_schema (version, name, steps, begun) VALUES (${from + index + 1}, '${name}', ${statements.length}, ${statements.length})`,
    ]);
  return missing.length === 0 ? "" : scriptOf(from === 0 ? [VERSIONS, ...missing] : missing);
}
