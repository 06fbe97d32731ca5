/** Remembered browsers: the capability "rememberable". @module */
import type { RememberOperations } from "@castellan/core";
import type { Database, Statement } from "../database.ts";

interface Whose {
  readonly pid: string;
  readonly epoch: number;
}

export interface RememberStatements {
  readonly addRememberSeries: Statement<
    [selector: string, verifierHash: string, pid: string, epoch: number, createdAt: number, expiresAt: number, userAgent: string]
  >;
  /** Answers a row only to the one who brought the current secret first. */
  readonly rotate: Statement<[selector: string, verifierHash: string, next: string, now: number], Whose & { readonly expires_at: number }>;
  readonly findGrace: Statement<[selector: string, verifierHash: string, rotatedAfter: number, now: number], Whose>;
  /** Ends a live series to which somebody brought neither the current secret nor the one in grace. */
  readonly endStolen: Statement<[selector: string, verifierHash: string, rotatedAfter: number, now: number], Pick<Whose, "pid">>;
  readonly endRememberSeries: Statement<[selector: string]>;
  readonly endRememberSeriesOf: Statement<[pid: string, except: string | null]>;
}

export function rememberOperations(database: Database, sql: RememberStatements): RememberOperations {
  return {
    async addRememberSeries({ selector, verifierHash, pid, epoch, createdAt, expiresAt, userAgent }) {
      const times = [createdAt.getTime(), expiresAt.getTime()] as const;
      return database.claim(sql.addRememberSeries, selector, verifierHash, pid, epoch, ...times, userAgent);
    },
    async rotateRememberSeries({ selector, verifierHash }, next, grace, now) {
      const at = now.getTime();
      // Each statement has its whole condition in it, so that what happens between two of them changes no outcome.
      const rotated = await database.first(sql.rotate, selector, verifierHash, next, at);
      if (rotated) return { kind: "rotated", pid: rotated.pid, epoch: rotated.epoch, expiresAt: new Date(rotated.expires_at) };
      const inGrace = await database.first(sql.findGrace, selector, verifierHash, at - grace, at);
      if (inGrace) return { kind: "grace", pid: inGrace.pid, epoch: inGrace.epoch };
      const stolen = await database.first(sql.endStolen, selector, verifierHash, at - grace, at);
      return stolen && { kind: "stolen", pid: stolen.pid };
    },
    async endRememberSeries(selector) {
      return (await database.change(sql.endRememberSeries, selector)) > 0;
    },
    async endRememberSeriesOf(pid, except) {
      return database.change(sql.endRememberSeriesOf, pid, except);
    },
  };
}
