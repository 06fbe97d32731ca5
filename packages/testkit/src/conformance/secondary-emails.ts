/** The suite of secondary addresses. @module */
import assert from "node:assert/strict";
import type { Needs, RecoverableUserWithSecondaryEmails, SecondaryEmailOperations } from "@castellan/core";
import { at, keyOf, lookalikes, race, sampleSignIn, UNUSUAL_TEXTS } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = Needs<RecoverableUserWithSecondaryEmails, SecondaryEmailOperations>;

const KEY = keyOf("a session id");
const ADDRESSES = ["b@example.com", "a@example.com", "c@example.com"];

const cases: readonly Case<Storer>[] = [
  {
    title: "makes users without secondary addresses",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      assert.deepEqual((await storer.load(pid))?.secondaryEmails, []);
    },
  },
  {
    title: "replaces the addresses, in the given order, in every look-up; nothing else changes, and nobody else does",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser("ann");
      const bob = await addUser("bob");
      await storer.createSignIn(KEY, sampleSignIn(pid));
      const [before, bobBefore] = [await storer.load(pid), await storer.load(bob.pid)];
      for (const secondaryEmails of [ADDRESSES, ["d@example.com"], [], [...ADDRESSES].reverse()]) {
        assert.equal(await storer.setSecondaryEmails(pid, secondaryEmails), true);
        assert.deepEqual(await storer.load(pid), { ...before, secondaryEmails });
        assert.deepEqual((await storer.findByLogin(login))?.secondaryEmails, secondaryEmails);
        assert.deepEqual((await storer.findSignIn(KEY, at()))?.user.secondaryEmails, secondaryEmails);
      }
      assert.deepEqual(await storer.load(bob.pid), bobBefore);
    },
  },
  {
    title: "keeps unusual text, commas and spaces",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const unusual = [...UNUSUAL_TEXTS, "a,b@example.com", "one two@example.com", ""];
      await storer.setSecondaryEmails(pid, unusual);
      assert.deepEqual((await storer.load(pid))?.secondaryEmails, unusual);
    },
  },
  {
    title: "answers false for nobody, and takes no lookalike for a pid",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const lookalike of ["pid-nobody", ...lookalikes(pid)]) {
        assert.equal(await storer.setSecondaryEmails(lookalike, ADDRESSES), false, JSON.stringify(lookalike));
      }
      assert.deepEqual((await storer.load(pid))?.secondaryEmails, []);
    },
  },
  {
    title: "keeps one of twenty parallel lists whole",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const list = (index: number) => ADDRESSES.map((address) => `${index}-${address}`);
      assert.deepEqual(await race(20, (index) => storer.setSecondaryEmails(pid, list(index))), Array(20).fill(true));
      const stored = (await storer.load(pid))?.secondaryEmails;
      assert.deepEqual(stored, list(Number(stored?.[0]?.split("-")[0])));
    },
  },
  {
    title: "copies the addresses on their way in and out",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const given = [...ADDRESSES];
      const setting = storer.setSecondaryEmails(pid, given);
      given.length = 0;
      await setting;
      const handedOut = (await storer.load(pid))?.secondaryEmails;
      if (Array.isArray(handedOut) && !Object.isFrozen(handedOut)) handedOut.length = 0;
      assert.deepEqual((await storer.load(pid))?.secondaryEmails, ADDRESSES);
    },
  },
  {
    title: "rejects once it is closed, and never says that there is nobody",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      if (!(await close())) return;
      await assert.rejects(async () => storer.setSecondaryEmails(pid, []));
    },
  },
];

/** What a storer of the capability `secondary-emails` promises. */
export const secondaryEmailsConformance: Suite<Storer> = { name: "secondary-emails", cases };
