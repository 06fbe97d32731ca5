/** Every operation of core's capabilities over tables in memory, put together. @module */
import { type EveryStorer, everyUserFields } from "@castellan/core";
import { challengeOperations } from "./challenges.ts";
import { countOperations } from "./counters.ts";
import { factorOperations } from "./factors.ts";
import { identityOperations } from "./identities.ts";
import { linkOperations } from "./links.ts";
import { isSpent, lockOperations } from "./locks.ts";
import { mailOperations } from "./mails.ts";
import { rememberOperations } from "./remember.ts";
import { sessionOperations } from "./sessions.ts";
import { isExpiredSignIn, signInOperations } from "./sign-ins.ts";
import { deleteWhere, isOver, type Operation, type Tables } from "./tables.ts";
import { trustedBrowserOperations } from "./trusted-browsers.ts";
import { type TableUser, userOperations } from "./users.ts";

/** A storer with every operation of core's capabilities. */
export type TableStorer = EveryStorer<TableUser>;

/** Deletes at most `limit` expired rows over all tables. */
function sweepTables(tables: Tables, now: Date, limit: number): number {
  const { signIns, challenges, counters, sessions, links, attempts, series, trustedBrowsers, flows } = tables;
  let left = limit;
  const sweepTable = <R>(table: Map<string, R>, isExpired: (row: R) => boolean) => {
    deleteWhere(table, (row) => {
      if (left <= 0 || !isExpired(row)) return false;
      left -= 1;
      return true;
    });
  };
  sweepTable(signIns, (row) => isExpiredSignIn(row, now));
  sweepTable(challenges, (row) => isOver(row.expiresAt, now));
  sweepTable(counters, (row) => isOver(row.resetsAt, now));
  sweepTable(sessions, (row) => isOver(row.expiresAt, now));
  sweepTable(links, (row) => isOver(row.expiresAt, now));
  sweepTable(attempts, (row) => isSpent(row, now));
  sweepTable(series, (row) => isOver(row.expiresAt, now));
  sweepTable(trustedBrowsers, (row) => isOver(row.expiresAt, now));
  sweepTable(flows, (row) => isOver(row.expiresAt, now));
  return limit - left;
}

/** The operations, each made by `operation` of a function that runs without a break. */
export function tableOperations(tables: Tables, operation: Operation): TableStorer {
  return {
    userFields: everyUserFields,
    ...userOperations(tables, operation),
    ...signInOperations(tables, operation),
    ...challengeOperations(tables, operation),
    ...countOperations(tables, operation),
    ...sessionOperations(tables, operation),
    ...linkOperations(tables, operation),
    ...lockOperations(tables, operation),
    ...rememberOperations(tables, operation),
    ...mailOperations(tables, operation),
    ...factorOperations(tables, operation),
    ...trustedBrowserOperations(tables, operation),
    ...identityOperations(tables, operation),
    sweep: operation("sweep", (now, limit) => sweepTables(tables, now, limit)),
  };
}
