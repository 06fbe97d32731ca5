/** What a conformance suite is, and how one is run: under vitest, under node:test, or by hand. @module */
import assert from "node:assert/strict";
import { type CreateOperations, creating, type NewUser, type ServerStorer } from "@castellan/core";
import { sampleUser } from "./samples.ts";

/** Where the cases go: `{ describe, it }` of vitest, of node:test, or of anything like them. */
export interface Runner {
  readonly describe: (title: string, body: () => void) => unknown;
  readonly it: (title: string, body: () => Promise<void>) => unknown;
}

/** How the suites get at a backend. */
export interface Backend<S extends ServerStorer> {
  /** Makes a storer over an empty database. Called once a case; the case calls its `ready` before and its `close` after, if it has them. */
  readonly make: () => S | Promise<S>;
  /** Puts a user of epoch 0 in. @default the storer's own `createUser` */
  readonly addUser?: (storer: S, user: NewUser) => Promise<void>;
  /** Deletes a user as the application would. Without it, the cases that need it are left out. */
  readonly removeUser?: (storer: S, pid: string) => Promise<void> | void;
}

/** What one case works with. */
export interface Trial<out S> {
  readonly storer: S;
  /** Puts in the user `name` (pid `pid-NAME`, login `NAME@example.com`, epoch 0) and answers what was put in. */
  readonly addUser: (name?: string, fields?: Partial<NewUser>) => Promise<NewUser>;
  readonly removeUser: (pid: string) => Promise<void>;
  /** Closes the storer, if it can be closed. Answers whether it could. */
  readonly close: () => Promise<boolean>;
}

/** One promise that a storer keeps, with the proof of it: `run` rejects when the promise is broken. */
export interface Case<in S> {
  readonly title: string;
  readonly needs?: "removeUser";
  readonly run: (trial: Trial<S>) => Promise<void>;
}

/** The promises of one capability. */
export interface Suite<in S> {
  /** The capability's name. */
  readonly name: string;
  readonly cases: readonly Case<S>[];
}

/** A case that a storer did not pass. */
export interface Failure {
  readonly title: string;
  readonly error: unknown;
}

const canCreate = (storer: object): storer is CreateOperations => creating.operations.every((name) => name in storer);

async function addByCreating(storer: ServerStorer, user: NewUser): Promise<void> {
  if (!canCreate(storer)) throw new Error("the storer has no `createUser`: give the suites an `addUser` that puts a user in");
  assert.equal(await storer.createUser(user), true, `createUser refused ${user.pid}`);
}

/** Runs one case against a storer of its own. Rejects when the storer breaks the promise. */
export async function runCase<S extends ServerStorer>(backend: Backend<S>, { run }: Case<S>): Promise<void> {
  const { make, addUser = addByCreating, removeUser } = backend;
  const storer = await make();
  let open = true;
  const close = async () => {
    if (!open || !storer.close) return false;
    open = false;
    await storer.close();
    return true;
  };
  try {
    await storer.ready?.();
    await run({
      storer,
      addUser: async (name, fields) => {
        const user = { ...sampleUser(name), ...fields };
        await addUser(storer, user);
        return user;
      },
      removeUser: async (pid) => removeUser?.(storer, pid),
      close,
    });
  } finally {
    await close();
  }
}

const casesFor = <S extends ServerStorer>(backend: Backend<S>, suite: Suite<S>): readonly Case<S>[] =>
  suite.cases.filter(({ needs }) => needs === undefined || backend[needs] !== undefined);

/** Registers the cases of `suites` with a test runner, a `describe` for each suite. */
export function registerSuites<S extends ServerStorer>(backend: Backend<S>, { describe, it }: Runner, suites: readonly Suite<S>[]): void {
  for (const suite of suites) {
    describe(`a storer (${suite.name})`, () => {
      for (const one of casesFor(backend, suite)) it(one.title, () => runCase(backend, one));
    });
  }
}

/** Runs a suite without a test runner and answers the cases that failed. */
export async function failuresOf<S extends ServerStorer>(backend: Backend<S>, suite: Suite<S>): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  for (const one of casesFor(backend, suite)) {
    await runCase(backend, one).catch((error: unknown) => failures.push({ title: one.title, error }));
  }
  return failures;
}
