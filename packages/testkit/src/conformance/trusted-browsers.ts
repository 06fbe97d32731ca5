/** The suite of trusted browsers. @module */
import assert from "node:assert/strict";
import type { TrustedBrowser, TrustedBrowserServerStorer } from "@castellan/core";
import { at, idOf, keyOf, lookalikes, ROUNDS, race, sampleTrusted, scribble, sweepAll, UNUSUAL_TEXTS, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = TrustedBrowserServerStorer;

const KEY = sampleTrusted("").keyHash;

/** Whether it is found by its key, and stands in the list. */
async function isTrusted(storer: Storer, { pid, keyHash, id }: TrustedBrowser, now = at()): Promise<boolean> {
  const found = await storer.findTrustedBrowser(pid, keyHash, now);
  const listed = (await storer.listTrustedBrowsers(pid, now)).some((browser) => browser.id === id);
  assert.equal(found !== null, listed, "it is found and not listed, or listed and not found");
  return listed;
}

const cases: readonly Case<Storer>[] = [
  {
    title: "answers a trusted browser whole, to the millisecond, by its key and in the list",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const browser = sampleTrusted(pid, { expiresAt: at(1_001) });
      assert.equal(await storer.addTrustedBrowser(browser), true);
      assert.deepEqual(await storer.findTrustedBrowser(pid, KEY, at()), browser);
      assert.deepEqual(await storer.listTrustedBrowsers(pid, at()), [browser]);
    },
  },
  {
    title: "keeps unusual text in the user agent and the network, and 256 characters of it",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const text of [...UNUSUAL_TEXTS, "ü".repeat(256)]) {
        const browser = sampleTrusted(pid, { id: idOf(text), keyHash: keyOf(text), userAgent: text, network: text.slice(0, 40) });
        await storer.addTrustedBrowser(browser);
        assert.deepEqual(await storer.findTrustedBrowser(pid, browser.keyHash, at()), browser);
      }
    },
  },
  {
    title: "finds it for its user and its key only",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      const browser = sampleTrusted(pid);
      await storer.addTrustedBrowser(browser);
      for (const other of lookalikes(KEY)) assert.equal(await storer.findTrustedBrowser(pid, other, at()), null, other);
      for (const other of [bob.pid, "pid-nobody", ...lookalikes(pid)]) {
        assert.equal(await storer.findTrustedBrowser(other, KEY, at()), null, other);
        assert.deepEqual(await storer.listTrustedBrowsers(other, at()), [], other);
      }
      assert.equal(await isTrusted(storer, browser), true);
    },
  },
  {
    title: "takes it for dead exactly at its end, and for live a millisecond before",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const browser = sampleTrusted(pid, { expiresAt: at(1_000) });
      await storer.addTrustedBrowser(browser);
      assert.equal(await isTrusted(storer, browser, at(999)), true);
      assert.equal(await isTrusted(storer, browser, at(1_000)), false);
    },
  },
  {
    title: "stores one only under the user's epoch, and none for nobody",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const epoch = Number(await storer.advanceEpoch(pid));
      for (const other of [epoch - 1, epoch + 1]) {
        assert.equal(await storer.addTrustedBrowser(sampleTrusted(pid, { epoch: other })), false);
        assert.equal(await isTrusted(storer, sampleTrusted(pid)), false);
      }
      for (const nobody of ["pid-nobody", ...lookalikes(pid)]) {
        assert.equal(await storer.addTrustedBrowser(sampleTrusted(nobody, { epoch })), false, nobody);
      }
      assert.equal(await storer.addTrustedBrowser(sampleTrusted(pid, { epoch })), true);
      assert.equal(await isTrusted(storer, sampleTrusted(pid)), true);
    },
  },
  {
    title: "takes all of a user for dead once the epoch has advanced, and nobody else's",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      const [anns, bobs] = [sampleTrusted(pid), sampleTrusted(bob.pid, { id: idOf("bob"), keyHash: keyOf("bob") })];
      for (const browser of [anns, bobs]) await storer.addTrustedBrowser(browser);
      await storer.advanceEpoch(pid);
      assert.equal(await isTrusted(storer, anns), false);
      assert.equal(await isTrusted(storer, bobs), true);
    },
  },
  {
    title: "never stores one over another of the same id or key",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      const browser = sampleTrusted(pid);
      await storer.addTrustedBrowser(browser);
      assert.equal(await storer.addTrustedBrowser(sampleTrusted(bob.pid, { id: idOf("other") })), false);
      assert.equal(await storer.addTrustedBrowser(sampleTrusted(bob.pid, { keyHash: keyOf("other") })), false);
      assert.deepEqual(await storer.listTrustedBrowsers(bob.pid, at()), []);
      assert.deepEqual(await storer.findTrustedBrowser(pid, KEY, at()), browser);
    },
  },
  {
    title: "lists the newest first, and at most 100",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const made = (index: number) => sampleTrusted(pid, { id: idOf(`${index}`), keyHash: keyOf(`${index}`), createdAt: at(index) });
      // Not in their order.
      for (const index of Array(103).keys()) await storer.addTrustedBrowser(made((index * 50) % 103));
      const listed = await storer.listTrustedBrowsers(pid, at(1_000));
      assert.deepEqual(
        listed.map(({ id }) => id),
        Array.from({ length: 100 }, (_, index) => made(102 - index).id),
      );
    },
  },
  {
    title: "ends one by its public id, for its user only, and no other",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      const [browser, other] = [sampleTrusted(pid), sampleTrusted(pid, { id: idOf("other"), keyHash: keyOf("other") })];
      for (const one of [browser, other]) await storer.addTrustedBrowser(one);
      for (const stranger of [bob.pid, "pid-nobody"]) assert.equal(await storer.endTrustedBrowser(stranger, browser.id), false);
      for (const id of [browser.keyHash, ...lookalikes(browser.id)]) assert.equal(await storer.endTrustedBrowser(pid, id), false, id);
      assert.equal(await storer.endTrustedBrowser(pid, browser.id), true);
      assert.equal(await storer.endTrustedBrowser(pid, browser.id), false);
      assert.equal(await isTrusted(storer, browser), false);
      assert.equal(await isTrusted(storer, other), true);
    },
  },
  {
    title: "ends all of a user, says how many, and nobody else's",
    run: async ({ storer, addUser }) => {
      const [{ pid }, bob] = [await addUser("ann"), await addUser("bob")];
      for (const index of Array(3).keys()) {
        await storer.addTrustedBrowser(sampleTrusted(pid, { id: idOf(`${index}`), keyHash: keyOf(`${index}`) }));
      }
      const bobs = sampleTrusted(bob.pid);
      await storer.addTrustedBrowser(bobs);
      for (const nobody of ["pid-nobody", ...lookalikes(pid)]) assert.equal(await storer.endTrustedBrowsers(nobody), 0, nobody);
      assert.equal(await storer.endTrustedBrowsers(pid), 3);
      assert.equal(await storer.endTrustedBrowsers(pid), 0);
      assert.deepEqual(await storer.listTrustedBrowsers(pid, at()), []);
      assert.equal(await isTrusted(storer, bobs), true);
    },
  },
  {
    title: "ends also what is dead: nothing of it comes back",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const browser = sampleTrusted(pid, { expiresAt: at(1_000) });
      await storer.addTrustedBrowser(browser);
      await storer.advanceEpoch(pid);
      assert.equal(await storer.endTrustedBrowser(pid, browser.id), true);
    },
  },
  {
    title: "stores exactly one of twenty parallel ones with one key, and ends it for exactly one of twenty",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const stored = await race(20, (index) => storer.addTrustedBrowser(sampleTrusted(pid, { id: idOf(`${index}`) })));
      assert.equal(winners(stored).length, 1);
      const id = idOf(`${stored.indexOf(true)}`);
      assert.equal(winners(await race(20, () => storer.endTrustedBrowser(pid, id))).length, 1);
    },
  },
  {
    title: "lets none outlive an epoch that advances while it is stored",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const { pid } = await addUser(`u${round}`);
        const browser = sampleTrusted(pid, { id: idOf(`${round}`), keyHash: keyOf(`${round}`) });
        const add = () => storer.addTrustedBrowser(browser);
        const advance = () => storer.advanceEpoch(pid);
        await Promise.all<unknown>(round % 2 === 0 ? [add(), advance()] : [advance(), add()]);
        assert.equal(await isTrusted(storer, browser), false);
      }
    },
  },
  {
    title: "takes those of a user who is removed for dead, also when another gets the pid",
    needs: "removeUser",
    run: async ({ storer, addUser, removeUser }) => {
      const { pid } = await addUser();
      await storer.addTrustedBrowser(sampleTrusted(pid));
      await removeUser(pid);
      assert.equal(await isTrusted(storer, sampleTrusted(pid)), false);
    },
  },
  {
    title: "copies on the way in and out",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const given = sampleTrusted(pid);
      await storer.addTrustedBrowser(given);
      given.expiresAt.setTime(0);
      scribble(given, "pid", "spoilt");
      (await storer.findTrustedBrowser(pid, KEY, at()))?.expiresAt.setTime(0);
      assert.deepEqual(await storer.findTrustedBrowser(pid, KEY, at()), sampleTrusted(pid));
    },
  },
  {
    title: "sweeps those that have expired, and never a live one",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const index of Array(7).keys()) {
        const browser = sampleTrusted(pid, { id: idOf(`${index}`), keyHash: keyOf(`${index}`), expiresAt: at(1_000) });
        await storer.addTrustedBrowser(browser);
      }
      const live = sampleTrusted(pid, { expiresAt: at(1_001) });
      await storer.addTrustedBrowser(live);
      assert.equal(await sweepAll(storer, at(1_000)), 7);
      assert.equal(await isTrusted(storer, live, at(1_000)), true);
    },
  },
  {
    title: "rejects once it is closed, and never says that a browser is not trusted",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      await storer.addTrustedBrowser(sampleTrusted(pid));
      if (!(await close())) return;
      await assert.rejects(async () => storer.addTrustedBrowser(sampleTrusted(pid)));
      await assert.rejects(async () => storer.findTrustedBrowser(pid, KEY, at()));
      await assert.rejects(async () => storer.listTrustedBrowsers(pid, at()));
      await assert.rejects(async () => storer.endTrustedBrowser(pid, idOf("")));
      await assert.rejects(async () => storer.endTrustedBrowsers(pid));
    },
  },
];

/** What a storer of the capability `trusted-browsers` promises. */
export const trustedBrowsersConformance: Suite<Storer> = { name: "trusted-browsers", cases };
