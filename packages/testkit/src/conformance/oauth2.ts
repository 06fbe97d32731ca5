/** The suite of signing in with others: identities, and the flows that wait for somebody to come back. @module */
import assert from "node:assert/strict";
import type { OAuth2Flow } from "@castellan/core";
import { identityCases, type OAuth2Storer } from "./identities.ts";
import { at, CROWDS, keyOf, lookalikes, race, sampleFlow, sampleIdentity, sampleUser, scribble, sweepAll, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

const BROWSER = keyOf("browser");

/** Asks for the flow in both ways, the one that takes it last. */
const askBoth = async (storer: OAuth2Storer, key: string, browser: string, purpose: string, now: Date): Promise<(OAuth2Flow | null)[]> => [
  await storer.findFlow(key, browser, purpose, now),
  await storer.takeFlow(key, browser, purpose, now),
];

const flowCases: readonly Case<OAuth2Storer>[] = [
  {
    title: "answers a flow whole, as often as it is looked at, and once when it is taken",
    run: async ({ storer }) => {
      const flow = sampleFlow("state", { data: "d".repeat(32_768) });
      await storer.startFlow(flow);
      assert.deepEqual(await storer.findFlow(flow.key, BROWSER, flow.purpose, at()), flow);
      assert.deepEqual(await storer.findFlow(flow.key, BROWSER, flow.purpose, at(1)), flow);
      assert.deepEqual(await storer.takeFlow(flow.key, BROWSER, flow.purpose, at(1)), flow);
      assert.deepEqual(await askBoth(storer, flow.key, BROWSER, flow.purpose, at(1)), [null, null]);
    },
  },
  ...CROWDS.map(
    ({ count, crowd }): Case<OAuth2Storer> => ({
      title: `gives a flow to exactly one of ${crowd} who take it at once`,
      run: async ({ storer }) => {
        const flow = sampleFlow("state");
        await storer.startFlow(flow);
        const answers = await race(count, () => storer.takeFlow(flow.key, BROWSER, flow.purpose, at()));
        assert.deepEqual(winners(answers), [flow]);
      },
    }),
  ),
  {
    title: "gives a flow to no other browser and for no other purpose, and such a call spoils nothing",
    run: async ({ storer }) => {
      const flow = sampleFlow("state");
      await storer.startFlow(flow);
      for (const other of lookalikes(flow.key)) {
        assert.deepEqual(await askBoth(storer, other, BROWSER, flow.purpose, at()), [null, null], other);
      }
      for (const other of lookalikes(BROWSER)) {
        assert.deepEqual(await askBoth(storer, flow.key, other, flow.purpose, at()), [null, null], other);
      }
      for (const other of lookalikes(flow.purpose)) {
        assert.deepEqual(await askBoth(storer, flow.key, BROWSER, other, at()), [null, null], other);
      }
      assert.deepEqual(await storer.takeFlow(flow.key, BROWSER, flow.purpose, at()), flow);
    },
  },
  {
    title: "lets a flow live up to its end, and not at that moment",
    run: async ({ storer }) => {
      const flow = sampleFlow("state", { expiresAt: at(1_000) });
      await storer.startFlow(flow);
      assert.deepEqual(await askBoth(storer, flow.key, BROWSER, flow.purpose, at(1_000)), [null, null]);
      assert.deepEqual(await askBoth(storer, flow.key, BROWSER, flow.purpose, at(999)), [flow, flow]);
    },
  },
  {
    title: "keeps several flows of one browser apart",
    run: async ({ storer }) => {
      const [one, two] = [sampleFlow("one"), sampleFlow("two")];
      await storer.startFlow(one);
      await storer.startFlow(two);
      assert.deepEqual(await storer.takeFlow(one.key, BROWSER, one.purpose, at()), one);
      assert.deepEqual(await storer.takeFlow(two.key, BROWSER, two.purpose, at()), two);
    },
  },
  {
    title: "copies a flow on its way in and out",
    run: async ({ storer }) => {
      const flow = sampleFlow("state");
      const original = structuredClone(flow);
      await storer.startFlow(flow);
      flow.expiresAt.setTime(0);
      const found = await storer.findFlow(original.key, BROWSER, original.purpose, at());
      found?.createdAt.setTime(0);
      if (found) scribble(found, "data", "spoilt");
      assert.deepEqual(await storer.takeFlow(original.key, BROWSER, original.purpose, at()), original);
    },
  },
  {
    title: "sweeps flows that have expired, never a live one, and no identity",
    run: async ({ storer }) => {
      const user = sampleUser();
      await storer.createUserWithIdentity(user, sampleIdentity("ann"));
      for (const index of Array(7).keys()) await storer.startFlow(sampleFlow(`${index}`, { expiresAt: at(1_000) }));
      const live = sampleFlow("live", { expiresAt: at(1_001) });
      await storer.startFlow(live);
      assert.equal(await sweepAll(storer, at(1_000)), 7);
      assert.deepEqual(await storer.takeFlow(live.key, BROWSER, live.purpose, at(1_000)), live);
      assert.equal((await storer.listIdentities(user.pid)).length, 1);
    },
  },
  {
    title: "rejects once it is closed, and never says that there is nothing",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      const { issuer } = sampleIdentity("one");
      if (!(await close())) return;
      await assert.rejects(async () => storer.createUserWithIdentity(sampleUser("bob"), sampleIdentity("bob")));
      await assert.rejects(async () => storer.findIdentity(issuer, "one"));
      await assert.rejects(async () => storer.listIdentities(pid));
      await assert.rejects(async () => storer.linkIdentity(pid, 0, sampleIdentity("one")));
      await assert.rejects(async () => storer.unlinkIdentity(pid, 0, issuer, "one", true));
      await assert.rejects(async () => storer.noteIdentity(pid, sampleIdentity("one")));
      await assert.rejects(async () => storer.replaceTokens(pid, issuer, "one", null, "x"));
      await assert.rejects(async () => storer.startFlow(sampleFlow("state")));
      await assert.rejects(async () => storer.findFlow(keyOf("state"), BROWSER, "callback/demo", at()));
      await assert.rejects(async () => storer.takeFlow(keyOf("state"), BROWSER, "callback/demo", at()));
    },
  },
];

/** What a storer of the capability `oauth2` promises. It needs `authable` beside it, to see what counts as a way in. */
export const oauth2Conformance: Suite<OAuth2Storer> = { name: "oauth2", cases: [...identityCases, ...flowCases] };
