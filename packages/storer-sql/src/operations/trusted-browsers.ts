/** Trusted browsers: the capability "trusted-browsers". @module */
import type { TrustedBrowser, TrustedBrowserOperations } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

/** A trusted browser as the database answers it, joined with its user's pid. */
export interface TrustedBrowserRow {
  readonly public_id: string;
  readonly key_hash: string;
  readonly pid: string;
  readonly epoch: number;
  readonly trusted_at: number;
  readonly expires_at: number;
  readonly user_agent: string;
  readonly network: string;
}

export interface TrustedBrowserStatements {
  readonly addTrustedBrowser: Statement<
    [id: string, keyHash: string, pid: string, epoch: number, createdAt: number, expiresAt: number, userAgent: string, network: string]
  >;
  readonly findTrustedBrowser: Statement<[pid: string, keyHash: string, now: number], TrustedBrowserRow>;
  readonly listTrustedBrowsers: Statement<[pid: string, now: number], TrustedBrowserRow>;
  readonly endTrustedBrowser: Statement<[pid: string, id: string]>;
  readonly endTrustedBrowsers: Statement<[pid: string]>;
}

const browserOf = (row: TrustedBrowserRow): TrustedBrowser => ({
  id: row.public_id,
  keyHash: row.key_hash,
  pid: row.pid,
  epoch: row.epoch,
  createdAt: new Date(row.trusted_at),
  expiresAt: new Date(row.expires_at),
  userAgent: row.user_agent,
  network: row.network,
});

export function trustedBrowserOperations(database: Database, sql: TrustedBrowserStatements): TrustedBrowserOperations {
  return {
    async addTrustedBrowser({ id, keyHash, pid, epoch, createdAt, expiresAt, userAgent, network }) {
      const times = [createdAt.getTime(), expiresAt.getTime()] as const;
      return database.claim(sql.addTrustedBrowser, id, keyHash, pid, epoch, ...times, userAgent, network);
    },
    async findTrustedBrowser(pid, keyHash, now) {
      const row = await database.first(sql.findTrustedBrowser, pid, keyHash, now.getTime());
      return row && browserOf(row);
    },
    async listTrustedBrowsers(pid, now) {
      return (await database.all(sql.listTrustedBrowsers, pid, now.getTime())).map(browserOf);
    },
    async endTrustedBrowser(pid, id) {
      return (await database.change(sql.endTrustedBrowser, pid, id)) > 0;
    },
    async endTrustedBrowsers(pid) {
      return database.change(sql.endTrustedBrowsers, pid);
    },
  };
}
