/** Opens an SQLite file so that what is acknowledged is on the disk, and several processes can share it. @module */
import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Duration } from "@castellan/core";
import { failure, isBusy } from "./database.ts";
import { loadDriver, type SqliteConnection } from "./driver.ts";

export interface OpenSettings {
  readonly file: string;
  readonly synchronous: "full" | "normal";
  readonly busyTimeout: Duration;
}

const MEMORY = ":memory:";
const RETRY_MS = 10;

export async function openConnection(settings: OpenSettings): Promise<SqliteConnection> {
  const { DatabaseSync } = await loadDriver();
  try {
    if (settings.file !== MEMORY) await createPrivate(settings.file);
    const connection = new DatabaseSync(settings.file);
    try {
      await prepareConnection(connection, settings);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  } catch (error) {
    throw failure(settings.file, error);
  }
}

/**
 * Makes a new file readable by its owner only: it holds password hashes, and SQLite gives its companions (-wal, -shm) the same mode.
 * Never opens one that exists: closing it again would let go of every lock that this process holds on the file (POSIX).
 */
async function createPrivate(file: string): Promise<void> {
  try {
    await (await open(file, "wx", 0o600)).close();
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

async function prepareConnection(connection: SqliteConnection, { synchronous, busyTimeout }: OpenSettings): Promise<void> {
  connection.exec(`PRAGMA busy_timeout = ${busyTimeout}`);
  await switchToWal(connection, Math.ceil(busyTimeout / RETRY_MS));
  // FULL in WAL mode: each commit is synced to the disk before it is acknowledged.
  connection.exec(`PRAGMA synchronous = ${synchronous === "normal" ? "NORMAL" : "FULL"}`);
  connection.exec("PRAGMA foreign_keys = ON");
  // What a schema names (views, triggers) is not run with functions that have side effects, should somebody else have written it.
  connection.exec("PRAGMA trusted_schema = OFF");
}

/** SQLite does not wait, whatever `busy_timeout` says, when two connections switch the mode of one new file at once: so we do. */
async function switchToWal(connection: SqliteConnection, retries: number): Promise<void> {
  for (let left = retries; ; left -= 1) {
    try {
      connection.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (!isBusy(error) || left <= 0) throw error;
      await delay(RETRY_MS);
    }
  }
}
