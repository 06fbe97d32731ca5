/** Counters. @module */
import type { CountOperations } from "@castellan/core";
import { type Collections, contended, TRIES, unlessTaken } from "../collections.ts";
import { after, by, is, later, moment, whole } from "../values.ts";

export function countOperations({ counters }: Collections): CountOperations {
  return {
    async countUse(key, limit, windowMs, now) {
      const [start, end] = [moment(now), later(now, windowMs)];
      const admits = whole(limit) > 0;
      const isRunning = { $gt: ["$resetsAt", start] };
      const counting = {
        $set: {
          // Only what is admitted is counted, so that a use that is taken back makes room for another, however many were refused meanwhile.
          used: { $cond: [isRunning, { $add: ["$used", 1] }, 1] },
          resetsAt: { $cond: [isRunning, "$resetsAt", end] },
        },
      };
      const isAdmitted = { _id: is(key), $or: [{ resetsAt: by(start) }, { used: { $lt: limit } }] };
      for (let left = TRIES; left > 0; left -= 1) {
        // Where the limit is reached, the filter finds nothing and the key is taken: refused, and nothing is written.
        const counted =
          admits && (await unlessTaken(() => counters.findOneAndUpdate(isAdmitted, [counting], { upsert: true, returnDocument: "after" })));
        if (counted) return { admitted: true, resetsAt: counted.resetsAt };
        const counter = await counters.findOne({ _id: is(key), resetsAt: after(start), used: { $gte: limit } });
        if (counter) return { admitted: false, resetsAt: counter.resetsAt };
        if (!admits) return { admitted: false, resetsAt: end };
      }
      throw contended();
    },
    async takeBackUse(key, now) {
      await counters.updateOne({ _id: is(key), resetsAt: after(now), used: { $gt: 0 } }, { $inc: { used: -1 } });
    },
    async forgetUses(key) {
      await counters.deleteOne({ _id: is(key) });
    },
  };
}
