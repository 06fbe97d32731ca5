/** The full example as people run it: a process of its own, on a free port, with a data directory of its own. @module */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("../../examples/full/server.mjs", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export interface Example {
  /** For example `http://localhost:40123`. */
  readonly url: string;
  readonly dataDirectory: string;
  /** What it has printed so far. */
  output(): string;
  /** Asks it to end, and waits. */
  end(signal?: "SIGTERM" | "SIGINT"): Promise<Ended>;
}

export type Environment = Readonly<Record<string, string>>;

/** A port that nobody listens at. Somebody else may take it: then the example says so, and the test fails for that reason. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

export const newDataDirectory = (): Promise<string> => mkdtemp(join(tmpdir(), "castellan-example-"));
export const removeDataDirectory = (directory: string): Promise<void> => rm(directory, { recursive: true, force: true });

/** Nothing of the tests' own environment but where programs are found. */
function run(environment: Environment): { child: ChildProcess; output: () => string; ended: Promise<Ended> } {
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, [SERVER], { env: { PATH, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = once(child, "close").then(([code]): Ended => ({ code: typeof code === "number" ? code : null, output }));
  return { child, output: () => output, ended };
}

/** Runs the example where it is expected not to start. */
export const runToItsEnd = (environment: Environment): Promise<Ended> => run(environment).ended;

/** Starts the example in development, unless the environment says otherwise, and waits until it listens. */
export async function startExample(environment: Environment = {}): Promise<Example> {
  const port = environment["PORT"] ?? String(await freePort());
  const dataDirectory = environment["DATA_DIRECTORY"] ?? (await newDataDirectory());
  const { child, output, ended } = run({ CASTELLAN_DEVELOPMENT: "1", PORT: port, DATA_DIRECTORY: dataDirectory, ...environment });
  const listening = new Promise<void>((resolve) => {
    child.stdout?.on("data", () => /First open .*\n/.test(output()) && resolve());
  });
  const failed = ended.then(({ code }) => Promise.reject(new Error(`the example ended with ${code}:\n${output()}`)));
  await Promise.race([listening, failed]);
  failed.catch(() => {}); // from here on, its end is for `end` to tell
  return {
    url: `http://localhost:${port}`,
    dataDirectory,
    output,
    end(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
}
