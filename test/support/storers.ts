/** Storers for the tests of the doors: in memory, and in a real SQLite file, with seams to look, to wait and to break. @module */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AuthOperations,
  type ChallengeOperations,
  type CountOperations,
  type CreateOperations,
  type DisableOperations,
  type ServerStorer,
  type SessionOperations,
  seconds,
} from "@castellan/core";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { type MemoryUser, memoryStorer } from "@castellan/testkit";
import { onTestFinished } from "vitest";
import { loadDriver } from "../../packages/storer-sql/src/sqlite/driver.ts";

/** What both storers have. */
export type DoorStorer = ServerStorer<MemoryUser> &
  AuthOperations &
  CreateOperations &
  DisableOperations &
  CountOperations &
  ChallengeOperations &
  SessionOperations;

export type StorerKind = "memory" | "sqlite";
export const storerKinds: readonly StorerKind[] = ["memory", "sqlite"];

type Operation = keyof DoorStorer & string;

type Action = (run: () => unknown) => void | Promise<void>;

export interface OpenedStorer {
  readonly storer: DoorStorer;
  /** What was asked of it since the last look: operations in memory, statements in SQLite. */
  asked(): readonly string[];
  /** Runs `action` before each call of `operation` from now on: it may wait, or `run` the operation itself once, and what it throws is what the operation throws. `null` ends it. */
  before(operation: Operation, action: Action | null): void;
  /** Deletes a user as an application's own administration would. */
  removeUser(pid: string): Promise<void>;
  /** Everything that lies at rest, as text. */
  dump(): Promise<string>;
  /** The database goes away, or comes back. */
  away(isAway: boolean): void;
}

/** A folder that goes when the test is over. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "castellan-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export const openStorer = (kind: StorerKind): Promise<OpenedStorer> => (kind === "memory" ? inMemory() : inFile());

async function inMemory(): Promise<OpenedStorer> {
  const storer = memoryStorer();
  const asked: string[] = [];
  const { watched, before } = watch(storer, (operation) => asked.push(operation));
  return {
    storer: watched,
    asked: () => asked.splice(0),
    before,
    removeUser: async (pid) => storer.removeUser(pid),
    dump: async () => JSON.stringify(storer.dump(), (_, value) => (value instanceof Map ? [...value] : value)),
    away: (isAway) => storer.fail(isAway ? new Error("the database is away: secret-detail") : null),
  };
}

const TABLES = ["user", "sign_in", "challenge", "count", "session"].map((name) => `castellan_${name}`);

async function inFile(): Promise<OpenedStorer> {
  const file = join(await newFolder(), "app.db");
  const asked: string[] = [];
  const storer = await sqlite({ file, synchronous: "normal", busyTimeout: seconds(0), onQuery: (sql) => asked.push(sql) });
  const { watched, before } = watch(storer, () => {});
  const past = await connectionTo(file);
  let renamed = false;
  return {
    storer: watched,
    asked: () => asked.splice(0),
    before,
    removeUser: async (pid) => past.exec(`PRAGMA foreign_keys = ON; DELETE FROM castellan_user WHERE pid = '${pid}'`),
    dump: async () => JSON.stringify(TABLES.map((table) => past.prepare(`SELECT * FROM ${table}`).all())),
    // A real failure of the database, seen by every statement: the tables are not where they were.
    away: (isAway) => {
      if (isAway === renamed) return;
      renamed = isAway;
      for (const table of TABLES)
        past.exec(isAway ? `ALTER TABLE ${table} RENAME TO gone_${table}` : `ALTER TABLE gone_${table} RENAME TO ${table}`);
    },
  };
}

/** A connection of its own to a file, past the storer; closed when the test is over. */
export async function connectionTo(file: string) {
  const { DatabaseSync } = await loadDriver();
  const connection = new DatabaseSync(file);
  onTestFinished(() => connection.close());
  return connection;
}

/** Lets a test stand between the gate and its storer. Operations that answer at once still do while nobody stands there. */
function watch(storer: DoorStorer, tell: (operation: string) => void) {
  const actions = new Map<string, Action>();
  const watched = new Proxy(storer, {
    get(target, name): unknown {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || typeof name !== "string") return member;
      return (...args: unknown[]): unknown => {
        tell(name);
        const action = actions.get(name);
        if (!action) return member.apply(target, args);
        return (async () => {
          await action(() => member.apply(target, args));
          return member.apply(target, args);
        })();
      };
    },
  });
  const before: OpenedStorer["before"] = (operation, action) => {
    if (action) actions.set(operation, action);
    else actions.delete(operation);
  };
  return { watched, before };
}
