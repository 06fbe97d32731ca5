/** The suite of remembered browsers. @module */
import assert from "node:assert/strict";
import { type RememberingServerStorer, type Rotation, seconds, type TokenProof } from "@castellan/core";
import { at, CROWDS, idOf, keyOf, lookalikes, ROUNDS, race, sampleSeries, sweepAll, UNUSUAL_TEXTS, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = RememberingServerStorer;

const GRACE = seconds(30);

/** The hash of the secret that the series of `pid` has after so many rotations. */
const secret = (pid: string, rotations: number): string =>
  rotations === 0 ? sampleSeries(pid).verifierHash : keyOf(`secret ${rotations} of ${pid}`);
const proof = (pid: string, rotations: number): TokenProof => ({
  selector: sampleSeries(pid).selector,
  verifierHash: secret(pid, rotations),
});

/** Brings the secret after `rotations`, and offers the next. */
const rotate = (storer: Storer, pid: string, rotations: number, offset = 0, grace = GRACE): Promise<Rotation | null> =>
  storer.rotateRememberSeries(proof(pid, rotations), secret(pid, rotations + 1), grace, at(offset));

const rotated = (pid: string, epoch = 0): Rotation => ({ kind: "rotated", pid, epoch, expiresAt: sampleSeries(pid).expiresAt });
const inGrace = (pid: string, epoch = 0): Rotation => ({ kind: "grace", pid, epoch });
const stolen = (pid: string): Rotation => ({ kind: "stolen", pid });

const cases: readonly Case<Storer>[] = [
  {
    title: "rotates a series again and again, and moves its end by no rotation",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      assert.equal(await storer.addRememberSeries(sampleSeries(pid)), true);
      for (const nth of Array(5).keys()) assert.deepEqual(await rotate(storer, pid, nth, nth * 60_000), rotated(pid));
    },
  },
  {
    title: "stores a series only under the user's epoch, and none for nobody",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const epoch = Number(await storer.advanceEpoch(pid));
      for (const other of [epoch - 1, epoch + 1]) {
        assert.equal(await storer.addRememberSeries(sampleSeries(pid, { epoch: other })), false);
        assert.equal(await rotate(storer, pid, 0), null);
      }
      for (const nobody of ["pid-nobody", ...lookalikes(pid)]) {
        assert.equal(await storer.addRememberSeries(sampleSeries(nobody, { epoch })), false, JSON.stringify(nobody));
      }
      assert.equal(await storer.addRememberSeries(sampleSeries(pid, { epoch })), true);
      assert.deepEqual(await rotate(storer, pid, 0), rotated(pid, epoch));
    },
  },
  {
    title: "never overwrites a series of the same selector: the first stays as it is",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      const { selector } = sampleSeries(pid);
      await storer.addRememberSeries(sampleSeries(pid));
      assert.equal(await storer.addRememberSeries(sampleSeries(bob.pid, { selector })), false);
      assert.deepEqual(await rotate(storer, pid, 0), rotated(pid));
    },
  },
  {
    title: "lets no series outlive an epoch that advances while it is stored",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const { pid } = await addUser(`u${round}`);
        const add = () => storer.addRememberSeries(sampleSeries(pid));
        const advance = () => storer.advanceEpoch(pid);
        await Promise.all(round % 2 === 0 ? [add(), advance()] : [advance(), add()]);
        assert.equal(await rotate(storer, pid, 0), null);
      }
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<Storer>[] => [
    {
      title: `lets exactly one of ${crowd} parallel calls with the current secret rotate, and the others be in grace`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await storer.addRememberSeries(sampleSeries(pid));
        const next = (index: number) => keyOf(`offer ${index}`);
        const answers = await race(count, (index) => storer.rotateRememberSeries(proof(pid, 0), next(index), GRACE, at()));
        assert.deepEqual(answers.filter((answer) => answer?.kind === "rotated").length, 1);
        assert.deepEqual(answers.filter((answer) => answer?.kind === "grace").length, count - 1);
        const won = next(answers.findIndex((answer) => answer?.kind === "rotated"));
        const again = await storer.rotateRememberSeries({ ...proof(pid, 0), verifierHash: won }, keyOf("last"), GRACE, at());
        assert.deepEqual(again, rotated(pid));
      },
    },
    {
      title: `tells exactly one of ${crowd} parallel thieves that the series was stolen, and the others that there is none`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await storer.addRememberSeries(sampleSeries(pid));
        const answers = await race(count, (index) => rotate(storer, pid, 5 + index));
        assert.deepEqual(winners(answers), [stolen(pid)]);
      },
    },
  ]),
  {
    title: "lets the secret before be in grace until exactly the grace after the rotation, and changes nothing for it",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.addRememberSeries(sampleSeries(pid));
      await rotate(storer, pid, 0, 1_000);
      for (const offset of [1_000, 1_000 + GRACE - 1]) assert.deepEqual(await rotate(storer, pid, 0, offset), inGrace(pid), `at ${offset}`);
      assert.deepEqual(await rotate(storer, pid, 1, 1_000 + GRACE - 1), rotated(pid));
    },
  },
  {
    title: "takes the secret before for stolen exactly when the grace is over",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.addRememberSeries(sampleSeries(pid));
      await rotate(storer, pid, 0, 1_000);
      assert.deepEqual(await rotate(storer, pid, 0, 1_000 + GRACE), stolen(pid));
      assert.equal(await rotate(storer, pid, 1, 1_000 + GRACE), null);
    },
  },
  {
    title: "counts the grace from the last rotation, and goes by the grace that each call names",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.addRememberSeries(sampleSeries(pid));
      await rotate(storer, pid, 0, 0);
      await rotate(storer, pid, 1, 5 * GRACE);
      assert.deepEqual(await rotate(storer, pid, 1, 6 * GRACE - 1), inGrace(pid));
      assert.deepEqual(await rotate(storer, pid, 1, 8 * GRACE, seconds(90.001)), inGrace(pid));
      assert.deepEqual(await rotate(storer, pid, 1, 5 * GRACE, seconds(0)), stolen(pid));
    },
  },
  {
    title: "takes the last secret but two for stolen, within the grace too",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.addRememberSeries(sampleSeries(pid));
      for (const nth of [0, 1]) await rotate(storer, pid, nth);
      assert.deepEqual(await rotate(storer, pid, 0), stolen(pid));
    },
  },
  {
    title: "ends a stolen series for everybody, its owner too, and no other series",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const other = sampleSeries(pid, {}, "other browser");
      await storer.addRememberSeries(sampleSeries(pid));
      await storer.addRememberSeries(other);
      await rotate(storer, pid, 0);
      assert.deepEqual(
        await storer.rotateRememberSeries({ ...proof(pid, 1), verifierHash: keyOf("guess") }, "x", GRACE, at()),
        stolen(pid),
      );
      for (const nth of [0, 1]) assert.equal(await rotate(storer, pid, nth), null);
      assert.equal(await storer.endRememberSeries(sampleSeries(pid).selector), false);
      assert.deepEqual(await storer.rotateRememberSeries(other, "y", GRACE, at()), rotated(pid));
    },
  },
  {
    title: "takes a lookalike of the secret for stolen, and knows no lookalike of a selector",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const { selector, verifierHash } = sampleSeries(pid);
      await storer.addRememberSeries(sampleSeries(pid));
      for (const lookalike of lookalikes(selector)) {
        const answer = await storer.rotateRememberSeries({ selector: lookalike, verifierHash }, "x", GRACE, at());
        assert.equal(answer, null, JSON.stringify(lookalike));
        assert.equal(await storer.endRememberSeries(lookalike), false, JSON.stringify(lookalike));
      }
      for (const lookalike of lookalikes(verifierHash)) {
        const other = sampleSeries(pid, { verifierHash }, `for ${lookalike}`);
        await storer.addRememberSeries(other);
        const answer = await storer.rotateRememberSeries({ ...other, verifierHash: lookalike }, "x", GRACE, at());
        assert.deepEqual(answer, stolen(pid), JSON.stringify(lookalike));
      }
      assert.deepEqual(await rotate(storer, pid, 0), rotated(pid));
    },
  },
  {
    title: "knows no series exactly at its end, right secret, grace or theft; a millisecond before it does",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const expiresAt = at(1_000);
      await storer.addRememberSeries(sampleSeries(pid, { expiresAt }));
      assert.deepEqual(await rotate(storer, pid, 0, 998), { ...rotated(pid), expiresAt });
      for (const nth of [1, 0, 9]) assert.equal(await rotate(storer, pid, nth, 1_000), null);
      assert.deepEqual(await rotate(storer, pid, 0, 999), inGrace(pid));
      assert.deepEqual(await rotate(storer, pid, 1, 999), { ...rotated(pid), expiresAt });
      assert.deepEqual(await rotate(storer, pid, 9, 999), stolen(pid));
    },
  },
  {
    title: "knows no series of a user whose epoch has advanced, right secret, grace or theft, and nobody else's is touched",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      for (const one of [pid, bob.pid]) await storer.addRememberSeries(sampleSeries(one));
      await rotate(storer, pid, 0);
      await storer.advanceEpoch(pid);
      for (const nth of [1, 0, 9]) assert.equal(await rotate(storer, pid, nth), null);
      assert.deepEqual(await rotate(storer, bob.pid, 0), rotated(bob.pid));
    },
  },
  {
    title: "knows no series of a user who is removed",
    needs: "removeUser",
    run: async ({ storer, addUser, removeUser }) => {
      const { pid } = await addUser();
      await storer.addRememberSeries(sampleSeries(pid));
      await removeUser(pid);
      for (const nth of [0, 9]) assert.equal(await rotate(storer, pid, nth), null);
    },
  },
  {
    title: "ends one series and says whether there was one; the others live on",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const other = sampleSeries(pid, {}, "other browser");
      await storer.addRememberSeries(sampleSeries(pid));
      await storer.addRememberSeries(other);
      const { selector } = sampleSeries(pid);
      assert.equal(await storer.endRememberSeries(selector), true);
      assert.equal(await storer.endRememberSeries(selector), false);
      assert.equal(await rotate(storer, pid, 0), null);
      assert.equal(await storer.endRememberSeries("unknown"), false);
      assert.deepEqual(await storer.rotateRememberSeries(other, "x", GRACE, at()), rotated(pid));
    },
  },
  {
    title: "tells exactly one of twenty parallel ends that there was a series",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.addRememberSeries(sampleSeries(pid));
      assert.equal(winners(await race(20, () => storer.endRememberSeries(sampleSeries(pid).selector))).length, 1);
    },
  },
  {
    title: "brings no ended series back by a rotation at the same time",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const { pid } = await addUser(`u${round}`);
        await storer.addRememberSeries(sampleSeries(pid));
        const end = () => storer.endRememberSeries(sampleSeries(pid).selector);
        const turn = () => rotate(storer, pid, 0);
        const answers = await Promise.all(round % 2 === 0 ? [end(), turn()] : [turn(), end()]);
        assert.ok(answers.includes(true));
        for (const nth of [0, 1]) assert.equal(await rotate(storer, pid, nth), null);
      }
    },
  },
  {
    title: "ends all series of a user but the one to spare, answers how many, and ends nobody else's",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      const names = ["a", "b", "c", "d"];
      const spared = idOf(`c of ${pid}`);
      for (const name of names) await storer.addRememberSeries(sampleSeries(pid, {}, name));
      await storer.addRememberSeries(sampleSeries(bob.pid));
      for (const lookalike of ["pid-nobody", ...lookalikes(pid)]) {
        assert.equal(await storer.endRememberSeriesOf(lookalike, null), 0, JSON.stringify(lookalike));
      }
      assert.equal(await storer.endRememberSeriesOf(pid, spared), 3);
      assert.equal(await storer.endRememberSeriesOf(pid, spared), 0);
      for (const name of names) {
        const answer = await storer.rotateRememberSeries(sampleSeries(pid, {}, name), keyOf(`next ${name}`), GRACE, at());
        assert.deepEqual(answer, name === "c" ? rotated(pid) : null, name);
      }
      assert.equal(await storer.endRememberSeriesOf(pid, null), 1);
      assert.equal(await storer.endRememberSeriesOf(pid, null), 0);
      assert.deepEqual(await rotate(storer, bob.pid, 0), rotated(bob.pid));
    },
  },
  {
    title: "spares nothing for a lookalike of the selector to spare, an unknown one, or a stranger's",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      await storer.addRememberSeries(sampleSeries(bob.pid));
      const nearNames = lookalikes(idOf("any"));
      for (const index of nearNames.keys()) {
        const series = sampleSeries(pid, {}, `series ${index}`);
        await storer.addRememberSeries(series);
        assert.equal(await storer.endRememberSeriesOf(pid, lookalikes(series.selector)[index] ?? ""), 1, JSON.stringify(nearNames[index]));
      }
      for (const [index, except] of ["unknown", sampleSeries(bob.pid).selector].entries()) {
        await storer.addRememberSeries(sampleSeries(pid, {}, `other series ${index}`));
        assert.equal(await storer.endRememberSeriesOf(pid, except), 1, except);
      }
      assert.deepEqual(await rotate(storer, bob.pid, 0), rotated(bob.pid));
    },
  },
  {
    title: "takes unusual text for a pid and a User-Agent, and 256 characters of it",
    run: async ({ storer, addUser }) => {
      for (const text of [...UNUSUAL_TEXTS, "ü".repeat(256)]) {
        await addUser(text, { pid: text });
        assert.equal(await storer.addRememberSeries(sampleSeries(text, { userAgent: text })), true);
        assert.deepEqual(await rotate(storer, text, 0), rotated(text));
      }
    },
  },
  {
    title: "copies a series on its way in, and its end on the way out",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const [given, now] = [sampleSeries(pid), at()];
      const adding = storer.addRememberSeries(given);
      given.expiresAt.setTime(0);
      await adding;
      const turning = storer.rotateRememberSeries(proof(pid, 0), secret(pid, 1), GRACE, now);
      now.setTime(0);
      const answer = await turning;
      assert.deepEqual(answer, rotated(pid));
      if (answer?.kind === "rotated") answer.expiresAt.setTime(0);
      assert.deepEqual(await rotate(storer, pid, 0, GRACE - 1), inGrace(pid));
      assert.deepEqual(await rotate(storer, pid, 1), rotated(pid));
    },
  },
  {
    title: "sweeps series that have expired, rotated ones too, and never a live one",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const index of Array(7).keys()) {
        await storer.addRememberSeries(sampleSeries(pid, { expiresAt: at(1_000) }, `over ${index}`));
        if (index % 2 === 0) await storer.rotateRememberSeries(sampleSeries(pid, {}, `over ${index}`), keyOf(`${index}`), GRACE, at());
      }
      await storer.addRememberSeries(sampleSeries(pid, { expiresAt: at(1_001) }));
      assert.equal(await sweepAll(storer, at(1_000)), 7);
      assert.equal((await rotate(storer, pid, 0, 1_000))?.kind, "rotated");
    },
  },
  {
    title: "rejects once it is closed, and never says that there is no series",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      await storer.addRememberSeries(sampleSeries(pid));
      if (!(await close())) return;
      await assert.rejects(async () => storer.addRememberSeries(sampleSeries(pid, {}, "late")));
      await assert.rejects(async () => rotate(storer, pid, 0));
      await assert.rejects(async () => storer.endRememberSeries(sampleSeries(pid).selector));
      await assert.rejects(async () => storer.endRememberSeriesOf(pid, null));
    },
  },
];

/** What a storer of the capability `rememberable` promises. */
export const rememberableConformance: Suite<RememberingServerStorer> = { name: "rememberable", cases };
