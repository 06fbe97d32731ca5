/** Session stores for the tests of the doors: real ones that need no server, and a naive one. @module */
import { join } from "node:path";
import session, { type SessionData } from "express-session";
import memorystore from "memorystore";
import fileStore from "session-file-store";
import { newFolder } from "./storers.ts";

type Done<Result = void> = (error?: unknown, result?: Result) => void;

export type StoreOperation = "get" | "set" | "touch" | "destroy";

/** As simple as stores are in tutorials: a `set` makes what is not there, a `touch` does too, and the answers come a little later. */
export class NaiveStore extends session.Store {
  readonly rows = new Map<string, string>();
  /** Fails from now on. */
  readonly broken = new Set<StoreOperation>();
  readonly calls: StoreOperation[] = [];

  override get(id: string, done: Done<SessionData | null>): void {
    this.#later("get", done, () => {
      const text = this.rows.get(id);
      return text === undefined ? null : JSON.parse(text);
    });
  }

  override set(id: string, data: SessionData, done: Done = () => {}): void {
    const text = JSON.stringify(data);
    this.#later("set", done, () => void this.rows.set(id, text));
  }

  override touch(id: string, data: SessionData, done: Done = () => {}): void {
    const text = JSON.stringify(data);
    this.#later("touch", done, () => void this.rows.set(id, text));
  }

  override destroy(id: string, done: Done = () => {}): void {
    this.#later("destroy", done, () => void this.rows.delete(id));
  }

  #later<Result>(operation: StoreOperation, done: Done<Result>, work: () => Result): void {
    this.calls.push(operation);
    setImmediate(() => {
      if (this.broken.has(operation)) return done(new Error(`the session store is broken: ${operation}`));
      const result = work();
      done(null, result);
    });
  }
}

const MemoryStoreWithChecks = memorystore(session);
const FileStore = fileStore(session);

/** A new, empty store by name; `null` stands for the rows of the storer. */
export const sessionStores: Readonly<Record<string, () => Promise<session.Store | null>>> = {
  "the storer's own rows": async () => null,
  MemoryStore: async () => new session.MemoryStore(),
  memorystore: async () => new MemoryStoreWithChecks({ max: 1000, ttl: 60_000 }),
  "session-file-store": async () =>
    new FileStore({ path: join(await newFolder(), "sessions"), retries: 0, reapInterval: -1, logFn: () => {} }),
  "a naive store": async () => new NaiveStore(),
};
