/** A place on the disk for a test. @module */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NewUser } from "@castellan/core";
import { type JsonFileOptions, type JsonFileStorer, jsonFile } from "@castellan/storer-file";
import { onTestFinished } from "vitest";

/** A file that is not there yet, in a folder that goes when the test is over. */
export async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "storer-file-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "app.json");
}

/** A storer that is ready, and closed when the test is over. */
export async function openStorer(options: string | JsonFileOptions): Promise<JsonFileStorer> {
  const storer = jsonFile(options);
  onTestFinished(() => storer.close());
  await storer.ready();
  return storer;
}

export const aUser = (name: string, fields: Partial<NewUser> = {}): NewUser => ({
  pid: `pid-${name}`,
  login: name,
  email: null,
  passwordHash: "hash",
  profile: {},
  createdAt: new Date(Date.UTC(2030, 0, 1)),
  ...fields,
});
