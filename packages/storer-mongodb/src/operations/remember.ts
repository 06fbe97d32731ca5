/** Remembered browsers. @module */
import type { RememberOperations, RememberSeries } from "@castellan/core";
import { type Collections, contended, isOfEpoch, TRIES, unlessTaken } from "../collections.ts";
import type { SeriesRow } from "../rows.ts";
import { after, is, isNot, moment, text, whole } from "../values.ts";

const rowOf = ({ selector, verifierHash, pid, epoch, createdAt, expiresAt, userAgent }: RememberSeries): SeriesRow => ({
  _id: text(selector),
  verifierHash: text(verifierHash),
  previousHash: null,
  rotatedAt: null,
  pid: text(pid),
  epoch: whole(epoch),
  createdAt: moment(createdAt),
  expiresAt: moment(expiresAt),
  userAgent: text(userAgent),
});

export function rememberOperations(collections: Collections): RememberOperations {
  const { series } = collections;
  const isLive = ({ pid, epoch }: SeriesRow): Promise<boolean> => isOfEpoch(collections, pid, epoch);

  return {
    async addRememberSeries(given) {
      const row = rowOf(given);
      if (!(await isLive(row))) return false;
      return (await unlessTaken(() => series.insertOne(row))) !== null;
    },
    async rotateRememberSeries({ selector, verifierHash }, next, grace, now) {
      const unexpired = { _id: is(selector), expiresAt: after(now) };
      const rotation = { verifierHash: text(next), previousHash: text(verifierHash), rotatedAt: moment(now) };
      for (let left = TRIES; left > 0; left -= 1) {
        const rotated = await series.findOneAndUpdate({ ...unexpired, verifierHash: is(verifierHash) }, { $set: rotation });
        // One of another epoch is dead, rotated or not.
        if (rotated) {
          const { pid, epoch, expiresAt } = rotated;
          return (await isLive(rotated)) ? { kind: "rotated", pid, epoch, expiresAt } : null;
        }
        const row = await series.findOne(unexpired);
        if (!row || !(await isLive(row))) return null;
        if (row.verifierHash === verifierHash) continue;
        const { pid, epoch, previousHash, rotatedAt } = row;
        if (previousHash === verifierHash && rotatedAt && rotatedAt.getTime() + whole(grace) > now.getTime())
          return { kind: "grace", pid, epoch };
        // No secret comes back: what is not the current one here never will be.
        const ended = await series.deleteOne({ _id: is(selector), verifierHash: isNot(verifierHash) });
        if (ended.deletedCount > 0) return { kind: "stolen", pid };
      }
      throw contended();
    },
    async endRememberSeries(selector) {
      return (await series.deleteOne({ _id: is(selector) })).deletedCount > 0;
    },
    async endRememberSeriesOf(pid, except) {
      return (await series.deleteMany({ pid: is(pid), ...(except !== null && { _id: isNot(except) }) })).deletedCount;
    },
  };
}
