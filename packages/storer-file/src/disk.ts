/** Writes a file so that it is always whole: what was there, or what is written, and nothing in between. @module */
import { open, readlink, realpath, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** Passwords' hashes are for the owner's eyes. */
const PRIVATE = 0o600;

/**
 * Resolves when `text` is on the disk under the name `file`, in the place of what was there; a power cut from then on loses nothing. `check` throws when the file is not
 * to be touched any more: it is asked last of all.
 */
export async function writeWhole(file: string, text: string, check: () => void): Promise<void> {
  const beside = `${file}.new`;
  try {
    // Whatever lies there is taken away first: of a file the mode would stay, and a link would be followed.
    await rm(beside, { force: true });
    const handle = await open(beside, "wx", PRIVATE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    check();
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(file));
  // What was written over meanwhile is answered as if it had never been.
  check();
}

/**
 * Where `file` lies when all links are followed, also when the last leads to a file that is not there yet: all its names are one file, which one process has, and a link
 * stays a link. Rejects with the file system's error; ENOENT means that the folder is missing.
 */
export async function placeOf(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const target = await readlink(file).catch(() => null);
  return target === null ? join(await realpath(dirname(file)), basename(file)) : placeOf(resolve(dirname(file), target));
}

/** The file system's error for a name that is not there. */
export const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

/** The name of a file is written in its folder. Windows knows no such thing, and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
