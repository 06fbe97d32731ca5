/** The tables, and what their operations have in common. @module */
import type {
  AuthableUser,
  Challenge,
  DisableableUser,
  Identity,
  MailedToken,
  NewTotp,
  NewUser,
  OAuth2Flow,
  QueuedMail,
  RememberSeries,
  SignIn,
  StoredSession,
  TrustedBrowser,
} from "@castellan/core";

/** A user as the tables hold it. A lock stands in the attempts of the user's subject. */
export interface UserRow extends NewUser, AuthableUser, DisableableUser {
  readonly confirmedAt: Date | null;
  readonly secondaryEmails: readonly string[];
  readonly totp: NewTotp | null;
  readonly smsNumber: string | null;
  /** Hashes, like those of one-time passwords. */
  readonly recoveryCodes: readonly string[];
  /** Dead once the user is of another epoch. */
  readonly oneTimePasswords: { readonly epoch: number; readonly hashes: readonly string[] };
}

export interface LinkRow extends MailedToken {
  readonly purpose: "confirm" | "recover" | "unlock";
}

/** What was counted for one subject, and its lock. */
export interface AttemptRow {
  readonly used: number;
  readonly windowEndsAt: Date;
  /** How many locks have followed each other. */
  readonly locks: number;
  readonly forgetsAt: Date | null;
  readonly lock: { readonly at: Date; readonly until: Date; readonly by: "attempts" | "administrator" } | null;
}

export interface SeriesRow extends RememberSeries {
  readonly previousHash: string | null;
  readonly rotatedAt: Date | null;
}

/** The uses of one key in the window that is running. */
export interface CounterRow {
  readonly used: number;
  readonly resetsAt: Date;
}

export interface Tables {
  /** By pid. */
  readonly users: Map<string, UserRow>;
  /** By the SHA-256 of the session id. */
  readonly signIns: Map<string, SignIn>;
  /** By id. */
  readonly challenges: Map<string, Challenge>;
  readonly counters: Map<string, CounterRow>;
  readonly sessions: Map<string, StoredSession>;
  /** By selector. */
  readonly links: Map<string, LinkRow>;
  /** By subject. */
  readonly attempts: Map<string, AttemptRow>;
  /** By selector. */
  readonly series: Map<string, SeriesRow>;
  /** By id. */
  readonly mails: Map<string, QueuedMail>;
  /** By id. */
  readonly trustedBrowsers: Map<string, TrustedBrowser>;
  /** By issuer and subject. */
  readonly identities: Map<string, Identity>;
  /** By key. */
  readonly flows: Map<string, OAuth2Flow>;
}

export const emptyTables = (): Tables => ({
  users: new Map(),
  signIns: new Map(),
  challenges: new Map(),
  counters: new Map(),
  sessions: new Map(),
  links: new Map(),
  attempts: new Map(),
  series: new Map(),
  mails: new Map(),
  trustedBrowsers: new Map(),
  identities: new Map(),
  flows: new Map(),
});

/**
 * Makes an operation of a plain function. The function runs without a break, so whatever it decides is atomic. What comes in and what goes out is copied by the operation, so that nobody holds a row of the
 * tables.
 */
export type Operation = <A extends unknown[], R>(name: string, body: (...args: A) => R) => (...args: A) => Promise<R>;

/** Whether `now` has reached `end`: what ends at a moment is dead at that very moment. */
export const isOver = (end: Date, now: Date): boolean => now.getTime() >= end.getTime();

/** Replaces the fields of a user that `changes` names. Answers whether there is such a user. */
export function updateUser(tables: Tables, pid: string, changes: (user: UserRow) => Partial<UserRow> | null): UserRow | null {
  const user = tables.users.get(pid);
  const changed = user && changes(user);
  if (!user || !changed) return null;
  const next = { ...user, ...changed };
  tables.users.set(pid, next);
  return next;
}

/** Deletes the rows of `table` that `condition` picks. Answers how many. */
export function deleteWhere<R>(table: Map<string, R>, condition: (row: R, key: string) => boolean): number {
  let count = 0;
  for (const [key, row] of table) {
    if (condition(row, key) && table.delete(key)) count += 1;
  }
  return count;
}
