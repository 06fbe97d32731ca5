/** A storer that keeps everything in one JSON file: for small tools, and to look at what is stored. @module */
import { readFile } from "node:fs/promises";
import { ConfigError, type Duration, isDuration, seconds, Unavailable } from "@castellan/core";
import { isMissing, placeOf, writeWhole } from "./disk.ts";
import { Keeper } from "./keeper.ts";
import { type Lock, takeLock } from "./lock.ts";
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

/** Opens nothing yet: `ready()` does, which Castellan calls. One process at a time has the file. */
export function jsonFile(fileOrOptions: string | JsonFileOptions): JsonFileStorer {
  const settings = { ...DEFAULTS, ...(typeof fileOrOptions === "string" ? { file: fileOrOptions } : fileOrOptions) };
  checkSettings(settings);
  const { file, lockTimeout } = settings;
  let place = file;
  let lock: Lock | null = null;
  let opening: Promise<void> | null = null;
  const check = (): void => lock?.check();
  const keeper = new Keeper({ name: file, check, write: (text) => writeWhole(place, text, check) });

  const open = async (): Promise<void> => {
    place = await locate(file);
    lock = await takeLock(place, lockTimeout, () => {
      opening = null;
      keeper.abandon();
    });
    try {
      keeper.open(await readIfThere(place));
    } catch (error) {
      await letGo();
      throw error;
    }
  };
  const letGo = async (): Promise<void> => {
    const held = lock;
    lock = null;
    await held?.release();
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
      // Made ready again, it is opened anew.
      opening = null;
      try {
        await keeper.close();
      } finally {
        await letGo();
      }
    },
  };
}

async function locate(file: string): Promise<string> {
  try {
    return await placeOf(file);
  } catch (error) {
    if (isMissing(error)) throw new ConfigError([`storer-file: the folder of ${file} is not there: make it`]);
    throw new Unavailable(`the file ${file} cannot be found: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (isMissing(error)) return null;
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
