/** The tables of the capability "oauth2". @module */
import type { Migration } from "../../migrations.ts";

export const identitiesAtProviders: Migration = {
  name: "identities at providers, flows to them and back",
  statements: [
    `CREATE TABLE castellan_identity (
  id INTEGER PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES castellan_user (id) ON DELETE CASCADE,
  issuer TEXT NOT NULL,
  subject TEXT NOT NULL,
  provider TEXT NOT NULL,
  email TEXT,
  tokens TEXT, -- sealed
  linked_at INTEGER NOT NULL,
  UNIQUE (issuer, subject)
) STRICT`,
    "CREATE INDEX castellan_identity_of_user ON castellan_identity (user_id, linked_at)",
    `CREATE TABLE castellan_oauth2_flow (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE, -- SHA-256 of the state
  browser_key TEXT NOT NULL, -- SHA-256 of the secret in the browser's cookie
  purpose TEXT NOT NULL,
  data TEXT NOT NULL, -- sealed
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT`,
    "CREATE INDEX castellan_oauth2_flow_end ON castellan_oauth2_flow (expires_at)",
  ],
};
