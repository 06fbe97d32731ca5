/** Puts the operations over a database together, in whatever dialect its statements are. @module */
import type { EveryOperation, ServerStorer, SessionOperations } from "@castellan/core";
import type { Database } from "./database.ts";
import { type ChallengeStatements, challengeOperations } from "./operations/challenges.ts";
import { type CountStatements, countOperations } from "./operations/counts.ts";
import { type FactorStatements, factorOperations } from "./operations/factors.ts";
import { type IdentityStatements, identityOperations } from "./operations/identities.ts";
import { type LinkStatements, linkOperations } from "./operations/links.ts";
import { type LockStatements, lockOperations } from "./operations/locks.ts";
import { type MailStatements, mailOperations } from "./operations/mails.ts";
import { type OneTimePasswordStatements, oneTimePasswordOperations } from "./operations/one-time-passwords.ts";
import { type RememberStatements, rememberOperations } from "./operations/remember.ts";
import { type SessionStatements, sessionOperations } from "./operations/sessions.ts";
import { type SignInStatements, signInOperations } from "./operations/sign-ins.ts";
import { type SweepStatements, sweepOperation } from "./operations/sweep.ts";
import { type TrustedBrowserStatements, trustedBrowserOperations } from "./operations/trusted-browsers.ts";
import { type SqlUser, type UserStatements, userFields, userOperations } from "./operations/users.ts";

/** Every statement of a dialect. A capability that is added here does not compile until each dialect has it. */
export interface Dialect {
  readonly users: UserStatements;
  readonly signIns: SignInStatements;
  readonly challenges: ChallengeStatements;
  readonly counts: CountStatements;
  readonly links: LinkStatements;
  readonly locks: LockStatements;
  readonly remember: RememberStatements;
  readonly mails: MailStatements;
  readonly factors: FactorStatements;
  readonly trustedBrowsers: TrustedBrowserStatements;
  readonly oneTimePasswords: OneTimePasswordStatements;
  readonly identities: IdentityStatements;
  readonly sessions: SessionStatements;
  readonly sweeps: SweepStatements;
}

/** The tables, as a storer makes them. */
export interface Schema {
  /** Brings the schema up to date. */
  ready(): Promise<void>;
  /**
   * The SQL that `ready()` would run now, for review; `""` when the schema is up to date. Changes nothing. Rejects with a `ConfigError` when the database is of a newer schema.
   */
  pendingSql(): Promise<string>;
}

/** What every SQL storer has, but for the rows of express-session: a database in the same process answers those at once. */
export interface SqlOperations extends ServerStorer<SqlUser>, Omit<EveryOperation, keyof SessionOperations>, Schema {
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** A storer on a database server. */
export interface SqlServerStorer extends SqlOperations, SessionOperations {}

export function operationsOf(database: Database, dialect: Dialect): Omit<SqlOperations, keyof Schema | "close"> {
  return {
    userFields,
    ...userOperations(database, dialect.users),
    ...signInOperations(database, dialect.signIns),
    ...challengeOperations(database, dialect.challenges),
    ...countOperations(database, dialect.counts),
    ...linkOperations(database, dialect.links),
    ...lockOperations(database, dialect.locks),
    ...rememberOperations(database, dialect.remember),
    ...mailOperations(database, dialect.mails),
    ...factorOperations(database, dialect.factors),
    ...trustedBrowserOperations(database, dialect.trustedBrowsers),
    ...oneTimePasswordOperations(database, dialect.oneTimePasswords),
    ...identityOperations(database, dialect.identities, dialect.users),
    sweep: sweepOperation(database, dialect.sweeps),
  };
}

/** The storer of a server: its sessions are answered by a promise. */
export function serverStorer(database: Database & { close(): Promise<void> }, dialect: Dialect, schema: Schema): SqlServerStorer {
  return {
    ...operationsOf(database, dialect),
    ...sessionOperations(database, dialect.sessions),
    ...schema,
    close: () => database.close(),
  };
}
