/** Remembered browsers. @module */
import type { RememberOperations } from "@castellan/core";
import { deleteWhere, isOver, type Operation, type Tables } from "./tables.ts";

export function rememberOperations({ users, series }: Tables, operation: Operation): RememberOperations {
  return {
    addRememberSeries: operation("addRememberSeries", (row) => {
      if (users.get(row.pid)?.epoch !== row.epoch || series.has(row.selector)) return false;
      series.set(row.selector, { ...row, previousHash: null, rotatedAt: null });
      return true;
    }),
    rotateRememberSeries: operation("rotateRememberSeries", ({ selector, verifierHash }, next, grace, now) => {
      const row = series.get(selector);
      if (!row || isOver(row.expiresAt, now) || users.get(row.pid)?.epoch !== row.epoch) return null;
      const { pid, epoch, expiresAt } = row;
      if (row.verifierHash === verifierHash) {
        series.set(selector, { ...row, verifierHash: next, previousHash: verifierHash, rotatedAt: now });
        return { kind: "rotated", pid, epoch, expiresAt };
      }
      const isRecent = row.rotatedAt !== null && row.rotatedAt.getTime() + grace > now.getTime();
      if (row.previousHash === verifierHash && isRecent) return { kind: "grace", pid, epoch };
      series.delete(selector);
      return { kind: "stolen", pid };
    }),
    endRememberSeries: operation("endRememberSeries", (selector) => series.delete(selector)),
    endRememberSeriesOf: operation("endRememberSeriesOf", (pid, except) =>
      deleteWhere(series, (row) => row.pid === pid && row.selector !== except),
    ),
  };
}
