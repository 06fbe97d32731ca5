/** A place on the disk for a test, and sample rows. @module */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OAuth2Flow } from "@castellan/core";
import { type SqliteOptions, type SqliteStorer, sqlite } from "@castellan/storer-sql/sqlite";
import { onTestFinished } from "vitest";
import { at } from "../../../../test/support/sample-rows.ts";
import { loadDriver } from "../../src/sqlite/driver.ts";

export * from "../../../../test/support/sample-rows.ts";

/** A file that is not there yet, in a folder that goes when the test is over. */
export async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "storer-sql-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "app.db");
}

/** A storer that is ready, and closed when the test is over. */
export async function openStorer(options: string | SqliteOptions): Promise<SqliteStorer> {
  const storer = await sqlite(options);
  onTestFinished(() => storer.close());
  await storer.ready();
  return storer;
}

/** Looks into a file, or changes it, past the storer. */
export async function withFile<T>(file: string, work: (all: (sql: string) => unknown[], exec: (sql: string) => void) => T): Promise<T> {
  const { DatabaseSync } = await loadDriver();
  const connection = new DatabaseSync(file);
  try {
    return work(
      (sql) => connection.prepare(sql).all(),
      (sql) => connection.exec(sql),
    );
  } finally {
    connection.close();
  }
}

/** Under the key, the browser and the purpose that the tests ask for by name. */
export const aFlow = (key: string): OAuth2Flow => ({
  key,
  browserKey: "browser",
  purpose: "callback/demo",
  data: "sealed",
  createdAt: at(0),
  expiresAt: at(1000),
});
