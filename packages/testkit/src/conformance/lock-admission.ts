/** Counting attempts and beginning locks: the first part of the suite of locks. @module */
import assert from "node:assert/strict";
import {
  type Duration,
  days,
  hours,
  type LockAdmission,
  type LockingServerStorer,
  type LockPolicy,
  minutes,
  seconds,
} from "@castellan/core";
import { at, CROWDS, lookalikes, ROUNDS, race, SAMPLE_POLICY, sweepAll, UNUSUAL_TEXTS } from "./samples.ts";
import type { Case } from "./suite.ts";

type Storer = LockingServerStorer;

const SUBJECT = "login:c29tZWJvZHk";
const POLICY = SAMPLE_POLICY;
const { after, window: WINDOW, lasts: LASTS, longest: LONGEST, forgets: FORGETS } = POLICY;
/** A window as long as anything here, so that only what a case is about ends. */
const WIDE: LockPolicy = { ...POLICY, window: days(30) };

const ADMITTED: LockAdmission = { admitted: true };
const begun = (offset: number): LockAdmission => ({ admitted: false, lockedUntil: at(offset), lockedNow: true });
const running = (offset: number): LockAdmission => ({ admitted: false, lockedUntil: at(offset), lockedNow: false });

/** Makes `times` attempts one after the other, at one moment. */
export async function attempts(storer: Storer, times: number, offset = 0, subject = SUBJECT, policy = POLICY): Promise<LockAdmission[]> {
  const admissions: LockAdmission[] = [];
  for (const _ of Array(times)) admissions.push(await storer.admitAttempt(subject, policy, at(offset)));
  return admissions;
}

/** Makes attempts at one moment until they lock, and answers how long they do. */
export async function lockNow(storer: Storer, offset = 0, subject = SUBJECT, policy = POLICY): Promise<number> {
  const last = (await attempts(storer, policy.after + 1, offset, subject, policy)).at(-1);
  assert.ok(last && !last.admitted && last.lockedNow, "the attempts did not lock");
  return last.lockedUntil.getTime() - at(offset).getTime();
}

const tally = (admissions: readonly LockAdmission[]): readonly [admitted: number, lockedNow: number] => [
  admissions.filter(({ admitted }) => admitted).length,
  admissions.filter((admission) => !admission.admitted && admission.lockedNow).length,
];

export const lockAdmissionCases: readonly Case<Storer>[] = [
  {
    title: "admits exactly as many attempts as the policy says; the next one begins a lock, and no other is told so",
    run: async ({ storer }) => {
      const admissions = await attempts(storer, 7);
      assert.deepEqual(admissions, [ADMITTED, ADMITTED, ADMITTED, begun(LASTS), running(LASTS), running(LASTS), running(LASTS)]);
    },
  },
  {
    title: "admits one where the policy says one, and goes by the policy that each attempt names",
    run: async ({ storer }) => {
      assert.deepEqual(await attempts(storer, 2, 0, "one", { ...POLICY, after: 1 }), [ADMITTED, begun(LASTS)]);
      await attempts(storer, 3, 0, SUBJECT, { ...POLICY, after: 5 });
      assert.deepEqual(await attempts(storer, 1, 0, SUBJECT, { ...POLICY, after: 2, lasts: minutes(7) }), [begun(minutes(7))]);
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<Storer>[] => {
    const crowdAt = (storer: Storer, offset: number) => race(count, () => storer.admitAttempt(SUBJECT, POLICY, at(offset)));
    return [
      {
        title: `admits exactly ${after} of ${crowd} parallel attempts, and tells exactly one that it began the lock`,
        run: async ({ storer }) => {
          const admissions = await crowdAt(storer, 0);
          assert.deepEqual(tally(admissions), [after, 1]);
          for (const one of admissions) if (!one.admitted) assert.deepEqual(one.lockedUntil, at(LASTS));
        },
      },
      {
        title: `admits exactly ${after} of ${crowd} parallel attempts at the moment when a lock is over, and begins one lock`,
        run: async ({ storer }) => {
          await lockNow(storer);
          const admissions = await crowdAt(storer, LASTS);
          assert.deepEqual(tally(admissions), [after, 1]);
          for (const one of admissions) if (!one.admitted) assert.deepEqual(one.lockedUntil, at(LASTS + 2 * LASTS));
        },
      },
      {
        title: `admits exactly ${after} of ${crowd} parallel attempts at the moment when a new window starts`,
        run: async ({ storer }) => {
          await attempts(storer, after);
          assert.deepEqual(tally(await crowdAt(storer, WINDOW)), [after, 1]);
        },
      },
      {
        title: `admits none of ${crowd} parallel attempts while a lock runs, and extends it for none`,
        run: async ({ storer }) => {
          await lockNow(storer);
          assert.deepEqual(await crowdAt(storer, LASTS - 1), Array(count).fill(running(LASTS)));
          assert.deepEqual(await attempts(storer, 1, LASTS), [ADMITTED]);
        },
      },
    ];
  }),
  {
    title: "starts a window with the first attempt, moves it by no later one, and counts anew exactly when it ends",
    run: async ({ storer }) => {
      for (const offset of [0, WINDOW - 2]) assert.deepEqual(await attempts(storer, 1, offset), [ADMITTED], `at ${offset}`);
      assert.deepEqual(await attempts(storer, after, WINDOW), Array(after).fill(ADMITTED));
      assert.deepEqual(await attempts(storer, 1, 2 * WINDOW - 1), [begun(2 * WINDOW - 1 + LASTS)]);
    },
  },
  {
    title: "locks a millisecond before the window ends, and starts a window however late the next attempt comes",
    run: async ({ storer }) => {
      await attempts(storer, after, 0);
      await attempts(storer, after, 0, "late");
      assert.deepEqual(await attempts(storer, 1, WINDOW - 1), [begun(WINDOW - 1 + LASTS)]);
      assert.deepEqual(await attempts(storer, after, 7 * WINDOW, "late"), Array(after).fill(ADMITTED));
      assert.deepEqual(await attempts(storer, 1, 8 * WINDOW - 1, "late"), [begun(8 * WINDOW - 1 + LASTS)]);
    },
  },
  {
    title: "admits nothing a millisecond before a lock ends, and counts anew exactly when it does, though the window of before still ran",
    run: async ({ storer }) => {
      await lockNow(storer, 0, SUBJECT, WIDE);
      assert.deepEqual(await attempts(storer, 5, LASTS - 1, SUBJECT, WIDE), Array(5).fill(running(LASTS)));
      assert.deepEqual(await attempts(storer, after, LASTS, SUBJECT, WIDE), Array(after).fill(ADMITTED));
      assert.deepEqual(await attempts(storer, 1, LASTS, SUBJECT, WIDE), [begun(3 * LASTS)]);
    },
  },
  {
    title: "starts the window anew after a lock",
    run: async ({ storer }) => {
      await lockNow(storer, WINDOW - 1);
      const over = WINDOW - 1 + LASTS;
      assert.deepEqual(await attempts(storer, after, over), Array(after).fill(ADMITTED));
      assert.deepEqual(await attempts(storer, 1, over + WINDOW - 1), [begun(over + WINDOW - 1 + 2 * LASTS)]);
    },
  },
  {
    title: "lets each lock last twice as long as the one before, and none longer than the longest",
    run: async ({ storer }) => {
      let now = 0;
      const lengths: number[] = [];
      for (const _ of Array(7)) {
        const length = await lockNow(storer, now);
        lengths.push(length);
        now += length;
      }
      assert.deepEqual(lengths, [...[5, 10, 20, 40].map(minutes), LONGEST, LONGEST, LONGEST]);
    },
  },
  {
    title: "doubles a lock of a millisecond until it lasts a year, and keeps to the longest for as many locks as there are",
    run: async ({ storer }) => {
      const policy = { after: 1, window: seconds(1), lasts: seconds(0.001), longest: days(365), forgets: days(9_999) };
      let now = 0;
      for (const nth of Array(70).keys()) {
        const length = await lockNow(storer, now, SUBJECT, policy);
        assert.equal(length, Math.min(2 ** nth, policy.longest), `lock ${nth}`);
        now += length;
      }
    },
  },
  {
    title: "lets not even the first lock last longer than the longest",
    run: async ({ storer }) => {
      assert.equal(await lockNow(storer, 0, SUBJECT, { ...POLICY, lasts: hours(2) }), LONGEST);
    },
  },
  {
    title: "begins with a first lock again exactly when none has run for so long, and not a millisecond before",
    run: async ({ storer }) => {
      const offsets: readonly (readonly [string, number, Duration])[] = [
        ["just before", LASTS + FORGETS - 1, minutes(10)],
        ["exactly then", LASTS + FORGETS, minutes(5)],
        ["much later", LASTS + 9 * FORGETS, minutes(5)],
      ];
      for (const [subject, offset, expected] of offsets) {
        await lockNow(storer, 0, subject);
        assert.equal(await lockNow(storer, offset, subject), expected, subject);
      }
    },
  },
  {
    title: "does not forget the last lock over attempts that locked nothing",
    run: async ({ storer }) => {
      await lockNow(storer);
      for (const offset of [LASTS, LASTS + WINDOW, LASTS + 2 * WINDOW]) await attempts(storer, 2, offset);
      assert.equal(await lockNow(storer, LASTS + 4 * WINDOW), 2 * LASTS);
    },
  },
  {
    title: "counts each subject for itself: lookalikes, a user's browser, unusual text, 200 characters",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await lockNow(storer, 0, `pid:${pid}`);
      const long = "k".repeat(199);
      const near = lookalikes(`pid:${pid}`).filter((subject) => subject !== "");
      const browser = `pid:${pid}:browser:YS1rbm93bi1icm93c2Vy`;
      for (const subject of new Set([...near, browser, pid, `login:${pid}`, ...UNUSUAL_TEXTS, `${long}1`, `${long}2`])) {
        assert.deepEqual(
          await attempts(storer, 4, 1, subject),
          [...Array(after).fill(ADMITTED), begun(1 + LASTS)],
          JSON.stringify(subject),
        );
      }
      assert.deepEqual(await attempts(storer, 1, 1, `pid:${pid}`), [running(LASTS)]);
    },
  },
  {
    title: "answers alike for a user's subject and for a login that nobody has",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const steps = async (subject: string) => [
        ...(await attempts(storer, 5, 0, subject)),
        ...(await attempts(storer, 5, LASTS, subject)),
        ...(await attempts(storer, 5, LASTS + 2 * LASTS + FORGETS, subject)),
      ];
      assert.deepEqual(await steps(`pid:${pid}`), await steps(SUBJECT));
    },
  },
  {
    title: "takes one attempt back for a right secret, of this subject only, and never more than were made",
    run: async ({ storer }) => {
      await storer.takeBackAttempt(SUBJECT, at());
      await attempts(storer, after);
      for (const subject of ["never tried", ...lookalikes(SUBJECT)]) await storer.takeBackAttempt(subject, at(1));
      await storer.takeBackAttempt(SUBJECT, at(1));
      assert.deepEqual(await attempts(storer, 2, 2), [ADMITTED, begun(2 + LASTS)]);
      await attempts(storer, 1, 0, "one");
      for (const _ of Array(3)) await storer.takeBackAttempt("one", at(1));
      assert.deepEqual(await attempts(storer, 4, 2, "one"), [...Array(after).fill(ADMITTED), begun(2 + LASTS)]);
    },
  },
  {
    title: "does not move the window when it takes an attempt back, nor take back one of a window that is over",
    run: async ({ storer }) => {
      await attempts(storer, 1);
      await storer.takeBackAttempt(SUBJECT, at(WINDOW - 1));
      await attempts(storer, after, WINDOW - 1);
      assert.deepEqual(await attempts(storer, 1, WINDOW), [ADMITTED]);
      await storer.takeBackAttempt(SUBJECT, at(2 * WINDOW));
      assert.deepEqual(await attempts(storer, 4, 2 * WINDOW), [...Array(after).fill(ADMITTED), begun(2 * WINDOW + LASTS)]);
    },
  },
  {
    title: "takes nothing back from a lock: it runs on, the count after it is a whole one, and the next lock as long as it would be",
    run: async ({ storer }) => {
      await lockNow(storer);
      for (const offset of [0, LASTS - 1, LASTS]) await storer.takeBackAttempt(SUBJECT, at(offset));
      assert.deepEqual(await attempts(storer, 1, LASTS - 1), [running(LASTS)]);
      assert.equal(await lockNow(storer, LASTS), 2 * LASTS);
    },
  },
  {
    title: "admits one more for each attempt that is taken back at the same time, and no further one",
    run: async ({ storer }) => {
      for (const round of ROUNDS) {
        const subject = `taken back ${round}`;
        await attempts(storer, after, 0, subject);
        const calls = await race(8, async (index) =>
          index === round % 8 ? storer.takeBackAttempt(subject, at(1)) : storer.admitAttempt(subject, POLICY, at(1)),
        );
        const [admitted, lockedNow] = tally(calls.flatMap((call) => call ?? []));
        assert.ok(admitted <= 1, `${admitted} were admitted where 1 may be`);
        assert.equal(lockedNow, 1);
      }
    },
  },
  {
    title: "forgets the counted attempts after a complete sign-in, of this subject only",
    run: async ({ storer }) => {
      await attempts(storer, after);
      await attempts(storer, after, 0, "other");
      for (const subject of ["never tried", ...lookalikes(SUBJECT)]) await storer.clearAttempts(subject, at(1));
      await storer.clearAttempts(SUBJECT, at(1));
      assert.deepEqual(await attempts(storer, 4, 2), [...Array(after).fill(ADMITTED), begun(2 + LASTS)]);
      assert.deepEqual(await attempts(storer, 1, 2, "other"), [begun(2 + LASTS)]);
    },
  },
  {
    title: "starts a window with the next attempt after a complete sign-in",
    run: async ({ storer }) => {
      await attempts(storer, 1);
      await storer.clearAttempts(SUBJECT, at(WINDOW - 1));
      await attempts(storer, after, WINDOW - 1);
      assert.deepEqual(await attempts(storer, 1, 2 * WINDOW - 2), [begun(2 * WINDOW - 2 + LASTS)]);
    },
  },
  {
    title: "forgets how long the last lock was after a complete sign-in, from the moment when it is over",
    run: async ({ storer }) => {
      await lockNow(storer);
      await storer.clearAttempts(SUBJECT, at(LASTS));
      assert.equal(await lockNow(storer, LASTS), LASTS);
    },
  },
  {
    title: "changes nothing for a complete sign-in while a lock runs: neither the lock nor how long the next one is",
    run: async ({ storer }) => {
      await lockNow(storer);
      for (const offset of [0, LASTS - 1]) await storer.clearAttempts(SUBJECT, at(offset));
      assert.deepEqual(await attempts(storer, 1, LASTS - 1), [running(LASTS)]);
      assert.equal(await lockNow(storer, LASTS), 2 * LASTS);
    },
  },
  {
    title: "never admits more around a complete sign-in at the same time, and lets no lock that began be lost to it",
    run: async ({ storer }) => {
      for (const round of ROUNDS) {
        const subject = `race ${round}`;
        await attempts(storer, after, 0, subject);
        const calls = await race(8, async (index) =>
          index === round % 8 ? storer.clearAttempts(subject, at(1)) : storer.admitAttempt(subject, POLICY, at(1)),
        );
        const [admitted, lockedNow] = tally(calls.flatMap((call) => call ?? []));
        assert.ok(admitted <= after, `${admitted} were admitted where ${after} may be`);
        assert.equal(lockedNow, 1);
        assert.deepEqual(await attempts(storer, 1, LASTS, subject), [running(1 + LASTS)]);
      }
    },
  },
  {
    title: "copies: writing to a moment that was handed out or in changes nothing",
    run: async ({ storer }) => {
      const now = at();
      await attempts(storer, after);
      const counting = storer.admitAttempt(SUBJECT, POLICY, now);
      now.setTime(0);
      const admission = await counting;
      assert.deepEqual(admission, begun(LASTS));
      if (!admission.admitted) admission.lockedUntil.setTime(0);
      assert.deepEqual(await attempts(storer, 1, 1), [running(LASTS)]);
    },
  },
  {
    title: "sweeps what says nothing any more: a window that is over, a lock whose length is forgotten; and never a running one",
    run: async ({ storer }) => {
      for (const index of Array(7).keys()) await attempts(storer, 1, 0, `over ${index}`);
      await attempts(storer, after, 1, "counting");
      await lockNow(storer, 0, "locked");
      assert.equal(await sweepAll(storer, at(WINDOW)), 7);
      assert.deepEqual(await attempts(storer, 1, WINDOW, "counting"), [begun(WINDOW + LASTS)]);
      await lockNow(storer, 0, "last lock");
      assert.equal(await sweepAll(storer, at(LASTS + FORGETS - 1)), 0);
      assert.equal(await lockNow(storer, LASTS + FORGETS - 1, "locked"), 2 * LASTS);
      assert.equal(await sweepAll(storer, at(LASTS + FORGETS)), 1);
    },
  },
  {
    title: "sweeps no lock that runs",
    run: async ({ storer }) => {
      await lockNow(storer, 0, SUBJECT, { ...POLICY, window: seconds(1), forgets: seconds(0) });
      assert.equal(await sweepAll(storer, at(LASTS - 1)), 0);
      assert.deepEqual(await attempts(storer, 1, LASTS - 1), [running(LASTS)]);
      assert.equal(await sweepAll(storer, at(LASTS)), 1);
    },
  },
  {
    title: "rejects once it is closed, and never says that an attempt was admitted",
    run: async ({ storer, close }) => {
      if (!(await close())) return;
      await assert.rejects(async () => storer.admitAttempt(SUBJECT, POLICY, at()));
      await assert.rejects(async () => storer.takeBackAttempt(SUBJECT, at()));
      await assert.rejects(async () => storer.clearAttempts(SUBJECT, at()));
    },
  },
];
