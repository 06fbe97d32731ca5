/** Counted attempts and locks. A user's lie in the user's document, those of a subject that is no user in a document of their own. @module */
import type { LockAdmission, LockOperations, LockPolicy } from "@castellan/core";
import type { Collection, Filter } from "mongodb";
import { type Collections, contended, TRIES, unlessTaken } from "../collections.ts";
import type { Attempts, StrangerRow } from "../rows.ts";
import { after, by, IS_NULL, is, isAt, isNumber, later, moment, text, whole } from "../values.ts";

/** The pid of a subject that may be a user. */
const userOf = (subject: string): string | null => (text(subject).startsWith("pid:") ? subject.slice("pid:".length) : null);

const SHOWN = { projection: { attempts: 1 } } as const;

/** Since before any link. */
const BEGINNING = new Date(0);

/** What may be counted, as a filter: nothing yet, a lock or a window that is over, room in the window. */
const admissible = (policy: LockPolicy, now: Date): Filter<StrangerRow> => ({
  $or: [
    { "attempts.lock.until": by(now) },
    { "attempts.lock": IS_NULL, "attempts.windowEndsAt": IS_NULL },
    { "attempts.lock": IS_NULL, "attempts.windowEndsAt": by(now) },
    { "attempts.lock": IS_NULL, "attempts.used": { $lt: whole(policy.after) } },
  ],
});

/** Counts on in the window that runs, or begins one. The length of the last lock stays. */
function counting(policy: LockPolicy, now: Date) {
  const end = later(now, policy.window);
  const isRunning = {
    $and: [
      { $eq: [{ $ifNull: ["$attempts.lock", null] }, null] },
      { $gt: [{ $ifNull: ["$attempts.windowEndsAt", BEGINNING] }, moment(now)] },
    ],
  };
  return {
    $set: {
      "attempts.used": { $cond: [isRunning, { $add: ["$attempts.used", 1] }, 1] },
      "attempts.windowEndsAt": { $cond: [isRunning, "$attempts.windowEndsAt", end] },
      "attempts.endsAt": { $cond: [isRunning, "$attempts.endsAt", { $max: [end, { $ifNull: ["$attempts.forgetsAt", end] }] }] },
      "attempts.lock": null,
    },
  };
}

/** The attempts with the lock that the next call begins. */
function lockedBy({ windowEndsAt, locks = 0, forgetsAt }: Attempts, policy: LockPolicy, now: Date): Attempts {
  const nth = forgetsAt && forgetsAt > now ? locks + 1 : 1;
  const until = later(now, Math.min(policy.lasts * 2 ** (nth - 1), policy.longest));
  const forgets = later(until, policy.forgets);
  return {
    used: 0,
    ...(windowEndsAt && { windowEndsAt }),
    locks: nth,
    forgetsAt: forgets,
    lock: { at: moment(now), until, by: "attempts" },
    endsAt: windowEndsAt && windowEndsAt > forgets ? windowEndsAt : forgets,
  };
}

export function lockOperations({ users, strangers }: Collections): Omit<LockOperations, "startUnlock" | "finishUnlock"> {
  // Of a user only what a stranger has too is looked at here.
  const ofUsers = users as unknown as Collection<StrangerRow>;

  /** `null` where there is no such document, and none may be made. */
  async function admit(
    rows: Collection<StrangerRow>,
    id: string,
    isMade: boolean,
    policy: LockPolicy,
    now: Date,
  ): Promise<LockAdmission | null> {
    const admitted = { _id: is(id), ...admissible(policy, now) };
    for (let left = TRIES; left > 0; left -= 1) {
      // Where it exists and may not be counted, making it finds it taken.
      const counted = await unlessTaken(() =>
        rows.findOneAndUpdate(admitted, [counting(policy, now)], { upsert: isMade, returnDocument: "after", projection: { _id: 1 } }),
      );
      if (counted) return { admitted: true };
      const row = await rows.findOne({ _id: is(id) }, SHOWN);
      if (!row && !isMade) return null;
      const { attempts } = row ?? {};
      if (!attempts) continue;
      if (attempts.lock && attempts.lock.until > now) return { admitted: false, lockedUntil: attempts.lock.until, lockedNow: false };
      if (attempts.lock || attempts.used < policy.after || !attempts.windowEndsAt || attempts.windowEndsAt <= now) continue;
      const seen = {
        "attempts.lock": IS_NULL,
        "attempts.used": isNumber(attempts.used),
        "attempts.windowEndsAt": isAt(attempts.windowEndsAt),
      };
      const locked = lockedBy(attempts, policy, now);
      if ((await rows.updateOne({ _id: is(id), ...seen }, { $set: { attempts: locked } })).matchedCount > 0) {
        return { admitted: false, lockedUntil: locked.lock?.until ?? now, lockedNow: true };
      }
    }
    throw contended();
  }

  return {
    async admitAttempt(subject, policy, now) {
      const user = userOf(subject);
      const asUser = user === null ? null : await admit(ofUsers, user, false, policy, now);
      const admission = asUser ?? (await admit(strangers, subject, true, policy, now));
      if (!admission) throw contended();
      return admission;
    },
    async takeBackAttempt(subject, now) {
      const counted = { "attempts.lock": IS_NULL, "attempts.used": { $gt: 0 }, "attempts.windowEndsAt": after(now) };
      const update = { $inc: { "attempts.used": -1 } };
      const user = userOf(subject);
      if (user !== null && (await users.updateOne({ _id: is(user), ...counted }, update)).matchedCount > 0) return;
      await strangers.updateOne({ _id: is(subject), ...counted }, update);
    },
    async clearAttempts(subject, now) {
      const unlocked = { $or: [{ "attempts.lock": IS_NULL }, { "attempts.lock.until": by(now) }] };
      const user = userOf(subject);
      if (user !== null && (await users.updateOne({ _id: is(user), ...unlocked }, { $unset: { attempts: "" } })).matchedCount > 0) return;
      await strangers.deleteOne({ _id: is(subject), ...unlocked });
    },
    async lockUser(pid, until) {
      const lock = { at: BEGINNING, until: moment(until), by: "administrator" } as const;
      const update = { $set: { "attempts.used": 0, "attempts.lock": lock }, $max: { "attempts.endsAt": lock.until } };
      return (await users.updateOne({ _id: is(pid) }, update)).matchedCount > 0;
    },
    async unlockUser(pid) {
      return (await users.updateOne({ _id: is(pid) }, { $unset: { attempts: "" } })).matchedCount > 0;
    },
  };
}
