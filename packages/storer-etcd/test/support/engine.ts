/** etcd, for tests that span packages. @module */
import { isMissing, newServer } from "./servers.ts";

/** A server of a test's own. */
export interface TestServer {
  /** Of an empty store, as `openStorer` takes it. */
  readonly uri: string;
  /** Its data and its log; goes with it. */
  readonly folder: string;
  /** Stops it at once, as a crash would. */
  stop(): Promise<void>;
  /** Starts it again, on the same port with the same data. */
  start(): Promise<void>;
  /** Stops it, if it runs, and removes all that it left. */
  end(): Promise<void>;
}

export const engine = {
  name: "etcd",
  isMissing,
  /** It syncs each write to its disk before it answers, which etcd always does. */
  start: (): Promise<TestServer> => newServer(),
} as const satisfies { readonly name: string; readonly isMissing: boolean; start(): Promise<TestServer> };
