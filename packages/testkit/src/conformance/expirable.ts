/** The suite of sign-ins whose end is noticed. @module */
import assert from "node:assert/strict";
import type { ExpiringServerStorer, SignIn } from "@castellan/core";
import { at, CROWDS, idOf, keyOf, lookalikes, ROUNDS, race, sampleSignIn, sweepAll, UNUSUAL_TEXTS, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = ExpiringServerStorer;

const KEY = keyOf("a session id");

/** Signs in until `idle` or `end`, whichever is first. */
async function signIn(storer: Storer, pid: string, fields: Partial<SignIn> = {}, key = KEY): Promise<SignIn> {
  const made = sampleSignIn(pid, { idleEndsAt: at(1_000), endsAt: at(2_000), ...fields });
  assert.equal(await storer.createSignIn(key, made), true);
  return made;
}

const cases: readonly Case<Storer>[] = [
  {
    title: "takes a sign-in exactly at the end of its idleness, whole and to the millisecond, and leaves a live one alone",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const made = await signIn(storer, pid, { level: "half" });
      for (const offset of [0, 999]) assert.equal(await storer.takeExpiredSignIn(KEY, at(offset)), null, `at ${offset}`);
      assert.deepEqual((await storer.findSignIn(KEY, at(999)))?.signIn, made);
      assert.deepEqual(await storer.takeExpiredSignIn(KEY, at(1_000)), made);
    },
  },
  {
    title: "takes a sign-in exactly at its absolute end, however lately it was used",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const made = await signIn(storer, pid);
      await storer.touchSignIn(KEY, at(999), at(2_000));
      assert.equal(await storer.takeExpiredSignIn(KEY, at(1_999)), null);
      assert.deepEqual(await storer.takeExpiredSignIn(KEY, at(2_000)), { ...made, seenAt: at(999), idleEndsAt: at(2_000) });
    },
  },
  {
    title: "removes what it takes, and nothing else",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const key = (name: string) => keyOf(`sign-in ${name}`);
      for (const name of ["a", "b"]) await signIn(storer, pid, { id: idOf(name) }, key(name));
      assert.ok(await storer.takeExpiredSignIn(key("a"), at(1_000)));
      assert.equal(await storer.takeExpiredSignIn(key("a"), at(1_000)), null);
      assert.equal(await storer.endSignIn(key("a")), false);
      assert.equal(await storer.findSignIn(key("a"), at()), null);
      assert.equal((await storer.listSignIns(pid, at())).length, 1);
      assert.equal((await storer.takeExpiredSignIn(key("b"), at(9_000)))?.id, idOf("b"));
    },
  },
  {
    title: "keeps unusual text in what it answers",
    run: async ({ storer, addUser }) => {
      for (const text of UNUSUAL_TEXTS) {
        const { pid } = await addUser(text, { pid: text });
        const made = await signIn(storer, pid, { userAgent: text, factors: [{ method: text, at: at(-1) }] }, keyOf(text));
        assert.deepEqual(await storer.takeExpiredSignIn(keyOf(text), at(1_000)), made);
      }
    },
  },
  ...CROWDS.map(
    ({ count, crowd }): Case<Storer> => ({
      title: `answers an expired sign-in to exactly one of ${crowd} parallel calls`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        const made = await signIn(storer, pid);
        assert.deepEqual(winners(await race(count, () => storer.takeExpiredSignIn(KEY, at(1_000)))), [made]);
      },
    }),
  ),
  {
    title: "takes none of another epoch than its user's: that one was ended, it did not expire",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      await signIn(storer, pid);
      await signIn(storer, bob.pid, {}, keyOf("bob"));
      await storer.advanceEpoch(pid);
      for (const offset of [0, 1_000, 9_000]) assert.equal(await storer.takeExpiredSignIn(KEY, at(offset)), null);
      assert.ok(await storer.takeExpiredSignIn(keyOf("bob"), at(1_000)));
    },
  },
  {
    title: "takes none of a user who is removed",
    needs: "removeUser",
    run: async ({ storer, addUser, removeUser }) => {
      const { pid } = await addUser();
      await signIn(storer, pid);
      await removeUser(pid);
      assert.equal(await storer.takeExpiredSignIn(KEY, at(1_000)), null);
    },
  },
  {
    title: "takes nothing under a key that is unknown, ended, replaced, or a lookalike",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      assert.equal(await storer.takeExpiredSignIn(KEY, at(1_000)), null);
      await signIn(storer, pid);
      for (const lookalike of [...lookalikes(KEY), idOf(`sign-in of ${pid}`)]) {
        assert.equal(await storer.takeExpiredSignIn(lookalike, at(1_000)), null, JSON.stringify(lookalike));
      }
      await storer.replaceSignIn(KEY, { key: keyOf("next"), level: "full", factors: [], epoch: 0 }, at());
      assert.equal(await storer.takeExpiredSignIn(KEY, at(1_000)), null);
      await storer.endSignIn(keyOf("next"));
      assert.equal(await storer.takeExpiredSignIn(keyOf("next"), at(1_000)), null);
    },
  },
  {
    title: "lets either a last use revive a sign-in or its end be noticed, never both and never neither",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const round of ROUNDS) {
        const key = keyOf(`${round}`);
        await signIn(storer, pid, { id: idOf(`${round}`) }, key);
        const take = () => storer.takeExpiredSignIn(key, at(1_000));
        const touch = async () => (await storer.touchSignIn(key, at(999), at(1_999))) ?? null;
        const answers = await Promise.all(round % 2 === 0 ? [take(), touch()] : [touch(), take()]);
        assert.equal(winners(answers).length === 1, (await storer.findSignIn(key, at(1_500))) === null);
      }
    },
  },
  {
    title: "lets exactly one of a taking, an end and a sweep at the same time have the sign-in",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const round of ROUNDS) {
        const key = keyOf(`${round}`);
        await signIn(storer, pid, { id: idOf(`${round}`) }, key);
        const calls = [
          async () => (await storer.takeExpiredSignIn(key, at(1_000))) !== null,
          () => storer.endSignIn(key),
          async () => (await storer.sweep(at(1_000), 10)) === 1,
        ];
        const order = [...calls.slice(round % 3), ...calls.slice(0, round % 3)];
        assert.equal(winners(await Promise.all(order.map((call) => call()))).length, 1);
      }
    },
  },
  {
    title: "finds nothing any more once the sign-in was swept",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await signIn(storer, pid);
      assert.equal(await sweepAll(storer, at(1_000)), 1);
      assert.equal(await storer.takeExpiredSignIn(KEY, at(1_000)), null);
    },
  },
  {
    title: "rejects once it is closed, and never says that nothing has expired",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      await signIn(storer, pid);
      if (!(await close())) return;
      await assert.rejects(async () => storer.takeExpiredSignIn(KEY, at(1_000)));
    },
  },
];

/** What a storer of the capability `expirable` promises. */
export const expirableConformance: Suite<ExpiringServerStorer> = { name: "expirable", cases };
