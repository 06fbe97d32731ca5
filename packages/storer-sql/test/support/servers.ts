/** What real database servers for tests have in common. @module */

import { existsSync, readFileSync } from "node:fs";
import { chown } from "node:fs/promises";
import { createServer } from "node:net";

export interface TestServer {
  /** Of an empty database. */
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

/** For `describe.skipIf`: what needs a server is skipped where there is none, aloud. Under CI=true that is a failure, which is told before any test is run, so that it is counted. */
export function isMissing(name: string, isThere: boolean): boolean {
  if (isThere) return false;
  if (process.env["CI"] === "true") throw new Error(`there is no ${name} on this machine, and CI=true: install it`);
  console.warn(`SKIPPED: no ${name} on this machine; the tests that need it have not run`);
  return true;
}

export const findProgram = (path: string): string | null => (existsSync(path) ? path : null);

/** A port that nobody has at the moment. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
      .on("error", reject)
      .listen(0, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
      });
  });

/** What to put before a command so that it runs as `name`, to whom `folder` is given: servers refuse to run as root. Nothing for anybody else. */
export async function asUser(name: string, folder: string): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  const [, , uid, gid] = (
    readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .find((line) => line.startsWith(`${name}:`)) ?? ""
  ).split(":");
  if (!uid || !gid) throw new Error(`there is no user ${name} on this machine`);
  await chown(folder, Number(uid), Number(gid));
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", "--"];
}
