/** A storer that keeps everything in memory, with seams for tests. Nothing outlives the process. @module */
import type { Challenge, Identity, OAuth2Flow, QueuedMail, SignIn, StoredSession, TrustedBrowser } from "@castellan/core";
import {
  type AttemptRow,
  type CounterRow,
  emptyTables,
  type LinkRow,
  type Operation,
  type SeriesRow,
  type TableStorer,
  tableOperations,
  type UserRow,
} from "@castellan/storer-file/tables";

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
  readonly identities: readonly Identity[];
  readonly flows: readonly OAuth2Flow[];
}

/** Every operation of core's capabilities, with seams for tests. */
export interface MemoryStorer extends TableStorer {
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

/** What tests look at and what they break. */
interface Switchboard {
  readonly counts: Map<string, number>;
  failure: Error | null;
}

/** Before it runs, an operation gives way once, as a real database would, so that a caller who needs two operations to be one is found out. */
const operationsOf =
  (board: Switchboard): Operation =>
  (name, body) =>
  async (...given) => {
    // Copied before the first wait: what the caller changes from here on is not what was asked.
    const args = structuredClone(given);
    board.counts.set(name, (board.counts.get(name) ?? 0) + 1);
    await Promise.resolve();
    if (board.failure) throw board.failure;
    return structuredClone(body(...args));
  };

/** Makes an empty storer in memory. */
export function memoryStorer(): MemoryStorer {
  const tables = emptyTables();
  const board: Switchboard = { counts: new Map(), failure: null };
  return {
    ...tableOperations(tables, operationsOf(board)),
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
      const { users, challenges, links, series, mails, trustedBrowsers, identities, flows, ...rest } = structuredClone(tables);
      return {
        ...rest,
        users: [...users.values()],
        challenges: [...challenges.values()],
        links: [...links.values()],
        series: [...series.values()],
        mails: [...mails.values()],
        trustedBrowsers: [...trustedBrowsers.values()],
        identities: [...identities.values()],
        flows: [...flows.values()],
      };
    },
    removeUser: (pid) => {
      tables.users.delete(pid);
    },
  };
}
