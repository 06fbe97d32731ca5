/** One-time passwords: the capability "one-time-passwords". @module */
import type { OneTimePasswordOperations } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

/** They are a JSON array of hashes in the row of the user, with the epoch that they were made under. */
export interface OneTimePasswordStatements {
  readonly addOneTimePassword: Statement<[pid: string, epoch: number, hash: string, max: number], { readonly live: number }>;
  /** `hashes`: all that is stored; `live`: how many of those are live. */
  readonly passwordsOf: Statement<[pid: string], { readonly hashes: string; readonly live: number }>;
  readonly consumeOneTimePassword: Statement<[pid: string, hash: string]>;
  /** Only while `hashes` is still what is stored. */
  readonly clearOneTimePasswords: Statement<[pid: string, hashes: string]>;
}

export function oneTimePasswordOperations(database: Database, sql: OneTimePasswordStatements): OneTimePasswordOperations {
  return {
    async addOneTimePassword(pid, epoch, hash, max) {
      return (await database.first(sql.addOneTimePassword, pid, epoch, hash, max))?.live ?? null;
    },
    async countOneTimePasswords(pid) {
      return (await database.first(sql.passwordsOf, pid))?.live ?? 0;
    },
    async consumeOneTimePassword(pid, hash) {
      return (await database.change(sql.consumeOneTimePassword, pid, hash)) > 0;
    },
    async clearOneTimePasswords(pid) {
      for (;;) {
        const found = await database.first(sql.passwordsOf, pid);
        if (!found || found.hashes === "[]") return 0;
        // Counted and removed are the same ones: when they have changed in between, they are looked at again.
        if ((await database.change(sql.clearOneTimePasswords, pid, found.hashes)) > 0) return found.live;
      }
    },
  };
}
