/** Removing what has expired: `sweep` of the capability "server". @module */
import type { Collection, Filter } from "mongodb";
import type { Collections } from "../collections.ts";
import { by, moment, whole } from "../values.ts";

/** A part of a sweep that the server does in one command. */
const BATCH = 1_000;

export function sweepOperation(collections: Collections): (now: Date, limit: number) => Promise<number> {
  const { users, strangers, sign_ins, challenges, counters, sessions, links, series, trusted_browsers, flows } = collections;

  /** Found first and then removed while they still are over: a deletion knows no limit. */
  const sweeping = async <Row extends { readonly _id: string }>(
    rows: Collection<Row>,
    isOver: Filter<Row>,
    limit: number,
    remove: (filter: Filter<Row>) => Promise<number>,
  ): Promise<number> => {
    const found = await rows
      .find(isOver, { projection: { _id: 1 } })
      .limit(limit)
      .toArray();
    if (found.length === 0) return 0;
    return remove({ ...isOver, _id: { $in: found.map(({ _id }) => _id) } } as Filter<Row>);
  };

  return async (now, limit) => {
    const over = by(moment(now));
    const deleting =
      <Row extends { readonly _id: string }>(rows: Collection<Row>, isOver: Filter<Row>) =>
      (most: number): Promise<number> =>
        sweeping(rows, isOver, most, async (filter) => (await rows.deleteMany(filter)).deletedCount);
    const sweeps = [
      // Never later than the other end of a sign-in.
      deleting(sign_ins, { idleEndsAt: over }),
      deleting(challenges, { expiresAt: over }),
      deleting(counters, { resetsAt: over }),
      deleting(sessions, { expiresAt: over }),
      deleting(links, { expiresAt: over }),
      deleting(series, { expiresAt: over }),
      deleting(trusted_browsers, { expiresAt: over }),
      deleting(flows, { expiresAt: over }),
      deleting(strangers, { "attempts.endsAt": over }),
      (most: number) =>
        sweeping(
          users,
          { "attempts.endsAt": over },
          most,
          async (filter) => (await users.updateMany(filter, { $unset: { attempts: "" } })).modifiedCount,
        ),
    ];
    let left = whole(limit);
    for (const sweep of sweeps) {
      for (let isMore = true; isMore && left > 0; ) {
        const most = Math.min(left, BATCH);
        const swept = await sweep(most);
        left -= swept;
        isMore = swept === most;
      }
    }
    return limit - left;
  };
}
