/** Every place in which the suite keeps accounts, as the tests that span packages need it: by its address. @module */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engine as etcd } from "../../packages/storer-etcd/test/support/engine.ts";
import { engine as mongodb } from "../../packages/storer-mongodb/test/support/engine.ts";
import { engine as redis } from "../../packages/storer-redis/test/support/engine.ts";
import { engines as sqlServers } from "../../packages/storer-sql/test/support/engines.ts";
import type { TestServer } from "../../packages/storer-sql/test/support/servers.ts";

export type { TestServer };

export interface Engine {
  readonly name: string;
  /** Whether its server is not on this machine, which has then been said aloud. */
  readonly isMissing: boolean;
  /** An empty database, for `openStorer`. */
  start(): Promise<TestServer>;
}

/** A file is always there: nothing starts and stops. */
const inFile = (name: string, scheme: string, file: string): Engine => ({
  name,
  isMissing: false,
  async start() {
    const folder = await mkdtemp(join(tmpdir(), "castellan-file-"));
    return {
      uri: `${scheme}://${join(folder, file)}`,
      folder,
      stop: async () => {},
      start: async () => {},
      end: () => rm(folder, { recursive: true, force: true }),
    };
  },
});

/** Those that several processes share over the network. */
export const servers: readonly Engine[] = [...sqlServers, redis, etcd, mongodb];

export const engines: readonly Engine[] = [inFile("SQLite", "sqlite", "app.db"), inFile("a JSON file", "file", "app.json"), ...servers];
