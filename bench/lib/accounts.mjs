/** The accounts that are signed in to, in an SQLite file that a server finds ready. @module */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { countingHasher } from "@castellan/testkit";
import bcrypt from "bcrypt";
import { openStorer } from "castellan";

export const PASSWORD = "correct horse battery staple";
/** In place of the cost of a hash: hashes that take no time, where the time of everything else is asked for. */
export const NO_COST = 0;
/** How many accounts there are. */
export const ACCOUNTS = 100;
export const loginOf = (/** @type {number} */ number) => `user${number}@example.test`;
export const WITHOUT_PASSWORD = "passkey-only@example.test";

const folder = mkdtempSync(join(tmpdir(), "castellan-bench-"));

/** Removes every file that was made. Happens by itself at the end of a process that ends of its own accord. */
export const removeAccounts = () => rmSync(folder, { recursive: true, force: true });
process.on("exit", removeAccounts);

/**
 * Makes {@link ACCOUNTS} accounts whose hashes are of `cost`, and one that has no password.
 * @param {import("castellan").OpenedStorer} storer
 * @param {{ cost: number }} settings
 */
async function addAccounts(storer, { cost }) {
  const createdAt = new Date();
  // One hash for all: it is the work of a check that counts, and that does not depend on the salt.
  const passwordHash = await (cost === NO_COST ? countingHasher().hash(PASSWORD) : bcrypt.hash(PASSWORD, cost));
  const add = (/** @type {string} */ login, /** @type {string | null} */ hash) =>
    storer.createUser({ pid: login, login, email: login, passwordHash: hash, profile: {}, createdAt });
  for (let number = 1; number <= ACCOUNTS; number += 1) await add(loginOf(number), passwordHash);
  await add(WITHOUT_PASSWORD, null);
}

/**
 * A new SQLite file with accounts. Answers its name.
 * @param {{ cost: number }} settings
 * @returns {Promise<string>}
 */
export async function makeAccounts(settings) {
  const file = join(mkdtempSync(join(folder, "accounts-")), "app.db");
  const storer = await sqlite({ file, synchronous: "normal" });
  await storer.ready();
  await addAccounts(storer, settings);
  await storer.close();
  return file;
}

/**
 * The same accounts in an empty database of whatever kind.
 * @param {string} uri @param {{ cost: number }} settings
 */
export async function makeAccountsIn(uri, settings) {
  const storer = await openStorer(uri);
  await storer.ready?.();
  await addAccounts(storer, settings);
  await storer.close?.();
}
