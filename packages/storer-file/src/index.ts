/** A storer that keeps everything in one JSON file: for small tools, and to look at what is stored. @module */
import { readFile } from "node:fs/promises";
import { ConfigError, type Duration, isDuration, seconds, Unavailable } from "@castellan/core";
import { writeWhole } from "./disk.ts";
import { Keeper } from "./keeper.ts";
import { type TableStorer, tableOperations } from "./tables/operations.ts";

export type { TableStorer } from "./tables/operations.ts";
export type { TableUser } from "./tables/users.ts";

export interface JsonFileOptions {
  /** The file, made with the first user if there is none. Its folder must be there. */
  readonly file: string;
  /**
   * How long to wait, at the start, for another process that has the file. One that was killed is noticed after ten seconds.
   * @default seconds(15)
   */
  readonly lockTimeout?: Duration;
}

export interface JsonFileStorer extends TableStorer {
  /** Takes the file for this process, and reads it. Castellan calls it. */
  ready(): Promise<void>;
  /** Waits for what is being written, and lets go of the file. */
  close(): Promise<void>;
}

const DEFAULTS = { lockTimeout: seconds(15) } as const;
const RETRY_MS = 250;
/** A process that holds the file says so every two seconds; one that has not for ten is gone. */
const LOCK = { stale: 10_000, update: 2000 } as const;

/** Opens nothing yet: `ready()` does, which Castellan calls. One process at a time has the file. */
export function jsonFile(fileOrOptions: string | JsonFileOptions): JsonFileStorer {
  const settings = { ...DEFAULTS, ...(typeof fileOrOptions === "string" ? { file: fileOrOptions } : fileOrOptions) };
  checkSettings(settings);
  const { file, lockTimeout } = settings;
  const keeper = new Keeper({ name: file, write: (text) => writeWhole(file, text) });
  let release: (() => Promise<void>) | null = null;
  let opening: Promise<void> | null = null;

  const open = async (): Promise<void> => {
    release = await take(file, lockTimeout, () => keeper.abandon());
    try {
      keeper.open(await readIfThere(file));
    } catch (error) {
      await letGo();
      throw error;
    }
  };
  const letGo = async (): Promise<void> => {
    const held = release;
    release = null;
    await held?.();
  };
  return {
    ...tableOperations(keeper.tables, keeper.operation),
    ready: () => {
      // One that failed may be tried again: the file may have been mended since.
      opening ??= open().catch((error: unknown) => {
        opening = null;
        throw error;
      });
      return opening;
    },
    async close() {
      await keeper.close();
      await letGo();
    },
  };
}

/** Takes the file for this process. */
async function take(file: string, patience: Duration, lost: () => void): Promise<() => Promise<void>> {
  const retries = { retries: Math.ceil(patience / RETRY_MS), minTimeout: RETRY_MS, maxTimeout: RETRY_MS };
  // Loaded here: it listens to the end of the process from then on.
  const { lock } = (await import("proper-lockfile")).default;
  try {
    // Not by the real path: the file itself may not be there yet.
    return await lock(file, { ...LOCK, realpath: false, retries, onCompromised: lost });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ELOCKED") {
      throw new ConfigError([
        `storer-file: ${file} is in use by another process: end that one, or use a database that several can have, for example SQLite`,
      ]);
    }
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      throw new ConfigError([`storer-file: the folder of ${file} is not there: make it`]);
    }
    throw new Unavailable(`the file ${file} cannot be taken: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new Unavailable(`the file ${file} cannot be read: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** Options may come from plain JavaScript, or from a configuration file. */
function checkSettings({ file, lockTimeout }: Required<JsonFileOptions>): void {
  const problems: string[] = [];
  if (typeof file !== "string" || file === "") problems.push('storer-file: jsonFile() needs a file name, for example jsonFile("app.json")');
  if (lockTimeout !== 0 && !isDuration(lockTimeout)) problems.push("storer-file: `lockTimeout` is a duration, for example seconds(15)");
  if (problems.length > 0) throw new ConfigError(problems);
}
