/** The suite of putting users out and letting them in again. @module */
import assert from "node:assert/strict";
import type { DisablingServerStorer } from "@castellan/core";
import { at, idOf, keyOf, lookalikes, ROUNDS, race, sampleSignIn, scribble } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

const KEY = keyOf("a session id");

const cases: readonly Case<DisablingServerStorer>[] = [
  {
    title: "makes users who are not disabled",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser();
      assert.equal((await storer.load(pid))?.disabledAt, null);
      assert.equal((await storer.findByLogin(login))?.disabledAt, null);
    },
  },
  {
    title: "disables a user at the given moment, to the millisecond, and advances the epoch; nothing else changes, and nobody else does",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser("ann");
      const bob = await addUser("bob");
      const [before, bobBefore] = [await storer.load(pid), await storer.load(bob.pid)];
      assert.equal(await storer.disableUser(pid, at(1)), true);
      const user = await storer.load(pid);
      assert.ok(user && user.epoch > 0, "the epoch did not advance");
      assert.deepEqual(user, { ...before, epoch: user.epoch, disabledAt: at(1) });
      assert.deepEqual(await storer.findByLogin(login), user);
      assert.deepEqual(await storer.load(bob.pid), bobBefore);
    },
  },
  {
    title: "ends every sign-in of the user, and refuses one that is under way",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid));
      await storer.disableUser(pid, at());
      assert.equal(await storer.findSignIn(KEY, at()), null);
      assert.equal(await storer.createSignIn(keyOf("late"), sampleSignIn(pid, { id: idOf("late") })), false);
    },
  },
  {
    title: "lets no sign-in outlive a disabling at the same time",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const round of ROUNDS) {
        const epoch = Number((await storer.load(pid))?.epoch);
        const key = keyOf(`${round}`);
        const create = () => storer.createSignIn(key, sampleSignIn(pid, { id: idOf(`${round}`), epoch }));
        const disable = () => storer.disableUser(pid, at());
        const [first, second] = round % 2 === 0 ? [create, disable] : [disable, create];
        await Promise.all([first(), second()]);
        assert.equal(await storer.findSignIn(key, at()), null);
      }
    },
  },
  {
    title: "keeps the first moment of a user who is disabled already, and ends what was made since",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.disableUser(pid, at(1));
      const epoch = Number((await storer.load(pid))?.epoch);
      await storer.createSignIn(KEY, sampleSignIn(pid, { epoch }));
      assert.deepEqual((await storer.findSignIn(KEY, at()))?.user.disabledAt, at(1));
      assert.equal(await storer.disableUser(pid, at(2)), true);
      assert.deepEqual((await storer.load(pid))?.disabledAt, at(1));
      assert.equal(await storer.findSignIn(KEY, at()), null);
    },
  },
  {
    title: "answers true to all of twenty parallel disablings and keeps one moment of theirs",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const answers = await race(20, (index) => storer.disableUser(pid, at(index)));
      assert.deepEqual(answers, Array(20).fill(true));
      const { disabledAt } = (await storer.load(pid)) ?? {};
      assert.ok(disabledAt && disabledAt >= at(0) && disabledAt < at(20));
      await storer.disableUser(pid, at(99));
      assert.deepEqual((await storer.load(pid))?.disabledAt, disabledAt);
    },
  },
  {
    title: "lets a user in again; what ended stays ended",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid));
      await storer.disableUser(pid, at());
      const disabled = await storer.load(pid);
      assert.equal(await storer.enableUser(pid), true);
      assert.deepEqual(await storer.load(pid), { ...disabled, disabledAt: null });
      assert.equal(await storer.findSignIn(KEY, at()), null);
      await storer.disableUser(pid, at(5));
      assert.deepEqual((await storer.load(pid))?.disabledAt, at(5));
    },
  },
  {
    title: "answers true when it enables a user who was not disabled",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const before = await storer.load(pid);
      assert.equal(await storer.enableUser(pid), true);
      assert.deepEqual(await storer.load(pid), before);
    },
  },
  {
    title: "answers false for nobody, and takes no lookalike for a pid",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const before = await storer.load(pid);
      for (const lookalike of ["pid-nobody", ...lookalikes(pid)]) {
        assert.equal(await storer.disableUser(lookalike, at()), false, JSON.stringify(lookalike));
        assert.equal(await storer.enableUser(lookalike), false, JSON.stringify(lookalike));
        assert.equal(await storer.load(lookalike), null);
      }
      assert.deepEqual(await storer.load(pid), before);
      await storer.disableUser(pid, at());
      for (const lookalike of lookalikes(pid)) await storer.enableUser(lookalike);
      assert.deepEqual((await storer.load(pid))?.disabledAt, at());
    },
  },
  {
    title: "copies the moment on its way in and out",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser();
      const moment = at(1);
      await storer.disableUser(pid, moment);
      moment.setTime(0);
      for (const find of [() => storer.load(pid), () => storer.findByLogin(login)]) {
        const user = await find();
        assert.deepEqual(user?.disabledAt, at(1));
        user.disabledAt.setTime(0);
        scribble(user, "disabledAt", null);
      }
      assert.deepEqual((await storer.load(pid))?.disabledAt, at(1));
    },
  },
  {
    title: "rejects once it is closed, and never says that there is nobody",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      if (!(await close())) return;
      await assert.rejects(async () => storer.disableUser(pid, at()));
      await assert.rejects(async () => storer.enableUser(pid));
    },
  },
];

/** What a storer of the capability `disableable` promises. */
export const disableableConformance: Suite<DisablingServerStorer> = { name: "disableable", cases };
