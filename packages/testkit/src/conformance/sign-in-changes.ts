/** Replacing, ending, listing and sweeping sign-ins: the last part of what every storer promises. @module */
import assert from "node:assert/strict";
import type { ServerStorer } from "@castellan/core";
import { at, CROWDS, idOf, keyOf, lookalikes, ROUNDS, race, sampleSignIn, sweepAll, winners } from "./samples.ts";
import type { Case } from "./suite.ts";

const KEY = keyOf("before");
const NEXT = { key: keyOf("after"), level: "full", factors: [{ method: "totp", at: at(7) }], epoch: 0 } as const;

const manySignIns = async (storer: ServerStorer, pid: string, names: readonly string[]): Promise<void> => {
  for (const name of names) assert.equal(await storer.createSignIn(keyOf(name), sampleSignIn(pid, { id: idOf(name) })), true);
};

export const signInChangeCases: readonly Case<ServerStorer>[] = [
  {
    title: "replaces key, level and factors of a sign-in and keeps all else; the old key is dead",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const before = sampleSignIn(pid, { level: "half" });
      await storer.createSignIn(KEY, before);
      assert.equal(await storer.replaceSignIn(KEY, NEXT, at(8)), true);
      assert.equal(await storer.findSignIn(KEY, at(8)), null);
      const { level, factors } = NEXT;
      assert.deepEqual((await storer.findSignIn(NEXT.key, at(8)))?.signIn, { ...before, level, factors });
      assert.equal((await storer.listSignIns(pid, at(8))).length, 1);
    },
  },
  {
    title: "replaces no sign-in that is unknown, ended, or exactly at its end",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      assert.equal(await storer.replaceSignIn(KEY, NEXT, at()), false);
      await storer.createSignIn(KEY, sampleSignIn(pid, { idleEndsAt: at(1_000), endsAt: at(2_000) }));
      assert.equal(await storer.replaceSignIn(KEY, NEXT, at(1_000)), false);
      await storer.touchSignIn(KEY, at(500), at(9_000));
      assert.equal(await storer.replaceSignIn(KEY, NEXT, at(2_000)), false);
      assert.ok(await storer.findSignIn(KEY, at(1_999)), "a refusal must leave the sign-in as it is");
      await storer.endSignIn(KEY);
      assert.equal(await storer.replaceSignIn(KEY, NEXT, at()), false);
      assert.equal(await storer.findSignIn(NEXT.key, at()), null);
    },
  },
  {
    title: "replaces a sign-in only under the user's epoch, and none that an earlier epoch left dead",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid));
      assert.equal(await storer.replaceSignIn(KEY, { ...NEXT, epoch: 1 }, at()), false);
      assert.ok(await storer.findSignIn(KEY, at()));
      const epoch = Number(await storer.advanceEpoch(pid));
      for (const other of [0, epoch]) {
        assert.equal(await storer.replaceSignIn(KEY, { ...NEXT, epoch: other }, at()), false);
        assert.equal(await storer.findSignIn(NEXT.key, at()), null);
      }
      await storer.createSignIn(keyOf("new"), sampleSignIn(pid, { id: idOf("new"), epoch }));
      assert.equal(await storer.replaceSignIn(keyOf("new"), { ...NEXT, epoch }, at()), true);
      assert.equal((await storer.findSignIn(NEXT.key, at()))?.signIn.epoch, epoch);
    },
  },
  {
    title: "copies what a sign-in is replaced by",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const next = structuredClone(NEXT);
      await storer.createSignIn(KEY, sampleSignIn(pid));
      await storer.replaceSignIn(KEY, next, at());
      next.factors[0].at.setTime(0);
      assert.deepEqual((await storer.findSignIn(NEXT.key, at()))?.signIn.factors, NEXT.factors);
    },
  },
  ...CROWDS.map(
    ({ count, crowd }): Case<ServerStorer> => ({
      title: `lets exactly one of ${crowd} parallel replacements of one key win, and only its key live`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await storer.createSignIn(KEY, sampleSignIn(pid));
        const keyed = (index: number) => keyOf(`next ${index}`);
        const answers = await race(count, (index) => storer.replaceSignIn(KEY, { ...NEXT, key: keyed(index) }, at()));
        assert.equal(winners(answers).length, 1);
        for (const [index, won] of answers.entries()) {
          assert.equal((await storer.findSignIn(keyed(index), at())) !== null, won);
        }
        assert.equal(await storer.findSignIn(KEY, at()), null);
        assert.equal((await storer.listSignIns(pid, at())).length, 1);
      },
    }),
  ),
  {
    title: "lets either the replacement or the end of a sign-in win, never both and never neither",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const round of ROUNDS) {
        const [from, to] = [keyOf(`from ${round}`), keyOf(`to ${round}`)];
        await storer.createSignIn(from, sampleSignIn(pid, { id: idOf(`${round}`) }));
        const replace = () => storer.replaceSignIn(from, { ...NEXT, key: to }, at());
        const end = () => storer.endSignIn(from);
        const calls = round % 2 === 0 ? [replace(), end()] : [end(), replace()];
        assert.equal(winners(await Promise.all(calls)).length, 1);
        assert.equal(await storer.findSignIn(from, at()), null);
      }
    },
  },
  {
    title: "lets no replaced sign-in outlive an epoch that advances at the same time",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      let epoch = 0;
      for (const round of ROUNDS) {
        const [from, to] = [keyOf(`from ${round}`), keyOf(`to ${round}`)];
        await storer.createSignIn(from, sampleSignIn(pid, { id: idOf(`${round}`), epoch }));
        const [, advanced] = await Promise.all([storer.replaceSignIn(from, { ...NEXT, key: to, epoch }, at()), storer.advanceEpoch(pid)]);
        assert.equal(await storer.findSignIn(from, at()), null);
        assert.equal(await storer.findSignIn(to, at()), null);
        epoch = Number(advanced);
      }
    },
  },
  {
    title: "ends one sign-in by its key and says whether there was one; the others live on",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await manySignIns(storer, pid, ["a", "b"]);
      assert.equal(await storer.endSignIn(keyOf("a")), true);
      assert.equal(await storer.endSignIn(keyOf("a")), false);
      assert.equal(await storer.findSignIn(keyOf("a"), at()), null);
      assert.ok(await storer.findSignIn(keyOf("b"), at()));
    },
  },
  {
    title: "tells exactly one of twenty parallel ends that there was a sign-in",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid));
      assert.equal(winners(await race(20, () => storer.endSignIn(KEY))).length, 1);
    },
  },
  {
    title: "ends a sign-in by its public id for its own user, and for no stranger",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      await manySignIns(storer, pid, ["a", "b"]);
      assert.equal(await storer.endSignInOf(bob.pid, idOf("a")), false);
      assert.equal(await storer.endSignInOf("pid-nobody", idOf("a")), false);
      for (const lookalike of [...lookalikes(idOf("a")), keyOf("a")]) {
        assert.equal(await storer.endSignInOf(pid, lookalike), false, JSON.stringify(lookalike));
      }
      assert.ok(await storer.findSignIn(keyOf("a"), at()));
      assert.equal(await storer.endSignInOf(pid, idOf("a")), true);
      assert.equal(await storer.endSignInOf(pid, idOf("a")), false);
      assert.equal(await storer.findSignIn(keyOf("a"), at()), null);
      assert.ok(await storer.findSignIn(keyOf("b"), at()));
    },
  },
  {
    title: "ends all sign-ins of a user and answers how many; nobody else's",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      await manySignIns(storer, pid, ["a", "b", "c"]);
      await manySignIns(storer, bob.pid, ["d"]);
      for (const lookalike of lookalikes(pid)) assert.equal(await storer.endSignIns(lookalike, null), 0, JSON.stringify(lookalike));
      assert.equal(await storer.endSignIns(pid, null), 3);
      assert.equal(await storer.endSignIns(pid, null), 0);
      assert.deepEqual(await storer.listSignIns(pid, at()), []);
      assert.ok(await storer.findSignIn(keyOf("d"), at()));
    },
  },
  {
    title: "ends all sign-ins of a user except one, and spares none for a stranger's key",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      await manySignIns(storer, pid, ["a", "b", "c"]);
      await manySignIns(storer, bob.pid, ["d"]);
      assert.equal(await storer.endSignIns(pid, keyOf("b")), 2);
      assert.ok(await storer.findSignIn(keyOf("b"), at()));
      assert.equal(await storer.findSignIn(keyOf("a"), at()), null);
      assert.equal(await storer.endSignIns(pid, keyOf("d")), 1);
      assert.equal(await storer.findSignIn(keyOf("b"), at()), null);
      assert.ok(await storer.findSignIn(keyOf("d"), at()));
    },
  },
  {
    title: "lists the live sign-ins of one user, the most recently seen first",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      const seen = { b: 20, d: 41, a: 10, c: 40 };
      for (const [name, offset] of Object.entries(seen)) {
        await storer.createSignIn(keyOf(name), sampleSignIn(pid, { id: idOf(name), seenAt: at(offset) }));
      }
      await storer.createSignIn(keyOf("over"), sampleSignIn(pid, { id: idOf("over"), idleEndsAt: at(50) }));
      await storer.createSignIn(keyOf("bob's"), sampleSignIn(bob.pid));
      const names = async () => {
        const ids = (await storer.listSignIns(pid, at(50))).map(({ id }) => id);
        return ids.map((id) => Object.keys(seen).find((name) => idOf(name) === id));
      };
      assert.deepEqual(await names(), ["d", "c", "b", "a"]);
      await storer.touchSignIn(keyOf("a"), at(42), at(99));
      await storer.endSignIn(keyOf("c"));
      assert.deepEqual(await names(), ["a", "d", "b"]);
      for (const lookalike of lookalikes(pid)) assert.deepEqual(await storer.listSignIns(lookalike, at(50)), []);
    },
  },
  {
    title: "lists at most 100 sign-ins: those seen most recently",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const ids = Array.from({ length: 105 }, (_, index) => idOf(`${index}`));
      for (const [index, id] of ids.entries()) await storer.createSignIn(keyOf(id), sampleSignIn(pid, { id, seenAt: at(index) }));
      const listed = (await storer.listSignIns(pid, at(200))).map(({ id }) => id);
      assert.deepEqual(listed, ids.slice(5).reverse());
    },
  },
  {
    title: "sweeps expired sign-ins, at most as many as it is told to, and never a live one",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const now = at(1_000);
      for (const index of Array(7).keys()) {
        const ends = index % 2 === 0 ? { idleEndsAt: now } : { idleEndsAt: at(500), endsAt: now };
        await storer.createSignIn(keyOf(`over ${index}`), sampleSignIn(pid, { id: idOf(`over ${index}`), ...ends }));
      }
      const live = ["x", "y", "z"];
      for (const name of live) {
        await storer.createSignIn(keyOf(name), sampleSignIn(pid, { id: idOf(name), idleEndsAt: at(1_001), endsAt: at(1_001) }));
      }
      assert.equal(await storer.sweep(now, 0), 0);
      assert.equal(await sweepAll(storer, now), 7);
      for (const name of live) assert.ok(await storer.findSignIn(keyOf(name), now));
      assert.ok(await storer.load(pid));
    },
  },
  {
    title: "removes each expired row once, however many sweeps run in parallel",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const index of Array(7).keys()) {
        await storer.createSignIn(keyOf(`${index}`), sampleSignIn(pid, { id: idOf(`${index}`), idleEndsAt: at(10) }));
      }
      const removed = await race(5, () => storer.sweep(at(10), 3));
      assert.ok(removed.every((count) => count <= 3));
      const rest = await storer.sweep(at(10), 10);
      assert.equal(
        removed.reduce((sum, count) => sum + count, rest),
        7,
      );
    },
  },
];
