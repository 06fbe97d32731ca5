/** Writes a file so that it is always whole: what was there, or what is written, and nothing in between. @module */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Passwords' hashes are for the owner's eyes. */
const PRIVATE = 0o600;

/** Resolves when `text` is on the disk under the name `file`, in the place of what was there; a power cut from then on loses nothing. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const beside = `${file}.new`;
  try {
    const handle = await open(beside, "w", PRIVATE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(file));
}

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
