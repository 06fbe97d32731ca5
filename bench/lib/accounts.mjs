/** The accounts that are signed in to, in an SQLite file that a server finds ready. @module */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqlite } from "@castellan/storer-sql/sqlite";
import bcrypt from "bcrypt";

export const PASSWORD = "correct horse battery staple";
/** How many accounts there are. */
export const ACCOUNTS = 100;
export const loginOf = (/** @type {number} */ number) => `user${number}@example.test`;
export const WITHOUT_PASSWORD = "passkey-only@example.test";

const folder = mkdtempSync(join(tmpdir(), "castellan-bench-"));

/** Removes every file that was made. Happens by itself at the end of a process that ends of its own accord. */
export const removeAccounts = () => rmSync(folder, { recursive: true, force: true });
process.on("exit", removeAccounts);

/**
 * Makes a file of {@link ACCOUNTS} accounts whose hashes are of `cost`, and one that has no password. Answers its name.
 * @param {{ cost: number }} settings
 * @returns {Promise<string>}
 */
export async function makeAccounts({ cost }) {
  const file = join(mkdtempSync(join(folder, "accounts-")), "app.db");
  const storer = await sqlite({ file, synchronous: "normal" });
  const createdAt = new Date();
  // One hash for all: it is the work of a check that counts, and that does not depend on the salt.
  const passwordHash = await bcrypt.hash(PASSWORD, cost);
  const add = (/** @type {string} */ login, /** @type {string | null} */ hash) =>
    storer.createUser({ pid: login, login, email: login, passwordHash: hash, profile: {}, createdAt });
  await storer.ready();
  for (let number = 1; number <= ACCOUNTS; number += 1) await add(loginOf(number), passwordHash);
  await add(WITHOUT_PASSWORD, null);
  await storer.close();
  return file;
}
