/** A process of its own, which a test starts, listens to and kills. @module */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Child {
  /** Settles when it has printed a line that begins so, with the rest of that line; rejects when it ends before. */
  said(beginning: string): Promise<string>;
  /** Writes a line to it. */
  tell(line: string): void;
  /** `kill -9`, and waits until it is gone. */
  kill(): Promise<void>;
  /** Settles when it has ended by itself; rejects with what it complained of. */
  readonly ended: Promise<void>;
}

/** Starts `test/children/NAME.mjs`, with `environment` beside the test's own. */
export function startChild(name: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): Child {
  const path = fileURLToPath(new URL(`../children/${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...environment } });
  const lines: string[] = [];
  let [rest, complaint, isOver] = ["", "", false];
  let wake = (): void => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    wake();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const gone = new Promise<number | null>((resolve) => {
    child.on("close", (code) => {
      isOver = true;
      wake();
      resolve(code);
    });
  });
  const ended = gone.then((code) => {
    if (code !== 0) throw new Error(`${name} ended with ${code}: ${complaint}`);
  });
  // A test that kills it does not want to hear of it.
  ended.catch(() => {});
  return {
    ended,
    async said(beginning) {
      for (;;) {
        const line = lines.find((candidate) => candidate.startsWith(beginning));
        if (line !== undefined) return line.slice(beginning.length).trim();
        if (isOver) throw new Error(`${name} ended without saying "${beginning}": ${complaint}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    tell: (line) => void child.stdin.write(`${line}\n`),
    async kill() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
