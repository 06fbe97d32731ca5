/** The suite of one-time passwords. @module */
import assert from "node:assert/strict";
import type { OneTimePasswordServerStorer } from "@castellan/core";
import { CROWDS, keyOf, lookalikes, ROUNDS, race, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = OneTimePasswordServerStorer;

const MAX = 5;
const hash = (index: number): string => keyOf(`one-time password ${index}`);
const add = (storer: Storer, pid: string, index: number, epoch = 0): Promise<number | null> =>
  storer.addOneTimePassword(pid, epoch, hash(index), MAX);

const cases: readonly Case<Storer>[] = [
  {
    title: "stores as many as there is room for, says how many there are, and makes room by none",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      assert.equal(await storer.countOneTimePasswords(pid), 0);
      for (const index of Array(MAX).keys()) assert.equal(await add(storer, pid, index), index + 1);
      assert.equal(await add(storer, pid, MAX), null);
      assert.equal(await storer.countOneTimePasswords(pid), MAX);
      assert.equal(await storer.consumeOneTimePassword(pid, hash(MAX)), false);
      assert.equal(await storer.countOneTimePasswords(bob.pid), 0);
      for (const nobody of ["pid-nobody", ...lookalikes(pid)]) assert.equal(await storer.countOneTimePasswords(nobody), 0, nobody);
    },
  },
  {
    title: "goes by the room that each call names",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      assert.equal(await storer.addOneTimePassword(pid, 0, hash(0), 1), 1);
      assert.equal(await storer.addOneTimePassword(pid, 0, hash(1), 1), null);
      assert.equal(await storer.addOneTimePassword(pid, 0, hash(1), 2), 2);
    },
  },
  {
    title: "never stores one twice",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await add(storer, pid, 0);
      assert.equal(await add(storer, pid, 0), null);
      assert.equal(await storer.countOneTimePasswords(pid), 1);
    },
  },
  {
    title: "stores one only under the user's epoch, and none for nobody",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const epoch = Number(await storer.advanceEpoch(pid));
      for (const other of [epoch - 1, epoch + 1]) assert.equal(await add(storer, pid, 0, other), null);
      for (const nobody of ["pid-nobody", ...lookalikes(pid)]) assert.equal(await add(storer, nobody, 0, epoch), null, nobody);
      assert.equal(await storer.countOneTimePasswords(pid), 0);
      assert.equal(await add(storer, pid, 0, epoch), 1);
      assert.equal((await storer.load(pid))?.epoch, epoch);
    },
  },
  {
    title: "spends each once, and no other with it; what is spent makes room",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const index of Array(MAX).keys()) await add(storer, pid, index);
      for (const index of [3, 0, 4]) {
        assert.equal(await storer.consumeOneTimePassword(pid, hash(index)), true);
        assert.equal(await storer.consumeOneTimePassword(pid, hash(index)), false);
      }
      assert.equal(await storer.countOneTimePasswords(pid), 2);
      for (const index of [10, 11, 12]) assert.notEqual(await add(storer, pid, index), null);
      assert.equal(await add(storer, pid, 13), null);
      for (const index of [1, 2, 10, 11, 12]) assert.equal(await storer.consumeOneTimePassword(pid, hash(index)), true);
    },
  },
  {
    title: "takes no lookalike for one, and nobody else's",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      await add(storer, pid, 0);
      await add(storer, bob.pid, 1);
      for (const other of [hash(1), ...lookalikes(hash(0))]) assert.equal(await storer.consumeOneTimePassword(pid, other), false, other);
      for (const nobody of ["pid-nobody", bob.pid, ...lookalikes(pid)]) {
        assert.equal(await storer.consumeOneTimePassword(nobody, hash(0)), false, nobody);
        assert.equal(await storer.clearOneTimePasswords(nobody === bob.pid ? "pid-nobody" : nobody), 0, nobody);
      }
      assert.equal(await storer.countOneTimePasswords(pid), 1);
      assert.equal(await storer.countOneTimePasswords(bob.pid), 1);
    },
  },
  {
    title: "takes all of a user for dead once the epoch has advanced: they count for nothing, and make room",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const index of Array(MAX).keys()) await add(storer, pid, index);
      const epoch = Number(await storer.advanceEpoch(pid));
      assert.equal(await storer.countOneTimePasswords(pid), 0);
      assert.equal(await storer.consumeOneTimePassword(pid, hash(0)), false);
      for (const index of Array(MAX).keys()) assert.equal(await add(storer, pid, 10 + index, epoch), index + 1);
      for (const index of Array(MAX).keys()) assert.equal(await storer.consumeOneTimePassword(pid, hash(index)), false);
      for (const index of Array(MAX).keys()) assert.equal(await storer.consumeOneTimePassword(pid, hash(10 + index)), true);
    },
  },
  {
    title: "removes all of a user, says how many were live, and removes nobody else's",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      assert.equal(await storer.clearOneTimePasswords(pid), 0);
      for (const index of [0, 1, 2]) await add(storer, pid, index);
      await add(storer, bob.pid, 9);
      assert.equal(await storer.clearOneTimePasswords(pid), 3);
      assert.equal(await storer.clearOneTimePasswords(pid), 0);
      assert.equal(await storer.consumeOneTimePassword(pid, hash(0)), false);
      assert.equal(await storer.countOneTimePasswords(bob.pid), 1);
      await add(storer, pid, 3);
      await storer.advanceEpoch(pid);
      assert.equal(await storer.clearOneTimePasswords(pid), 0);
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<Storer>[] => [
    {
      title: `spends one for exactly one of ${crowd} parallel calls`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        for (const index of [0, 1]) await add(storer, pid, index);
        assert.equal(winners(await race(count, () => storer.consumeOneTimePassword(pid, hash(0)))).length, 1);
        assert.equal(await storer.countOneTimePasswords(pid), 1);
      },
    },
    {
      title: `stores exactly as many of ${crowd} parallel ones as there is room for, and those that it says`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await add(storer, pid, 1_000);
        const answers = await race(count, (index) => add(storer, pid, index));
        assert.deepEqual(
          winners(answers).sort((one, other) => one - other),
          [2, 3, 4, 5],
        );
        const spent = await race(count, (index) => storer.consumeOneTimePassword(pid, hash(index)));
        assert.deepEqual(
          spent,
          answers.map((answer) => answer !== null),
        );
      },
    },
    {
      title: `counts every one that is removed once, over ${crowd} parallel calls`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        for (const index of [0, 1, 2]) await add(storer, pid, index);
        const counts = await race(count, () => storer.clearOneTimePasswords(pid));
        assert.deepEqual(
          counts.filter((removed) => removed > 0),
          [3],
        );
      },
    },
  ]),
  {
    title: "lets none outlive an epoch that advances while it is stored",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const { pid } = await addUser(`u${round}`);
        const store = () => add(storer, pid, round);
        const advance = () => storer.advanceEpoch(pid);
        await Promise.all(round % 2 === 0 ? [store(), advance()] : [advance(), store()]);
        assert.equal(await storer.countOneTimePasswords(pid), 0);
        assert.equal(await storer.consumeOneTimePassword(pid, hash(round)), false);
      }
    },
  },
  {
    title: "removes and spends at the same time without counting one twice",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const { pid } = await addUser(`u${round}`);
        for (const index of [0, 1]) await add(storer, pid, index);
        const use = async () => Number(await storer.consumeOneTimePassword(pid, hash(0)));
        const clear = () => storer.clearOneTimePasswords(pid);
        const [one, other] = await Promise.all(round % 2 === 0 ? [use(), clear()] : [clear(), use()]);
        assert.equal(one + other, 2);
        assert.equal(await storer.countOneTimePasswords(pid), 0);
      }
    },
  },
  {
    title: "gives those of a user who is removed to nobody",
    needs: "removeUser",
    run: async ({ storer, addUser, removeUser }) => {
      const { pid } = await addUser();
      await add(storer, pid, 0);
      await removeUser(pid);
      assert.equal(await storer.countOneTimePasswords(pid), 0);
      assert.equal(await storer.consumeOneTimePassword(pid, hash(0)), false);
      await addUser();
      assert.equal(await storer.consumeOneTimePassword(pid, hash(0)), false);
    },
  },
  {
    title: "rejects once it is closed, and never says that one is none",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      await add(storer, pid, 0);
      if (!(await close())) return;
      await assert.rejects(async () => add(storer, pid, 1));
      await assert.rejects(async () => storer.countOneTimePasswords(pid));
      await assert.rejects(async () => storer.consumeOneTimePassword(pid, hash(0)));
      await assert.rejects(async () => storer.clearOneTimePasswords(pid));
    },
  },
];

/** What a storer of the capability `one-time-passwords` promises. */
export const oneTimePasswordsConformance: Suite<Storer> = { name: "one-time-passwords", cases };
