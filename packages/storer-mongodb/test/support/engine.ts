/**
 * MongoDB for the tests that span packages: the stand-in, which keeps its data in the test's own process. What it has answered it has done, and `stop` breaks every connection at once; what a real
 * server writes to its disk, it cannot show. @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestServer } from "../../../storer-sql/test/support/servers.ts";
import { startMongo } from "./mongo-server.ts";

export const engine: { readonly name: string; readonly isMissing: boolean; start(): Promise<TestServer> } = {
  name: "MongoDB (stand-in)",
  isMissing: false,
  async start() {
    const server = await startMongo();
    const folder = await mkdtemp(join(tmpdir(), "mongo-stand-in-"));
    return {
      uri: server.uri,
      folder,
      stop: () => server.stop(),
      start: () => server.start(),
      async end() {
        await server.end();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
};
