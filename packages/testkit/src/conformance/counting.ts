/** The suite of counters for limits. @module */
import assert from "node:assert/strict";
import type { CountingServerStorer } from "@castellan/core";
import { at, CROWDS, lookalikes, ROUNDS, race, sweepAll, UNUSUAL_TEXTS } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

const KEY = "login:192.0.2.1";
const WINDOW = 1_000;

type Storer = CountingServerStorer;

/** Counts `times` uses one after the other and answers which were admitted. */
const use = async (storer: Storer, times: number, limit: number, offset = 0, key = KEY): Promise<boolean[]> => {
  const admitted: boolean[] = [];
  for (const _ of Array(times)) admitted.push((await storer.countUse(key, limit, WINDOW, at(offset))).admitted);
  return admitted;
};

const cases: readonly Case<Storer>[] = [
  {
    title: "admits exactly as many uses as the limit says, and tells when counting starts anew",
    run: async ({ storer }) => {
      const counts = [];
      for (const _ of Array(5)) counts.push(await storer.countUse(KEY, 3, WINDOW, at()));
      const expected = [true, true, true, false, false].map((admitted) => ({ admitted, resetsAt: at(WINDOW) }));
      assert.deepEqual(counts, expected);
    },
  },
  {
    title: "admits nothing where the limit is nothing, and one where it is one",
    run: async ({ storer }) => {
      assert.deepEqual(await use(storer, 2, 0, 0, "none"), [false, false]);
      assert.deepEqual(await use(storer, 2, 1, 0, "one"), [true, false]);
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<Storer>[] => [
    {
      title: `admits exactly 3 of ${crowd} parallel uses within a limit of 3`,
      run: async ({ storer }) => {
        const counts = await race(count, () => storer.countUse(KEY, 3, WINDOW, at()));
        assert.equal(counts.filter(({ admitted }) => admitted).length, 3);
        for (const { resetsAt } of counts) assert.deepEqual(resetsAt, at(WINDOW));
      },
    },
    {
      title: `admits exactly 3 of ${crowd} parallel uses at the moment when a new window starts`,
      run: async ({ storer }) => {
        await use(storer, 5, 3);
        const counts = await race(count, () => storer.countUse(KEY, 3, WINDOW, at(WINDOW)));
        assert.equal(counts.filter(({ admitted }) => admitted).length, 3);
        for (const { resetsAt } of counts) assert.deepEqual(resetsAt, at(2 * WINDOW));
      },
    },
  ]),
  {
    title: "starts a window with the first use, and moves it neither by later uses nor by refused ones",
    run: async ({ storer }) => {
      for (const offset of [0, 400, 800, 900, 999]) {
        const { resetsAt } = await storer.countUse(KEY, 2, WINDOW, at(offset));
        assert.deepEqual(resetsAt, at(WINDOW), `at ${offset}`);
      }
    },
  },
  {
    title: "keeps the window that is running when a use names another length",
    run: async ({ storer }) => {
      await storer.countUse(KEY, 1, WINDOW, at());
      assert.deepEqual(await storer.countUse(KEY, 1, 10 * WINDOW, at(1)), { admitted: false, resetsAt: at(WINDOW) });
      assert.deepEqual(await storer.countUse(KEY, 1, 1, at(2)), { admitted: false, resetsAt: at(WINDOW) });
    },
  },
  {
    title: "refuses a millisecond before the window ends, and counts anew exactly when it ends",
    run: async ({ storer }) => {
      await use(storer, 9, 2);
      assert.deepEqual(await use(storer, 1, 2, WINDOW - 1), [false]);
      assert.deepEqual(await storer.countUse(KEY, 2, WINDOW, at(WINDOW)), { admitted: true, resetsAt: at(2 * WINDOW) });
      assert.deepEqual(await use(storer, 2, 2, WINDOW + 1), [true, false]);
    },
  },
  {
    title: "starts a new window with the first use after the end, however late that is",
    run: async ({ storer }) => {
      await use(storer, 3, 2);
      assert.deepEqual((await storer.countUse(KEY, 2, WINDOW, at(7_777))).resetsAt, at(7_777 + WINDOW));
    },
  },
  {
    title: "goes by the limit that each use names",
    run: async ({ storer }) => {
      assert.deepEqual(await use(storer, 3, 5), [true, true, true]);
      assert.deepEqual(await use(storer, 1, 2), [false]);
      assert.deepEqual(await use(storer, 1, 5), [true]);
    },
  },
  {
    title: "counts each key for itself: lookalikes, unusual text, 200 characters",
    run: async ({ storer }) => {
      await use(storer, 1, 1);
      const long = "k".repeat(199);
      const keys = [...lookalikes(KEY).filter((key) => key !== ""), ...UNUSUAL_TEXTS, `${long}1`, `${long}2`];
      for (const key of new Set(keys)) assert.deepEqual(await use(storer, 2, 1, 0, key), [true, false], JSON.stringify(key));
    },
  },
  {
    title: "takes one use back, without moving the window",
    run: async ({ storer }) => {
      await use(storer, 2, 2);
      await storer.takeBackUse(KEY, at(500));
      assert.deepEqual(await storer.countUse(KEY, 2, WINDOW, at(600)), { admitted: true, resetsAt: at(WINDOW) });
      assert.deepEqual(await use(storer, 1, 2, 700), [false]);
    },
  },
  {
    title: "takes nothing back below zero",
    run: async ({ storer }) => {
      await use(storer, 1, 3);
      for (const _ of Array(5)) await storer.takeBackUse(KEY, at(1));
      assert.deepEqual(await use(storer, 4, 3, 2), [true, true, true, false]);
    },
  },
  {
    title: "takes back exactly one use for each of parallel calls, and nothing below zero",
    run: async ({ storer }) => {
      await use(storer, 10, 10);
      await race(4, () => storer.takeBackUse(KEY, at(1)));
      assert.deepEqual(await use(storer, 5, 10, 2), [true, true, true, true, false]);
      await race(20, () => storer.takeBackUse(KEY, at(3)));
      const counts = await race(20, () => storer.countUse(KEY, 10, WINDOW, at(4)));
      assert.equal(counts.filter(({ admitted }) => admitted).length, 10);
    },
  },
  {
    title: "takes nothing back for a key that was never used, for a lookalike, or once the window has ended",
    run: async ({ storer }) => {
      await storer.takeBackUse(KEY, at());
      assert.deepEqual(await use(storer, 2, 1), [true, false]);
      for (const lookalike of lookalikes(KEY)) await storer.takeBackUse(lookalike, at(1));
      assert.deepEqual(await use(storer, 1, 1, 2), [false]);
      await storer.takeBackUse(KEY, at(WINDOW));
      assert.deepEqual(await use(storer, 2, 1, WINDOW), [true, false]);
      assert.deepEqual(await use(storer, 1, 1, 2 * WINDOW - 1), [false]);
    },
  },
  {
    title: "forgets the uses of one key: the next use starts a window",
    run: async ({ storer }) => {
      await use(storer, 2, 1);
      await use(storer, 2, 1, 0, "other");
      await storer.forgetUses("never used");
      for (const lookalike of lookalikes(KEY)) await storer.forgetUses(lookalike);
      assert.deepEqual(await use(storer, 1, 1), [false]);
      await storer.forgetUses(KEY);
      assert.deepEqual(await storer.countUse(KEY, 1, WINDOW, at(300)), { admitted: true, resetsAt: at(300 + WINDOW) });
      assert.deepEqual(await use(storer, 1, 1, 0, "other"), [false]);
    },
  },
  {
    title: "never admits more than the limit around a use that is taken back at the same time",
    run: async ({ storer }) => {
      for (const round of ROUNDS) {
        const key = `race ${round}`;
        await use(storer, 2, 2, 0, key);
        const calls = await race(6, async (index) =>
          index === 3 ? storer.takeBackUse(key, at(1)) : storer.countUse(key, 2, WINDOW, at(1)),
        );
        const admitted = calls.filter((count) => count?.admitted).length;
        assert.ok(admitted <= 1, `${admitted} were admitted where one place was free`);
      }
    },
  },
  {
    title: "copies: writing to the moment that was handed out or in changes nothing",
    run: async ({ storer }) => {
      const now = at();
      const { resetsAt } = await storer.countUse(KEY, 1, WINDOW, now);
      now.setTime(0);
      resetsAt.setTime(0);
      assert.deepEqual(await storer.countUse(KEY, 1, WINDOW, at(1)), { admitted: false, resetsAt: at(WINDOW) });
    },
  },
  {
    title: "sweeps counters whose window has ended, and forgets none that is running",
    run: async ({ storer }) => {
      for (const index of Array(7).keys()) await use(storer, 1, 1, 0, `over ${index}`);
      await use(storer, 1, 1, 1);
      assert.equal(await sweepAll(storer, at(WINDOW)), 7);
      assert.deepEqual(await use(storer, 1, 1, WINDOW), [false]);
    },
  },
  {
    title: "rejects once it is closed, and never says that a use was admitted",
    run: async ({ storer, close }) => {
      if (!(await close())) return;
      await assert.rejects(async () => storer.countUse(KEY, 1, WINDOW, at()));
      await assert.rejects(async () => storer.takeBackUse(KEY, at()));
      await assert.rejects(async () => storer.forgetUses(KEY));
    },
  },
];

/** What a storer of the capability `counting` promises. */
export const countingConformance: Suite<CountingServerStorer> = { name: "counting", cases };
