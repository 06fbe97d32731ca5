/** The suite of recovery codes. @module */
import assert from "node:assert/strict";
import type { RecoveryCodeServerStorer } from "@castellan/core";
import { codesOf, ONE, spend, TWO } from "./factor-switch.ts";
import { CROWDS, lookalikes, ROUNDS, race, scribble, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = RecoveryCodeServerStorer;

const [FIRST = ""] = ONE;

const cases: readonly Case<Storer>[] = [
  {
    title: "has none for a new user, none for nobody, and counts those that were stored",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      assert.equal(await storer.countRecoveryCodes(pid), 0);
      assert.equal(await storer.consumeRecoveryCode(pid, FIRST), null);
      assert.equal(await storer.replaceRecoveryCodes(pid, 0, codesOf("ten", 10)), true);
      assert.equal(await storer.countRecoveryCodes(pid), 10);
      for (const nobody of ["pid-nobody", ...lookalikes(pid)]) assert.equal(await storer.countRecoveryCodes(nobody), 0, nobody);
    },
  },
  {
    title: "spends each code once, says how many are left, and spends no other with it",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.replaceRecoveryCodes(pid, 0, ONE);
      for (const [index, code] of ONE.entries()) {
        assert.equal(await storer.consumeRecoveryCode(pid, code), ONE.length - 1 - index);
        assert.equal(await storer.consumeRecoveryCode(pid, code), null);
        assert.equal(await storer.countRecoveryCodes(pid), ONE.length - 1 - index);
      }
    },
  },
  {
    title: "takes no lookalike for a code, and nobody else's code",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      await storer.replaceRecoveryCodes(pid, 0, ONE);
      await storer.replaceRecoveryCodes(bob.pid, 0, TWO);
      assert.deepEqual(await spend(storer, pid, [...TWO, ...lookalikes(FIRST)]), []);
      for (const nobody of ["pid-nobody", ...lookalikes(pid)]) assert.equal(await storer.consumeRecoveryCode(nobody, FIRST), null, nobody);
      assert.equal(await storer.countRecoveryCodes(pid), ONE.length);
      assert.equal(await storer.countRecoveryCodes(bob.pid), TWO.length);
    },
  },
  {
    title: "stores codes in place of all older ones, only under the user's epoch",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const epoch = Number(await storer.advanceEpoch(pid));
      await storer.replaceRecoveryCodes(pid, epoch, ONE);
      for (const other of [epoch - 1, epoch + 1]) assert.equal(await storer.replaceRecoveryCodes(pid, other, TWO), false);
      for (const nobody of ["pid-nobody", ...lookalikes(pid)]) assert.equal(await storer.replaceRecoveryCodes(nobody, epoch, TWO), false);
      assert.equal(await storer.countRecoveryCodes(pid), ONE.length);
      assert.equal(await storer.replaceRecoveryCodes(pid, epoch, TWO), true);
      assert.deepEqual(await spend(storer, pid, [...ONE, ...TWO]), TWO);
      assert.equal((await storer.load(pid))?.epoch, epoch);
    },
  },
  {
    title: "lets codes outlive every epoch: a new password takes nobody's way back away",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.replaceRecoveryCodes(pid, 0, ONE);
      await storer.advanceEpoch(pid);
      assert.equal(await storer.countRecoveryCodes(pid), ONE.length);
      assert.deepEqual(await spend(storer, pid, ONE), ONE);
    },
  },
  {
    title: "can be left with none",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.replaceRecoveryCodes(pid, 0, ONE);
      assert.equal(await storer.replaceRecoveryCodes(pid, 0, []), true);
      assert.equal(await storer.countRecoveryCodes(pid), 0);
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<Storer>[] => [
    {
      title: `spends one code for exactly one of ${crowd} parallel calls`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await storer.replaceRecoveryCodes(pid, 0, ONE);
        const answers = await race(count, () => storer.consumeRecoveryCode(pid, FIRST));
        assert.deepEqual(winners(answers), [ONE.length - 1]);
        assert.equal(await storer.countRecoveryCodes(pid), ONE.length - 1);
      },
    },
    {
      title: `spends ${crowd} different codes in parallel, and each counts itself`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        const codes = codesOf("many", count);
        await storer.replaceRecoveryCodes(pid, 0, codes);
        const left = await race(count, (index) => storer.consumeRecoveryCode(pid, codes[index] ?? ""));
        assert.deepEqual(
          left.map(Number).sort((one, other) => one - other),
          Array.from({ length: count }, (_, index) => index),
        );
        assert.equal(await storer.countRecoveryCodes(pid), 0);
      },
    },
    {
      title: `leaves the codes of exactly one, and all of them, of ${crowd} parallel calls that store codes`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await race(count, (index) => storer.replaceRecoveryCodes(pid, 0, codesOf(`${index}`)));
        const sets = Array.from({ length: count }, (_, index) => codesOf(`${index}`));
        const good: number[] = [];
        for (const set of sets) good.push((await spend(storer, pid, set)).length);
        assert.deepEqual(
          good.filter((number) => number > 0),
          [ONE.length],
        );
      },
    },
  ]),
  {
    title: "brings no spent code back by new codes at the same time, and none of the old ones",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const { pid } = await addUser(`u${round}`);
        await storer.replaceRecoveryCodes(pid, 0, ONE);
        const use = () => storer.consumeRecoveryCode(pid, FIRST);
        const replace = () => storer.replaceRecoveryCodes(pid, 0, TWO);
        await Promise.all(round % 2 === 0 ? [use(), replace()] : [replace(), use()]);
        assert.deepEqual(await spend(storer, pid, [...ONE, ...TWO]), TWO);
      }
    },
  },
  {
    title: "copies the codes that it is given",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const given = [...ONE];
      await storer.replaceRecoveryCodes(pid, 0, given);
      scribble(given, "0", TWO[0]);
      assert.deepEqual(await spend(storer, pid, [...TWO, ...ONE]), ONE);
    },
  },
  {
    title: "rejects once it is closed, and never says that a code is none",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      await storer.replaceRecoveryCodes(pid, 0, ONE);
      if (!(await close())) return;
      await assert.rejects(async () => storer.replaceRecoveryCodes(pid, 0, TWO));
      await assert.rejects(async () => storer.consumeRecoveryCode(pid, FIRST));
      await assert.rejects(async () => storer.countRecoveryCodes(pid));
    },
  },
];

/** What a storer of the capability `recovery-codes` promises. */
export const recoveryCodesConformance: Suite<Storer> = { name: "recovery-codes", cases };
