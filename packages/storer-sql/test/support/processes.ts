/** Processes of their own, which a test starts, speaks to by lines, and kills. @module */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

export interface Child {
  readonly process: ChildProcessByStdio<Writable, Readable, Readable>;
  /** What it has printed so far, line by line. */
  readonly lines: string[];
  /** Settles when it has printed so many lines; rejects when it ends before that. */
  printed(count: number): Promise<void>;
  /** Lets it go on: it waits for this after its first line. */
  go(): void;
  /** All that it printed, once it has ended. */
  readonly ended: Promise<readonly string[]>;
}

const pathOf = (name: string): string => fileURLToPath(new URL(`../children/${name}.mjs`, import.meta.url));

/** Starts `children/NAME.mjs`. `limit`, if given, is the size in 512-byte blocks that no file may pass. */
export function startChild(name: string, args: readonly string[], limit?: number): Child {
  const command = [process.execPath, pathOf(name), ...args];
  const child =
    limit === undefined
      ? spawn(process.execPath, command.slice(1), { stdio: ["pipe", "pipe", "pipe"] })
      : spawn("sh", ["-c", `ulimit -S -f ${limit} && exec "$@"`, "sh", ...command], { stdio: ["pipe", "pipe", "pipe"] });

  const lines: string[] = [];
  let rest = "";
  let complaint = "";
  let wake = () => {};
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
    wake();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });

  let over = false;
  const ended = new Promise<readonly string[]>((resolve, reject) => {
    child.on("error", reject).on("close", (code, signal) => {
      over = true;
      wake();
      if (code === 0 || signal === "SIGKILL") resolve(lines);
      else reject(new Error(`${name} ended with ${code ?? signal}: ${complaint}`));
    });
  });
  // Whoever waits for it hears of it; a test that failed before must not bring down the others.
  ended.catch(() => {});

  return {
    process: child,
    lines,
    ended,
    async printed(count) {
      while (lines.length < count) {
        if (over) throw new Error(`${name} ended after ${lines.length} of ${count} lines: ${complaint}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    go: () => child.stdin.end("go\n"),
  };
}

/** Ten applications that start at the same moment on `place`, and what they said: see `children/start.mjs`. */
export async function startTen(place: string): Promise<readonly string[]> {
  const children = Array.from({ length: 10 }, (_, index) => startChild("start", [place, `user-${index}`]));
  for (const child of children) await child.printed(1);
  for (const child of children) child.go();
  return (await Promise.all(children.map((child) => child.ended))).flat();
}
