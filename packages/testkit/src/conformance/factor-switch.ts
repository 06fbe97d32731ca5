/** The cases that every second factor has in common: turned on and off, each in one step with the epoch and the recovery codes. @module */
import assert from "node:assert/strict";
import type { RecoveryCodeOperations, ServerStorer } from "@castellan/core";
import { at, CROWDS, keyOf, lookalikes, ROUNDS, race, sampleSignIn, winners } from "./samples.ts";
import type { Case } from "./suite.ts";

/** One factor, as these cases work with it. */
export interface Switch<S> {
  /** Turns it on for the user; another `name` is another secret or number. */
  readonly enable: (storer: S, pid: string, epoch: number, codes: readonly string[] | null, name?: string) => Promise<number | null>;
  readonly disable: (storer: S, pid: string, epoch: number) => Promise<number | null>;
  /** What says that it is on, and how; `null` when it is off. */
  readonly state: (storer: S, pid: string) => Promise<unknown>;
}

/** Hashes of the codes of the set `name`. */
export const codesOf = (name: string, count = 3): readonly string[] =>
  Array.from({ length: count }, (_, index) => keyOf(`code ${index} of ${name}`));

export const [ONE, TWO] = [codesOf("one"), codesOf("two")];

/** Which of these codes are good, found by spending them. */
export async function spend(storer: RecoveryCodeOperations, pid: string, codes: readonly string[]): Promise<readonly string[]> {
  const good: string[] = [];
  for (const code of codes) if ((await storer.consumeRecoveryCode(pid, code)) !== null) good.push(code);
  return good;
}

export function switchCases<S extends ServerStorer & RecoveryCodeOperations>({ enable, disable, state }: Switch<S>): readonly Case<S>[] {
  return [
    {
      title: "is off for a new user, and on from the moment that it is turned on",
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser("ann");
        const bob = await addUser("bob");
        assert.equal(await state(storer, pid), null);
        assert.equal(await enable(storer, pid, 0, ONE), 1);
        assert.notEqual(await state(storer, pid), null);
        assert.equal((await storer.load(pid))?.epoch, 1);
        assert.equal(await state(storer, bob.pid), null);
        assert.equal((await storer.load(bob.pid))?.epoch, 0);
      },
    },
    {
      title: "is turned on only under the user's epoch, older or newer changes nothing, and for nobody never",
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        const epoch = Number(await storer.advanceEpoch(pid));
        for (const other of [epoch - 1, epoch + 1]) assert.equal(await enable(storer, pid, other, ONE), null);
        for (const nobody of ["pid-nobody", ...lookalikes(pid)]) assert.equal(await enable(storer, nobody, epoch, ONE), null, nobody);
        assert.equal(await state(storer, pid), null);
        assert.equal(await storer.countRecoveryCodes(pid), 0);
        assert.equal((await storer.load(pid))?.epoch, epoch);
      },
    },
    {
      title: "is never turned on over itself: what was there stays, codes and epoch too",
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await enable(storer, pid, 0, ONE, "first");
        const before = await state(storer, pid);
        for (const epoch of [0, 1]) assert.equal(await enable(storer, pid, epoch, TWO, "second"), null);
        assert.deepEqual(await state(storer, pid), before);
        assert.equal((await storer.load(pid))?.epoch, 1);
        assert.deepEqual(await spend(storer, pid, [...TWO, ...ONE]), ONE);
      },
    },
    {
      title: "is turned off only under the user's epoch and only where it is on",
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        assert.equal(await disable(storer, pid, 0), null);
        assert.equal((await storer.load(pid))?.epoch, 0);
        await enable(storer, pid, 0, null);
        for (const other of [0, 2]) assert.equal(await disable(storer, pid, other), null);
        for (const nobody of ["pid-nobody", ...lookalikes(pid)]) assert.equal(await disable(storer, nobody, 1), null, nobody);
        assert.notEqual(await state(storer, pid), null);
        assert.equal(await disable(storer, pid, 1), 2);
        assert.equal(await state(storer, pid), null);
        assert.equal(await disable(storer, pid, 2), null);
        assert.equal((await storer.load(pid))?.epoch, 2);
      },
    },
    {
      title: "can be turned on again after it was off",
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        for (const epoch of [0, 2, 4]) {
          assert.equal(await enable(storer, pid, epoch, null, `round ${epoch}`), epoch + 1);
          assert.equal(await disable(storer, pid, epoch + 1), epoch + 2);
        }
      },
    },
    {
      title: "ends, turned on or off, every sign-in of the epoch before",
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await storer.createSignIn(keyOf("one"), sampleSignIn(pid));
        await enable(storer, pid, 0, ONE);
        assert.equal(await storer.findSignIn(keyOf("one"), at()), null);
        await storer.createSignIn(keyOf("two"), sampleSignIn(pid, { id: "second", epoch: 1 }));
        await disable(storer, pid, 1);
        assert.equal(await storer.findSignIn(keyOf("two"), at()), null);
      },
    },
    {
      title: "brings its recovery codes in place of all older ones, and leaves them alone where it brings none or goes",
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await storer.replaceRecoveryCodes(pid, 0, ONE);
        await enable(storer, pid, 0, null);
        assert.equal(await storer.countRecoveryCodes(pid), ONE.length);
        await disable(storer, pid, 1);
        assert.equal(await storer.countRecoveryCodes(pid), ONE.length);
        await enable(storer, pid, 2, TWO);
        await disable(storer, pid, 3);
        assert.deepEqual(await spend(storer, pid, [...ONE, ...TWO]), TWO);
      },
    },
    ...CROWDS.flatMap(({ count, crowd }): readonly Case<S>[] => [
      {
        title: `is turned on by exactly one of ${crowd} parallel calls, and the codes of that one are stored`,
        run: async ({ storer, addUser }) => {
          const { pid } = await addUser();
          const answers = await race(count, (index) => enable(storer, pid, 0, codesOf(`${index}`), `${index}`));
          assert.deepEqual(winners(answers), [1]);
          const won = codesOf(`${answers.indexOf(1)}`);
          const all = answers.flatMap((_, index) => codesOf(`${index}`));
          assert.deepEqual(await spend(storer, pid, all), won);
        },
      },
      {
        title: `is turned off by exactly one of ${crowd} parallel calls`,
        run: async ({ storer, addUser }) => {
          const { pid } = await addUser();
          await enable(storer, pid, 0, null);
          assert.deepEqual(winners(await race(count, () => disable(storer, pid, 1))), [2]);
        },
      },
    ]),
    {
      title: "is not turned on by whoever saw an epoch that advances at the same time, or else before it",
      run: async ({ storer, addUser }) => {
        for (const round of ROUNDS) {
          const { pid } = await addUser(`u${round}`);
          const on = () => enable(storer, pid, 0, null);
          const advance = () => storer.advanceEpoch(pid);
          const [first, second] = await Promise.all(round % 2 === 0 ? [on(), advance()] : [advance(), on()]);
          const [enabled, advanced] = round % 2 === 0 ? [first, second] : [second, first];
          assert.ok(enabled === null ? advanced === 1 : enabled === 1 && advanced === 2, `${enabled}, ${advanced}`);
          assert.equal((await state(storer, pid)) !== null, enabled !== null);
        }
      },
    },
    {
      title: "goes with a user who is removed",
      needs: "removeUser",
      run: async ({ storer, addUser, removeUser }) => {
        const { pid } = await addUser();
        await enable(storer, pid, 0, ONE);
        await removeUser(pid);
        assert.equal(await storer.countRecoveryCodes(pid), 0);
        assert.equal(await storer.consumeRecoveryCode(pid, ONE[0] ?? ""), null);
        await addUser();
        assert.equal(await state(storer, pid), null);
        assert.equal(await storer.countRecoveryCodes(pid), 0);
      },
    },
  ];
}
