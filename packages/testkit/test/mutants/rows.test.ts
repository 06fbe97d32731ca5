import { challengingConformance, countingConformance, type MemoryStorer, sessionKeepingConformance } from "@castellan/testkit";
import { catches, earlier, LONG_AGO, later, roundTrip } from "./mutant.ts";

/** A counter of its own, with one fault. */
const counterThat =
  (fault: "slides" | "reads, then writes" | "ends late" | "goes below zero" | "counts for ever") => (): Partial<MemoryStorer> => {
    const counters = new Map<string, { used: number; resetsAt: number }>();
    const running = (key: string, now: Date) => {
      const counter = counters.get(key);
      const isOver = !counter || counter.resetsAt < now.getTime() || (fault !== "ends late" && counter.resetsAt === now.getTime());
      return isOver && fault !== "counts for ever" ? undefined : counter;
    };
    return {
      countUse: async (key, limit, windowMs, now) => {
        const end = now.getTime() + windowMs;
        const counter = running(key, now) ?? { used: 0, resetsAt: end };
        if (fault === "reads, then writes") await roundTrip();
        const resetsAt = fault === "slides" ? end : counter.resetsAt;
        const admitted = counter.used < limit;
        counters.set(key, { used: counter.used + (admitted ? 1 : 0), resetsAt });
        return { admitted, resetsAt: new Date(resetsAt) };
      },
      takeBackUse: async (key, now) => {
        const counter = running(key, now);
        if (!counter) return;
        counters.set(key, { ...counter, used: fault === "goes below zero" ? counter.used - 1 : Math.max(0, counter.used - 1) });
      },
      forgetUses: async (key) => {
        counters.delete(key);
      },
    };
  };

catches(countingConformance, {
  "moves the window with each use": counterThat("slides"),
  "reads the count first and writes it afterwards": counterThat("reads, then writes"),
  "counts in the old window at its very end": counterThat("ends late"),
  "takes back below zero": counterThat("goes below zero"),
  "never starts anew": counterThat("counts for ever"),
  "admits one too many": (storer) => ({ countUse: (key, limit, ...rest) => storer.countUse(key, limit + 1, ...rest) }),
  "takes keys without regard to case": (storer) => ({ countUse: (key, ...rest) => storer.countUse(key.toLowerCase(), ...rest) }),
  "cuts keys off": (storer) => ({ countUse: (key, ...rest) => storer.countUse(key.slice(0, 191), ...rest) }),
  "forgets every key that begins like the one to forget": (storer) => ({
    forgetUses: async (prefix) => {
      for (const key of storer.dump().counters.keys()) {
        if (key.startsWith(prefix)) await storer.forgetUses(key);
      }
    },
  }),
});

catches(challengingConformance, {
  "looks first and consumes afterwards": (storer) => ({
    consumeChallenge: async (id, sessionKey, now) => {
      const challenge = await storer.findChallenge(id, sessionKey, now);
      await roundTrip();
      if (challenge) await storer.consumeChallenge(id, sessionKey, now);
      return challenge;
    },
  }),
  "looks first and spends a try afterwards": (storer) => ({
    admitTry: async (id, sessionKey, now) => {
      const challenge = await storer.findChallenge(id, sessionKey, now);
      if (!challenge || challenge.triesLeft < 1) return null;
      await roundTrip();
      await storer.admitTry(id, sessionKey, now);
      return { ...challenge, triesLeft: challenge.triesLeft - 1 };
    },
  }),
  "spends no try": (storer) => ({ admitTry: (id, sessionKey, now) => storer.findChallenge(id, sessionKey, now) }),
  "answers a challenge to any browser session": (storer) => ({
    findChallenge: (id, sessionKey, now) => {
      const challenge = storer.dump().challenges.find((row) => row.id === id);
      return storer.findChallenge(id, challenge?.sessionKey ?? sessionKey, now);
    },
  }),
  "ignores the epoch": (storer) => ({
    findChallenge: async (id, sessionKey, now) => {
      const challenge = storer.dump().challenges.find((row) => row.id === id && row.sessionKey === sessionKey && row.expiresAt > now);
      await storer.findChallenge(id, sessionKey, now);
      return challenge ?? null;
    },
  }),
  "answers a challenge at its very end": (storer) => ({
    consumeChallenge: (id, sessionKey, now) => storer.consumeChallenge(id, sessionKey, earlier(now)),
  }),
  "lets a challenge die a millisecond too early": (storer) => ({
    admitTry: (id, sessionKey, now) => storer.admitTry(id, sessionKey, later(now)),
  }),
  "takes a challenge without tries for dead": (storer) => ({
    consumeChallenge: async (id, sessionKey, now) => {
      const challenge = await storer.findChallenge(id, sessionKey, now);
      return challenge && challenge.triesLeft > 0 ? storer.consumeChallenge(id, sessionKey, now) : null;
    },
  }),
  "ends the challenges of every purpose": (storer) => ({ endChallengesOf: (pid) => storer.endChallengesOf(pid, null) }),
  "voids the challenges of every purpose when a new one is made": (storer) => ({
    createChallenge: async (challenge) => {
      await storer.endChallengesOfSession(challenge.sessionKey);
      await storer.createChallenge(challenge);
    },
  }),
  "voids the old challenge of the same user only": (storer) => ({
    findChallenge: async (id, sessionKey, now) => (await storer.findChallenge(id, sessionKey, now)) ?? null,
    createChallenge: async (challenge) => {
      const { challenges } = storer.dump();
      await storer.createChallenge(challenge);
      for (const old of challenges) {
        if (old.sessionKey === challenge.sessionKey && old.pid !== challenge.pid) {
          await storer.createChallenge({ ...old, purpose: `${old.purpose} kept` });
        }
      }
    },
  }),
});

catches(sessionKeepingConformance, {
  "makes a session on a touch": (storer) => ({
    touchSession: async (key, expiresAt) => {
      const session = await storer.loadSession(key, LONG_AGO);
      await storer.saveSession(key, { data: session?.data ?? "{}", expiresAt });
    },
  }),
  "touches by load, change, save": (storer) => ({
    touchSession: async (key, expiresAt) => {
      const session = await storer.loadSession(key, LONG_AGO);
      await roundTrip();
      if (session) await storer.saveSession(key, { ...session, expiresAt });
    },
  }),
  "touches nothing": () => ({ touchSession: async () => {} }),
  "answers a session at its very end": (storer) => ({ loadSession: (key, now) => storer.loadSession(key, earlier(now)) }),
  "keeps the end of a session when it replaces the data": (storer) => ({
    saveSession: async (key, session) => {
      const old = await storer.loadSession(key, LONG_AGO);
      await storer.saveSession(key, { ...session, expiresAt: old?.expiresAt ?? session.expiresAt });
    },
  }),
  "takes keys without regard to case": (storer) => ({
    saveSession: (key, session) => storer.saveSession(key.toLowerCase(), session),
    loadSession: (key, now) => storer.loadSession(key.toLowerCase(), now),
  }),
  "cuts long data off": (storer) => ({
    saveSession: (key, { data, expiresAt }) => storer.saveSession(key, { data: data.slice(0, 16_383), expiresAt }),
  }),
});
