/** How a sign-in begins, lives and dies: the second half of what every storer promises. @module */
import assert from "node:assert/strict";
import type { ServerStorer } from "@castellan/core";
import { at, idOf, keyOf, lookalikes, MINUTE, ROUNDS, race, sampleSignIn, scribble, UNUSUAL_TEXTS } from "./samples.ts";
import type { Case } from "./suite.ts";

const KEY = keyOf("a session id");

export const signInLifeCases: readonly Case<ServerStorer>[] = [
  {
    title: "answers a sign-in whole, to the millisecond, with its user",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const signIn = sampleSignIn(pid, { level: "half", createdAt: at(1), seenAt: at(2), idleEndsAt: at(3_003), endsAt: at(4_004) });
      assert.equal(await storer.createSignIn(KEY, signIn), true);
      assert.deepEqual(await storer.findSignIn(KEY, at(5)), { user: await storer.load(pid), signIn });
    },
  },
  {
    title: "keeps the factors in their order, and a list of none",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const methods = ["webauthn", "password", "oauth2", "totp", "sms"];
      const factors = methods.map((method, index) => ({ method, at: at(-index) }));
      await storer.createSignIn(KEY, sampleSignIn(pid, { factors }));
      await storer.createSignIn(keyOf("b"), sampleSignIn(pid, { id: idOf("b"), factors: [] }));
      assert.deepEqual((await storer.findSignIn(KEY, at()))?.signIn.factors, factors);
      assert.deepEqual((await storer.findSignIn(keyOf("b"), at()))?.signIn.factors, []);
    },
  },
  {
    title: "keeps unusual text in descriptions of browsers and networks",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const text of [...UNUSUAL_TEXTS, "", "u".repeat(256)]) {
        const signIn = sampleSignIn(pid, { id: idOf(text), userAgent: text, network: "2001:db8:85a3:8d3::/64" });
        assert.equal(await storer.createSignIn(keyOf(text), signIn), true);
        assert.deepEqual((await storer.findSignIn(keyOf(text), at()))?.signIn, signIn);
      }
    },
  },
  {
    title: "copies a sign-in on its way in and out: dates and factors too",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const given = sampleSignIn(pid);
      const original = structuredClone(given);
      const spoil = (signIn: typeof given) => {
        signIn.endsAt.setTime(0);
        signIn.factors[0]?.at.setTime(0);
        scribble(signIn.factors, "length", 0);
        scribble(signIn, "level", "half");
      };
      await storer.createSignIn(KEY, given);
      spoil(given);
      const found = await storer.findSignIn(KEY, at());
      assert.deepEqual(found?.signIn, original);
      spoil(found.signIn);
      scribble(found.user, "epoch", 99);
      const again = await storer.findSignIn(KEY, at());
      assert.deepEqual(again?.signIn, original);
      assert.equal(again.user.epoch, 0);
      for (const listed of await storer.listSignIns(pid, at())) spoil(listed);
      assert.deepEqual(await storer.listSignIns(pid, at()), [original]);
    },
  },
  {
    title: "makes no sign-in for a user that does not exist",
    run: async ({ storer }) => {
      assert.equal(await storer.createSignIn(KEY, sampleSignIn("pid-nobody")), false);
      assert.equal(await storer.findSignIn(KEY, at()), null);
    },
  },
  {
    title: "makes no sign-in under an epoch that is not the user's, neither an older nor a newer one",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const epoch = Number(await storer.advanceEpoch(pid));
      for (const other of [epoch - 1, epoch + 1]) {
        assert.equal(await storer.createSignIn(KEY, sampleSignIn(pid, { epoch: other })), false);
        assert.equal(await storer.findSignIn(KEY, at()), null);
      }
      assert.equal(await storer.createSignIn(KEY, sampleSignIn(pid, { epoch })), true);
      assert.equal((await storer.findSignIn(KEY, at()))?.signIn.epoch, epoch);
    },
  },
  {
    title: "ends every sign-in of a user whose epoch advances, and of nobody else",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      await storer.createSignIn(KEY, sampleSignIn(pid));
      await storer.createSignIn(keyOf("bob's"), sampleSignIn(bob.pid));
      await storer.advanceEpoch(pid);
      assert.equal(await storer.findSignIn(KEY, at()), null);
      assert.deepEqual(await storer.listSignIns(pid, at()), []);
      assert.ok(await storer.findSignIn(keyOf("bob's"), at()));
    },
  },
  {
    title: "lets no sign-in outlive an epoch that advances at the same time",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      let epoch = 0;
      for (const round of ROUNDS) {
        const signIn = sampleSignIn(pid, { id: idOf(`${round}`), epoch });
        const [, advanced] = await Promise.all([storer.createSignIn(keyOf(`${round}`), signIn), storer.advanceEpoch(pid)]);
        assert.equal(await storer.findSignIn(keyOf(`${round}`), at()), null);
        epoch = Number(advanced);
      }
    },
  },
  {
    title: "ends the sign-ins of a user who is removed",
    needs: "removeUser",
    run: async ({ storer, addUser, removeUser }) => {
      const { pid } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid));
      await removeUser(pid);
      assert.equal(await storer.findSignIn(KEY, at()), null);
      assert.deepEqual(await storer.listSignIns(pid, at()), []);
    },
  },
  {
    title: "takes a sign-in for dead exactly at its idle limit, and for live a millisecond before",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid, { idleEndsAt: at(1_000), endsAt: at(9_000) }));
      assert.ok(await storer.findSignIn(KEY, at(999)));
      assert.equal(await storer.findSignIn(KEY, at(1_000)), null);
      assert.equal(await storer.findSignIn(KEY, at(1_001)), null);
    },
  },
  {
    title: "takes a sign-in for dead exactly at its absolute limit, however far its idle limit was moved",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid, { idleEndsAt: at(1_000), endsAt: at(2_000) }));
      await storer.touchSignIn(KEY, at(500), at(9_000));
      assert.ok(await storer.findSignIn(KEY, at(1_999)));
      assert.equal(await storer.findSignIn(KEY, at(2_000)), null);
      assert.deepEqual(await storer.listSignIns(pid, at(2_000)), []);
    },
  },
  {
    title: "goes by the caller's clock and not by its own, in any year",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const year of [2001, 2039, 2099]) {
        const start = Date.UTC(year, 5, 1);
        const [createdAt, endsAt] = [new Date(start), new Date(start + MINUTE)];
        const signIn = sampleSignIn(pid, { id: idOf(`${year}`), createdAt, seenAt: createdAt, idleEndsAt: endsAt, endsAt });
        await storer.createSignIn(keyOf(`${year}`), signIn);
        assert.deepEqual((await storer.findSignIn(keyOf(`${year}`), new Date(start + MINUTE - 1)))?.signIn, signIn);
        assert.equal(await storer.findSignIn(keyOf(`${year}`), endsAt), null);
      }
    },
  },
  {
    title: "takes no lookalike for the key of a sign-in, whatever is asked of it",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid));
      const next = { key: keyOf("stolen"), level: "full", factors: [], epoch: 0 } as const;
      for (const lookalike of [...lookalikes(KEY), sampleSignIn(pid).id]) {
        assert.equal(await storer.findSignIn(lookalike, at()), null, JSON.stringify(lookalike));
        assert.equal(await storer.endSignIn(lookalike), false, JSON.stringify(lookalike));
        assert.equal(await storer.replaceSignIn(lookalike, next, at()), false, JSON.stringify(lookalike));
        await storer.touchSignIn(lookalike, at(), at(1));
      }
      assert.deepEqual((await storer.findSignIn(KEY, at()))?.signIn, sampleSignIn(pid));
    },
  },
  {
    title: "moves seenAt and idleEndsAt on a touch, and nothing else",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid));
      await storer.createSignIn(keyOf("b"), sampleSignIn(pid, { id: idOf("b") }));
      await storer.touchSignIn(KEY, at(1_001), at(2_002));
      assert.deepEqual((await storer.findSignIn(KEY, at()))?.signIn, sampleSignIn(pid, { seenAt: at(1_001), idleEndsAt: at(2_002) }));
      assert.deepEqual((await storer.findSignIn(keyOf("b"), at()))?.signIn, sampleSignIn(pid, { id: idOf("b") }));
    },
  },
  {
    title: "makes nothing on a touch of a sign-in that is not there or has ended",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.touchSignIn(KEY, at(), at(MINUTE));
      assert.equal(await storer.findSignIn(KEY, at()), null);
      await storer.createSignIn(KEY, sampleSignIn(pid));
      await storer.endSignIn(KEY);
      await storer.touchSignIn(KEY, at(), at(MINUTE));
      assert.equal(await storer.findSignIn(KEY, at()), null);
      assert.deepEqual(await storer.listSignIns(pid, at()), []);
    },
  },
  {
    title: "revives nothing on a touch: what was dead at the moment of use stays dead",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid, { idleEndsAt: at(1_000) }));
      await storer.touchSignIn(KEY, at(1_000), at(5_000));
      assert.equal(await storer.findSignIn(KEY, at(1_001)), null);
      await storer.createSignIn(keyOf("b"), sampleSignIn(pid, { id: idOf("b") }));
      await storer.advanceEpoch(pid);
      await storer.touchSignIn(keyOf("b"), at(1), at(5_000));
      assert.equal(await storer.findSignIn(keyOf("b"), at(2)), null);
    },
  },
  {
    title: "lets no touch bring back a sign-in that ends at the same time",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const round of ROUNDS) {
        const key = keyOf(`${round}`);
        await storer.createSignIn(key, sampleSignIn(pid, { id: idOf(`${round}`) }));
        await race<unknown>(5, (index) => (index === 2 ? storer.endSignIn(key) : storer.touchSignIn(key, at(index), at(MINUTE))));
        assert.equal(await storer.findSignIn(key, at()), null);
      }
    },
  },
];
