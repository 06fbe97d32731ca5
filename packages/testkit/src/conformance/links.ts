/** What every mailed link promises, whatever it is for. @module */
import assert from "node:assert/strict";
import type { ServerStorer } from "@castellan/core";
import { type Links, linksBeside } from "./link-kinds.ts";
import { at, CROWDS, lookalikes, ROUNDS, race, sampleLink, sampleUser, sweepAll, UNUSUAL_TEXTS, winners } from "./samples.ts";
import type { Case } from "./suite.ts";

/** The cases for one kind of links. */
export const linkCases = <S extends ServerStorer>(linksOf: (storer: S) => Links): readonly Case<S>[] => [
  {
    title: "spends a link once, for the user whom it was made for",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      const [ann, bob] = [await addUser("ann"), await addUser("bob")];
      for (const user of [ann, bob]) {
        await links.prepare(user);
        await links.start(sampleLink(user));
      }
      assert.equal((await links.ask(sampleLink(ann), at()))?.pid, ann.pid);
      for (const _ of Array(3)) assert.equal(await links.ask(sampleLink(ann), at()), null);
      assert.equal((await links.ask(sampleLink(bob), at()))?.pid, bob.pid);
    },
  },
  ...CROWDS.map(
    ({ count, crowd }): Case<S> => ({
      title: `lets exactly one of ${crowd} parallel calls spend a link`,
      run: async ({ storer, addUser }) => {
        const links = linksOf(storer);
        const user = await addUser();
        await links.prepare(user);
        await links.start(sampleLink(user));
        const answers = await race(count, () => links.finish(sampleLink(user), at()));
        assert.deepEqual(
          winners(answers).map(({ pid }) => pid),
          [user.pid],
        );
      },
    }),
  ),
  {
    title: "leaves exactly one link alive of those that are made in parallel for one user",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      let first = 0;
      for (const round of ROUNDS) {
        const user = await addUser(`u${round}`);
        const made = Array.from({ length: 5 }, (_, index) => sampleLink(user, {}, `link ${index}`));
        await links.prepare(user);
        await Promise.all(made.map((link) => links.start(link)));
        // Spending one would end the others as well, so that only the one asked first tells; it is another one each round.
        const asked = [...made.slice(round % 5), ...made.slice(0, round % 5)];
        const answers = [];
        for (const link of asked) answers.push(await links.ask(link, at()));
        assert.equal(winners(answers).length, 1);
        if (answers[0] !== null) first += 1;
      }
      assert.ok(first < ROUNDS.length, "whichever link was tried first was alive");
    },
  },
  {
    title: "takes a link for dead exactly at its end, and for live a millisecond before",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      const user = await addUser();
      const link = sampleLink(user, { expiresAt: at(1_001) });
      await links.prepare(user);
      await links.start(link);
      for (const offset of [2_000, 1_002, 1_001]) assert.equal(await links.ask(link, at(offset)), null, `at ${offset}`);
      assert.ok(await links.ask(link, at(1_000)));
    },
  },
  {
    title: "lets only the newest link of a user work, were it the shorter one, and leaves those of others alone",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      const [ann, bob] = [await addUser("ann"), await addUser("bob")];
      for (const user of [ann, bob]) await links.prepare(user);
      const [old, middle] = [sampleLink(ann, {}, "old"), sampleLink(ann, {}, "middle")];
      const newest = sampleLink(ann, { expiresAt: at(1_000) }, "newest");
      for (const link of [old, middle, sampleLink(bob), newest]) await links.start(link);
      for (const link of [old, middle]) assert.equal(await links.ask(link, at(999)), null);
      assert.ok(await links.ask(newest, at(999)));
      for (const link of [old, middle, newest]) assert.equal(await links.ask(link, at(999)), null);
      assert.ok(await links.ask(sampleLink(bob), at(999)));
    },
  },
  {
    title: "brings no older link back when the newest has expired and was swept",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      const user = await addUser();
      await links.prepare(user);
      await links.start(sampleLink(user, {}, "old"));
      await links.start(sampleLink(user, { expiresAt: at(1_000) }, "newest"));
      assert.equal(await links.ask(sampleLink(user, {}, "old"), at(1_000)), null);
      await sweepAll(storer, at(1_000));
      assert.equal(await links.ask(sampleLink(user, {}, "old"), at(1_000)), null);
    },
  },
  {
    title: "lets either the old link be spent or the new one live, never both and never neither",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      for (const round of ROUNDS) {
        const user = await addUser(`u${round}`);
        const [old, next] = [sampleLink(user, {}, "old"), sampleLink(user, {}, "next")];
        await links.prepare(user);
        await links.start(old);
        const finish = () => links.finish(old, at());
        const start = () => links.start(next);
        const calls = round % 2 === 0 ? [finish(), start()] : [start(), finish()];
        const spent = (await Promise.all(calls)).find(Boolean) ?? null;
        assert.equal(await links.ask(old, at()), null);
        assert.equal((await links.ask(next, at())) === null, spent !== null);
      }
    },
  },
  {
    title: "takes no other verifier, no lookalike, and not the other half of another user's link; a refusal spends nothing",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      const [ann, bob] = [await addUser("ann"), await addUser("bob")];
      for (const user of [ann, bob]) {
        await links.prepare(user);
        await links.start(sampleLink(user));
      }
      const [anns, bobs] = [sampleLink(ann), sampleLink(bob)];
      const wrong = [
        ...lookalikes(anns.selector).map((selector) => ({ ...anns, selector })),
        ...lookalikes(anns.verifierHash).map((verifierHash) => ({ ...anns, verifierHash })),
        { ...anns, verifierHash: bobs.verifierHash },
        { ...anns, selector: anns.verifierHash, verifierHash: anns.selector },
      ];
      for (const proof of wrong) assert.equal(await links.ask(proof, at()), null, JSON.stringify(proof));
      for (const link of [anns, bobs]) assert.equal((await links.ask(link, at()))?.pid, link.pid);
    },
  },
  {
    title: "is of no use for another purpose, and takes no place of another purpose's link",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      for (const others of linksBeside(storer, links.purpose)) {
        const user = await addUser(others.purpose);
        const [own, other] = [sampleLink(user, {}, "own"), sampleLink(user, {}, "other")];
        for (const { prepare } of [links, others]) await prepare(user);
        await others.start(other);
        await links.start(own);
        assert.equal(await others.ask(own, at()), null, others.purpose);
        assert.equal(await links.ask(other, at()), null, others.purpose);
        assert.ok(await others.finish(other, at()), others.purpose);
      }
    },
  },
  {
    title: "takes the links of a user for dead once the epoch has advanced, and nobody else's",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      const [ann, bob] = [await addUser("ann"), await addUser("bob")];
      for (const user of [ann, bob]) {
        await links.prepare(user);
        await links.start(sampleLink(user));
      }
      const epoch = Number(await storer.advanceEpoch(ann.pid));
      assert.equal(await links.ask(sampleLink(ann), at()), null);
      assert.ok(await links.ask(sampleLink(bob), at()));
      await links.start(sampleLink(ann, { epoch }, "new"));
      assert.ok(await links.ask(sampleLink(ann, {}, "new"), at()));
    },
  },
  {
    title: "takes a link under another epoch than the user's, older or newer, for dead from the start",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      const user = await addUser();
      await links.prepare(user);
      const epoch = Number(await storer.advanceEpoch(user.pid));
      for (const other of [epoch - 1, epoch + 1]) {
        const link = sampleLink(user, { epoch: other }, `link ${other}`);
        await links.start(link);
        assert.equal(await links.ask(link, at()), null);
      }
    },
  },
  {
    title: "takes links for nobody, as often as one likes, and lets none of them work",
    run: async ({ storer }) => {
      const links = linksOf(storer);
      for (const name of ["one", "two"]) {
        const nobody = sampleUser("nobody");
        await links.start(sampleLink(nobody, {}, name));
        assert.equal(await links.ask(sampleLink(nobody, {}, name), at()), null);
      }
    },
  },
  {
    title: "takes the links of a user who is removed for dead",
    needs: "removeUser",
    run: async ({ storer, addUser, removeUser }) => {
      const links = linksOf(storer);
      const user = await addUser();
      await links.prepare(user);
      await links.start(sampleLink(user));
      await removeUser(user.pid);
      assert.equal(await links.ask(sampleLink(user), at()), null);
    },
  },
  {
    title: "keeps unusual text in the pid and the destination of a link",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      for (const text of UNUSUAL_TEXTS) {
        const user = await addUser(text, { pid: text, email: text });
        await links.prepare(user);
        await links.start(sampleLink(user));
        assert.equal((await links.ask(sampleLink(user), at()))?.pid, text);
      }
    },
  },
  {
    title: "copies a link on its way in",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      const user = await addUser();
      const link = sampleLink(user);
      await links.prepare(user);
      const starting = links.start(link);
      link.createdAt.setTime(0);
      link.expiresAt.setTime(0);
      await starting;
      assert.ok(await links.ask(link, at()));
    },
  },
  {
    title: "sweeps links that have expired, those of nobody too, and never a live one",
    run: async ({ storer, addUser }) => {
      const links = linksOf(storer);
      const [user, nobody] = [await addUser(), sampleUser("nobody")];
      await links.prepare(user);
      for (const index of Array(7).keys()) {
        await links.start(sampleLink({ ...nobody, pid: `pid-nobody-${index}` }, { expiresAt: at(1_000) }));
      }
      const live = sampleLink(user, { expiresAt: at(1_001) });
      await links.start(live);
      assert.equal(await sweepAll(storer, at(1_000)), 7);
      assert.ok(await links.ask(live, at(1_000)));
    },
  },
  {
    title: "rejects once it is closed, and never says that a link is dead",
    run: async ({ storer, addUser, close }) => {
      const links = linksOf(storer);
      const user = await addUser();
      await links.prepare(user);
      await links.start(sampleLink(user));
      if (!(await close())) return;
      await assert.rejects(async () => links.start(sampleLink(user, {}, "late")));
      await assert.rejects(async () => links.finish(sampleLink(user), at()));
    },
  },
];
