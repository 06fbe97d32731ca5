import { days, type LockPolicy } from "@castellan/core";
import { lockableConformance, type MemoryStorer } from "@castellan/testkit";
import { catches, earlier, later, roundTrip } from "./mutant.ts";

const FAR = new Date(8e15);

/** Counts as it should, but by another policy than the given one. */
const policyOf = (change: (policy: LockPolicy) => Partial<LockPolicy>) => (storer: MemoryStorer) => ({
  admitAttempt: (subject: string, policy: LockPolicy, now: Date) => storer.admitAttempt(subject, { ...policy, ...change(policy) }, now),
});

/** Takes one subject for another. */
const subjectsBy =
  (change: (subject: string) => string) =>
  (storer: MemoryStorer): Partial<MemoryStorer> => ({
    admitAttempt: (subject, policy, now) => storer.admitAttempt(change(subject), policy, now),
    takeBackAttempt: (subject, now) => storer.takeBackAttempt(change(subject), now),
    clearAttempts: (subject, now) => storer.clearAttempts(change(subject), now),
  });

/** The live unlock link of a proof. */
const liveLink = async (storer: MemoryStorer, proof: { selector: string; verifierHash: string }, now: Date) => {
  const link = storer.dump().links.find(({ selector, purpose }) => selector === proof.selector && purpose === "unlock");
  if (!link || link.verifierHash !== proof.verifierHash || link.expiresAt <= now) return null;
  return (await storer.load(link.pid))?.epoch === link.epoch ? link : null;
};

catches(lockableConformance, {
  "reads the count first and counts afterwards": (storer) => ({
    admitAttempt: async (subject, policy, now) => {
      const row = storer.dump().attempts.get(subject);
      await roundTrip();
      const admission = await storer.admitAttempt(subject, policy, now);
      const isLocked = row?.lock && row.lock.until > now;
      return !isLocked && (row?.used ?? 0) < policy.after ? { admitted: true } : admission;
    },
  }),
  "takes all attempts back with one": (storer) => ({ takeBackAttempt: (subject, now) => storer.clearAttempts(subject, now) }),
  "takes no attempt back": () => ({ takeBackAttempt: async () => {} }),
  "admits one too many": policyOf(({ after }) => ({ after: after + 1 })),
  "lets the window be a millisecond too long": policyOf((policy) => ({ window: (policy.window + 1) as LockPolicy["window"] })),
  "lets every lock be a first one": policyOf(({ lasts }) => ({ longest: lasts })),
  "lets locks grow without an end": policyOf(() => ({ longest: days(9_999) })),
  "never forgets the last lock": policyOf(() => ({ forgets: days(9_999) })),
  "forgets the last lock a millisecond too late": policyOf((policy) => ({ forgets: (policy.forgets + 1) as LockPolicy["forgets"] })),
  "goes by the policy that it was given first": (storer) => {
    let first: LockPolicy | undefined;
    return {
      admitAttempt: (subject, policy, now) => {
        first ??= policy;
        return storer.admitAttempt(subject, first, now);
      },
    };
  },
  "tells everybody that they began the lock": (storer) => ({
    admitAttempt: async (...attempt) => {
      const admission = await storer.admitAttempt(...attempt);
      return admission.admitted ? admission : { ...admission, lockedNow: true };
    },
  }),
  "extends a lock that runs": (storer) => ({
    admitAttempt: async (subject, policy, now) => {
      const admission = await storer.admitAttempt(subject, policy, now);
      if (!admission.admitted && !admission.lockedNow && subject.startsWith("pid:")) {
        await storer.lockUser(subject.slice(4), new Date(admission.lockedUntil.getTime() + 1));
      }
      return admission;
    },
  }),
  "gives a user and a known browser one budget": subjectsBy((subject) => subject.replace(/:browser:.*/, "")),
  "takes subjects without regard to case": subjectsBy((subject) => subject.toLowerCase()),
  "cuts subjects off": subjectsBy((subject) => subject.slice(0, 191)),
  "counts known users only": (storer) => ({
    admitAttempt: (subject, policy, now) =>
      subject.startsWith("pid:") ? storer.admitAttempt(subject, policy, now) : Promise.resolve({ admitted: true }),
  }),
  "ends a running lock for a complete sign-in": (storer) => ({ clearAttempts: (subject) => storer.clearAttempts(subject, FAR) }),
  "ends a lock for a complete sign-in a millisecond too early": (storer) => ({
    clearAttempts: (subject, now) => storer.clearAttempts(subject, later(now)),
  }),
  "forgets nothing for a complete sign-in": () => ({ clearAttempts: async () => {} }),
  "remembers the last lock after a complete sign-in": (storer) => ({
    clearAttempts: async (subject, now) => {
      if (!storer.dump().attempts.get(subject)?.lock) await storer.clearAttempts(subject, now);
    },
  }),
  "forgets every subject that begins like the one to forget": (storer) => ({
    clearAttempts: async (prefix, now) => {
      for (const subject of storer.dump().attempts.keys()) {
        if (subject.startsWith(prefix)) await storer.clearAttempts(subject, now);
      }
    },
  }),
  "shows a lock in some look-ups only": (storer) => ({
    findByLogin: async (login) => {
      const user = await storer.findByLogin(login);
      return user && { ...user, lockedUntil: null, lockedBy: null };
    },
  }),
  "calls every lock one by attempts": (storer) => ({
    load: async (pid) => {
      const user = await storer.load(pid);
      return user && { ...user, lockedBy: user.lockedBy && "attempts" };
    },
  }),
  "keeps who is locked after the lock is gone": (storer) => {
    const locks = new Map<string, Date | null>();
    return {
      load: async (pid) => {
        const user = await storer.load(pid);
        if (user?.lockedUntil) locks.set(pid, user.lockedUntil);
        return user && { ...user, lockedUntil: locks.get(pid) ?? null };
      },
    };
  },
  "advances the epoch with an administrator's lock": (storer) => ({
    lockUser: async (pid, until) => (await storer.lockUser(pid, until)) && (await storer.advanceEpoch(pid)) !== null,
  }),
  "keeps the lock that is longer": (storer) => ({
    lockUser: async (pid, until) => {
      const { lockedUntil } = (await storer.load(pid)) ?? {};
      return lockedUntil && lockedUntil > until ? true : storer.lockUser(pid, until);
    },
  }),
  "looks for a lock by attempts first and locks afterwards": (storer) => ({
    lockUser: async (pid, until) => {
      const before = await storer.load(pid);
      await roundTrip();
      const after = await storer.load(pid);
      // Writes over what it has seen only, and loses against what came since.
      return after?.lockedBy === before?.lockedBy ? storer.lockUser(pid, until) : true;
    },
  }),
  "locks and unlocks nobody, and says yes": (storer) => ({
    lockUser: async (pid, until) => (await storer.lockUser(pid, until)) || true,
    unlockUser: async (pid) => (await storer.unlockUser(pid)) || true,
  }),
  "answers that there is nobody when nothing is locked": (storer) => ({
    unlockUser: async (pid) => Boolean((await storer.load(pid))?.lockedUntil) && storer.unlockUser(pid),
  }),
  "leaves an administrator's lock when it unlocks": (storer) => ({
    unlockUser: async (pid) => (await storer.load(pid))?.lockedBy === "administrator" || storer.unlockUser(pid),
  }),
  "unlocks the known browsers too": (storer) => ({
    unlockUser: async (pid) => {
      for (const subject of storer.dump().attempts.keys()) {
        if (subject.startsWith(`pid:${pid}:`)) await storer.clearAttempts(subject, FAR);
      }
      return storer.unlockUser(pid);
    },
  }),
  "looks for the link first and unlocks afterwards": (storer) => ({
    finishUnlock: async (proof, now) => {
      const link = await liveLink(storer, proof, now);
      const lock = link && storer.dump().attempts.get(`pid:${link.pid}`)?.lock;
      if (!link || lock?.by !== "attempts" || link.createdAt < lock.at) return null;
      await roundTrip();
      await storer.unlockUser(link.pid);
      return { pid: link.pid };
    },
  }),
  "opens a later lock by an old link": (storer) => ({ startUnlock: (token) => storer.startUnlock({ ...token, createdAt: FAR }) }),
  "opens no lock that began with the link": (storer) => ({
    startUnlock: (token) => storer.startUnlock({ ...token, createdAt: earlier(token.createdAt) }),
  }),
  "opens an administrator's lock by a link": (storer) => ({
    finishUnlock: async (proof, now) => {
      const link = await liveLink(storer, proof, now);
      const isTheirs = link && (await storer.load(link.pid))?.lockedBy === "administrator";
      return isTheirs && (await storer.unlockUser(link.pid)) ? { pid: link.pid } : storer.finishUnlock(proof, now);
    },
  }),
  "forgets attempts by a link where nothing is locked": (storer) => ({
    finishUnlock: async (proof, now) => {
      const link = await liveLink(storer, proof, now);
      const isFree = link && !(await storer.load(link.pid))?.lockedUntil;
      if (isFree) await storer.unlockUser(link.pid);
      return storer.finishUnlock(proof, now);
    },
  }),
  "opens no lock that has run out": (storer) => ({
    finishUnlock: async (proof, now) => {
      const link = await liveLink(storer, proof, now);
      const { lockedUntil } = (link && (await storer.load(link.pid))) ?? {};
      return lockedUntil && lockedUntil <= now ? null : storer.finishUnlock(proof, now);
    },
  }),
  "sweeps how long the last lock was": (storer) => ({
    sweep: async (now, limit) => {
      const swept = await storer.sweep(now, limit);
      for (const subject of storer.dump().attempts.keys()) await storer.clearAttempts(subject, now);
      return swept;
    },
  }),
  "sweeps a window that is running": (storer) => ({ sweep: (now, limit) => storer.sweep(later(now), limit) }),
  "admits everybody when its database is away": (storer) => ({
    admitAttempt: (...attempt) => storer.admitAttempt(...attempt).catch(() => ({ admitted: true as const })),
  }),
});
