/** The lock by which one process at a time has the file. @module */
import * as fs from "node:fs";
import { ConfigError, type Duration, systemClock, Unavailable } from "@castellan/core";

export interface Lock {
  /**
   * Throws `Unavailable` unless it is sure that nobody else has the file: a process that was suspended finds out by this, and not only when its timer comes round.
   */
  check(): void;
  release(): Promise<void>;
}

const RETRY_MS = 250;
/** A process that holds the file says so every two seconds; one that has not for ten is gone. */
const LOCK = { stale: 10_000, update: 2000 } as const;
/** So long after it was last said, in milliseconds, nobody relies on it any more: well before others may take the file. */
const SURE_MS = 8000;

/** By both clocks of the machine, since other processes go by them: one stands still while the machine sleeps, the other may be set back. */
const moment = () => ({ wall: systemClock.now().getTime(), steady: performance.now() });
type Moment = ReturnType<typeof moment>;

function since(then: Moment): number {
  const { wall, steady } = moment();
  return Math.max(wall - then.wall, steady - then.steady);
}

/**
 * Takes the file for this process. `lost` is called when another one has it all the same. Rejects with a `ConfigError` when another process keeps it for longer than `patience`.
 */
export async function takeLock(file: string, patience: Duration, lost: () => void): Promise<Lock> {
  const retries = { retries: Math.ceil(patience / RETRY_MS), minTimeout: RETRY_MS, maxTimeout: RETRY_MS };
  let renewed = moment();
  let isLost = false;
  const utimes = (path: fs.PathLike, atime: fs.TimeLike, mtime: fs.TimeLike, done: fs.NoParamCallback): void => {
    const asked = moment();
    fs.utimes(path, atime, mtime, (error) => {
      if (!error) renewed = asked;
      done(error);
    });
  };
  // Loaded here: it listens to the end of the process from then on.
  const { lock } = (await import("proper-lockfile")).default;
  const onCompromised = (): void => {
    isLost = true;
    lost();
  };
  const release = await lock(file, {
    ...LOCK,
    retries,
    // The real path is known; the file itself may not be there yet.
    realpath: false,
    fs: { ...fs, utimes },
    onCompromised,
  }).catch((error: unknown) => {
    throw refusal(file, error);
  });
  return {
    check() {
      if (since(renewed) > SURE_MS)
        throw new Unavailable(`the lock of the file ${file} has not been renewed for too long: another process may have it`);
    },
    // A lock that is lost is nobody's to let go of.
    release: async () => {
      if (!isLost) await release();
    },
  };
}

function refusal(file: string, error: unknown): Error {
  if (error instanceof Error && "code" in error && error.code === "ELOCKED") {
    return new ConfigError([
      `storer-file: ${file} is in use by another process: end that one, or use a database that several can have, for example SQLite`,
    ]);
  }
  return new Unavailable(`the file ${file} cannot be taken: ${error instanceof Error ? error.message : error}`, { cause: error });
}
