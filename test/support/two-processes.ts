/** Two processes of one application behind nginx, over one database. @module */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, type BrowserClient, browserClient } from "@castellan/testkit";
import { type Child, startChild } from "./child.ts";
import type { Engine, TestServer } from "./engines.ts";
import { freePort } from "./example.ts";
import { startNginx } from "./nginx.ts";

export const PASSWORD = "correct horse battery staple";
export const NEW_PASSWORD = "another horse battery staple";

export interface TwoProcesses {
  readonly database: TestServer;
  readonly processes: readonly [Child, Child];
  /** A visitor who has brought nothing yet; nginx takes turns with the requests. */
  browser(): BrowserClient;
  end(): Promise<void>;
}

export async function startTwo(engine: Engine): Promise<TwoProcesses> {
  const folder = await mkdtemp(join(tmpdir(), "two-processes-"));
  const database = await engine.start();
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const start = (): Child => startChild("instance", [database.uri, url]);
  const processes: readonly [Child, Child] = [start(), start()];
  const endNginx = await Promise.all(processes.map((one) => one.said("PORT ")))
    .then((ports) => startNginx(folder, port, ports))
    .catch(async (error: unknown) => {
      await Promise.all([...processes.map((one) => one.kill()), database.end()]);
      throw error;
    });
  return {
    database,
    processes,
    browser: () => browserClient(url.replace("localhost", "127.0.0.1"), { origin: url }),
    async end() {
      await endNginx();
      await Promise.all(processes.map((one) => one.kill()));
      await database.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Which of the two has answered. */
export const processOf = (answer: Answer): string => String(answer.headers["x-process"]);

/** What a JSON answer holds; nothing where it is none. */
export function dataOf(answer: Answer): Readonly<Record<string, unknown>> {
  const data: unknown = answer.headers["content-type"]?.includes("json") ? answer.json() : null;
  return typeof data === "object" && data !== null ? Object.fromEntries(Object.entries(data)) : {};
}

/** The status, and the reason where one is given. */
export function verdictOf(answer: Answer): string {
  const { reason } = dataOf(answer);
  return reason === undefined ? `${answer.status}` : `${answer.status} ${String(reason)}`;
}

export const register = (client: BrowserClient, email: string): Promise<Answer> =>
  client.json("POST", "/auth/register", { email, password: PASSWORD });
export const signIn = (client: BrowserClient, email: string, password = PASSWORD): Promise<Answer> =>
  client.json("POST", "/auth/login", { email, password });
export const who = (client: BrowserClient): Promise<Answer> => client.json("GET", "/who");
