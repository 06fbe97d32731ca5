/**
 * Rows for express-session, so that one database is enough. They hold what the application puts into its session, never who is signed in. @module
 */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs } from "./capability.ts";

export interface StoredSession {
  /** The session as JSON text. */
  readonly data: string;
  readonly expiresAt: Date;
}

/**
 * `key` is a SHA-256 of the session id, as base64url text. An operation of a database in the same process may answer at once instead of by
 * a promise; `req.session` can then be looked at without being loaded beforehand.
 */
export interface SessionOperations {
  /** The session under `key`, unless it has expired. */
  loadSession(key: string, now: Date): StoredSession | null | Promise<StoredSession | null>;
  /** Makes or replaces the session. */
  saveSession(key: string, session: StoredSession): void | Promise<void>;
  /** Moves the end of a session that has just been loaded. Makes nothing. */
  touchSession(key: string, expiresAt: Date): void | Promise<void>;
  destroySession(key: string): void | Promise<void>;
}

export type SessionKeepingServerStorer = Needs<User, SessionOperations>;

export const sessionKeeping: Capability<User, SessionOperations> = defineCapability<User, SessionOperations>("session-keeping", {
  user: {},
  operations: { loadSession: true, saveSession: true, touchSession: true, destroySession: true },
});
