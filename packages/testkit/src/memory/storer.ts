/** A storer that keeps everything in memory: the example to read, and what tests run on. Nothing outlives the process. @module */
import type {
  AuthOperations,
  Challenge,
  ChallengeOperations,
  ConfirmOperations,
  CountOperations,
  CreateOperations,
  DisableOperations,
  ExpireOperations,
  LockOperations,
  MailQueueOperations,
  OneTimePasswordOperations,
  QueuedMail,
  RecoverOperations,
  RecoveryCodeOperations,
  RememberOperations,
  SecondaryEmailOperations,
  ServerStorer,
  SessionOperations,
  SignIn,
  SmsOperations,
  StoredSession,
  TotpOperations,
  TrustedBrowser,
  TrustedBrowserOperations,
} from "@castellan/core";
import { challengeOperations } from "./challenges.ts";
import { countOperations } from "./counters.ts";
import { factorOperations } from "./factors.ts";
import { linkOperations } from "./links.ts";
import { isSpent, lockOperations } from "./locks.ts";
import { mailOperations } from "./mails.ts";
import { rememberOperations } from "./remember.ts";
import { sessionOperations } from "./sessions.ts";
import { isExpiredSignIn, signInOperations } from "./sign-ins.ts";
import {
  type AttemptRow,
  type CounterRow,
  deleteWhere,
  emptyTables,
  isOver,
  type LinkRow,
  operationsOf,
  type SeriesRow,
  type Switchboard,
  type Tables,
  type UserRow,
} from "./tables.ts";
import { trustedBrowserOperations } from "./trusted-browsers.ts";
import { type MemoryUser, userOperations } from "./users.ts";

/** Everything that a {@link MemoryStorer} holds, as copies. */
export interface MemoryDump {
  readonly users: readonly UserRow[];
  readonly signIns: ReadonlyMap<string, SignIn>;
  readonly challenges: readonly Challenge[];
  readonly counters: ReadonlyMap<string, CounterRow>;
  readonly sessions: ReadonlyMap<string, StoredSession>;
  readonly links: readonly LinkRow[];
  readonly attempts: ReadonlyMap<string, AttemptRow>;
  readonly series: readonly SeriesRow[];
  readonly mails: readonly QueuedMail[];
  readonly trustedBrowsers: readonly TrustedBrowser[];
}

/** Every operation of core's capabilities, with seams for tests. */
export interface MemoryStorer
  extends ServerStorer<MemoryUser>,
    AuthOperations,
    CreateOperations,
    DisableOperations,
    CountOperations,
    ChallengeOperations,
    SessionOperations,
    ConfirmOperations,
    RecoverOperations,
    SecondaryEmailOperations,
    LockOperations,
    RememberOperations,
    ExpireOperations,
    MailQueueOperations,
    TotpOperations,
    SmsOperations,
    RecoveryCodeOperations,
    TrustedBrowserOperations,
    OneTimePasswordOperations {
  close(): Promise<void>;
  /** From now on every operation rejects with `error`, as if the database were away; `null` brings it back. */
  fail(error: Error | null): void;
  /** How often each operation was called so far, by name: a copy, to be compared with a later one. */
  readonly queries: Readonly<Record<string, number>>;
  /** A copy of everything, to show what lies at rest. */
  dump(): MemoryDump;
  /** Deletes a user and nothing else, as an application's own administration might. */
  removeUser(pid: string): void;
}

const USER_FIELDS = [
  "pid",
  "login",
  "epoch",
  "passwordHash",
  "email",
  "profile",
  "disabledAt",
  "confirmedAt",
  "lockedUntil",
  "lockedBy",
  "secondaryEmails",
  "totpEnabledAt",
  "smsNumber",
] as const satisfies (keyof MemoryUser)[];

/** Deletes at most `limit` expired rows over all tables. */
function sweepTables(tables: Tables, now: Date, limit: number): number {
  const { signIns, challenges, counters, sessions, links, attempts, series, trustedBrowsers } = tables;
  let left = limit;
  const sweepTable = <R>(table: Map<string, R>, isExpired: (row: R) => boolean) => {
    deleteWhere(table, (row) => {
      if (left <= 0 || !isExpired(row)) return false;
      left -= 1;
      return true;
    });
  };
  sweepTable(signIns, (row) => isExpiredSignIn(row, now));
  sweepTable(challenges, (row) => isOver(row.expiresAt, now));
  sweepTable(counters, (row) => isOver(row.resetsAt, now));
  sweepTable(sessions, (row) => isOver(row.expiresAt, now));
  sweepTable(links, (row) => isOver(row.expiresAt, now));
  sweepTable(attempts, (row) => isSpent(row, now));
  sweepTable(series, (row) => isOver(row.expiresAt, now));
  sweepTable(trustedBrowsers, (row) => isOver(row.expiresAt, now));
  return limit - left;
}

/** Makes an empty storer in memory. */
export function memoryStorer(): MemoryStorer {
  const tables = emptyTables();
  const board: Switchboard = { counts: new Map(), failure: null };
  const operation = operationsOf(board);

  return {
    userFields: USER_FIELDS,
    ...userOperations(tables, operation),
    ...signInOperations(tables, operation),
    ...challengeOperations(tables, operation),
    ...countOperations(tables, operation),
    ...sessionOperations(tables, operation),
    ...linkOperations(tables, operation),
    ...lockOperations(tables, operation),
    ...rememberOperations(tables, operation),
    ...mailOperations(tables, operation),
    ...factorOperations(tables, operation),
    ...trustedBrowserOperations(tables, operation),
    sweep: operation("sweep", (now, limit) => sweepTables(tables, now, limit)),
    close: async () => {
      board.failure = new Error("the memory storer is closed");
    },
    fail: (error) => {
      board.failure = error;
    },
    get queries() {
      return Object.fromEntries(board.counts);
    },
    dump: () => {
      const { users, challenges, links, series, mails, trustedBrowsers, ...rest } = structuredClone(tables);
      return {
        ...rest,
        users: [...users.values()],
        challenges: [...challenges.values()],
        links: [...links.values()],
        series: [...series.values()],
        mails: [...mails.values()],
        trustedBrowsers: [...trustedBrowsers.values()],
      };
    },
    removeUser: (pid) => {
      tables.users.delete(pid);
    },
  };
}
