/** The suite of new passwords by mailed links. @module */
import assert from "node:assert/strict";
import type { AuthableUser, MailedToken, Needs, NewUser, RecoverableUser, RecoverOperations } from "@castellan/core";
import { linksBeside, proofOf, recoveryLinks } from "./link-kinds.ts";
import { linkCases } from "./links.ts";
import { at, CROWDS, idOf, keyOf, ROUNDS, sampleLink, sampleSignIn, sampleUser, scribble, UNUSUAL_TEXTS, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

/** A recovery sets a password, so its users have one. */
type Storer = Needs<AuthableUser & RecoverableUser, RecoverOperations>;

const HASH = "$2b$04$the.recovered.hash";
const KEY = keyOf("a session id");

/** The links of one request: one for each of `count` addresses. */
const request = (user: NewUser, name: string, count: number, fields: Partial<MailedToken> = {}): MailedToken[] =>
  Array.from({ length: count }, (_, index) => sampleLink(user, { destination: `${index}@example.com`, ...fields }, `${name} ${index}`));

const isLive = async (storer: Storer, link: MailedToken): Promise<boolean> => (await storer.findRecovery(proofOf(link), at())) !== null;

const cases: readonly Case<Storer>[] = [
  ...linkCases<Storer>(recoveryLinks),
  {
    title: "finds the user of a live link and where it went, as often as it is asked, and changes nothing",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      await storer.startRecovery([sampleLink(user)]);
      const before = await storer.load(user.pid);
      for (const _ of Array(5)) {
        assert.deepEqual(await storer.findRecovery(sampleLink(user), at()), { pid: user.pid, destination: user.email });
      }
      assert.deepEqual(await storer.load(user.pid), before);
      assert.ok(await storer.finishRecovery(sampleLink(user), HASH, at()));
      assert.equal(await isLive(storer, sampleLink(user)), false);
    },
  },
  {
    title: "stores the new hash and advances the epoch by what it answers; nothing else changes, and nobody else does",
    run: async ({ storer, addUser }) => {
      const [user, bob] = [await addUser("ann"), await addUser("bob")];
      await storer.startRecovery([sampleLink(user)]);
      const [before, bobBefore] = [await storer.load(user.pid), await storer.load(bob.pid)];
      const done = await storer.finishRecovery(sampleLink(user), HASH, at());
      assert.ok(done && done.epoch > 0, "the epoch did not advance");
      assert.deepEqual(done, { pid: user.pid, epoch: done.epoch, destination: user.email });
      assert.deepEqual(await storer.load(user.pid), { ...before, passwordHash: HASH, epoch: done.epoch });
      assert.deepEqual(await storer.findByLogin(user.login), await storer.load(user.pid));
      assert.deepEqual(await storer.load(bob.pid), bobBefore);
    },
  },
  {
    title: "leaves password and epoch as they are when the link is dead",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      const link = sampleLink(user, { expiresAt: at(1_000) });
      await storer.startRecovery([link]);
      const before = await storer.load(user.pid);
      assert.equal(await storer.finishRecovery(link, HASH, at(1_000)), null);
      assert.equal(await storer.finishRecovery({ ...link, verifierHash: keyOf("wrong") }, HASH, at()), null);
      await storer.startRecovery([sampleLink(user, {}, "newer")]);
      assert.equal(await storer.finishRecovery(link, HASH, at()), null);
      assert.deepEqual(await storer.load(user.pid), before);
    },
  },
  {
    title: "gives a password to a user who has none, and keeps unusual hashes and destinations",
    run: async ({ storer, addUser }) => {
      for (const text of UNUSUAL_TEXTS) {
        const user = await addUser(text, { passwordHash: null });
        await storer.startRecovery([sampleLink(user, { destination: text })]);
        assert.equal((await storer.findRecovery(sampleLink(user), at()))?.destination, text);
        assert.equal((await storer.finishRecovery(sampleLink(user), text, at()))?.destination, text);
        assert.equal((await storer.load(user.pid))?.passwordHash, text);
      }
    },
  },
  {
    title: "ends every sign-in of the user, and refuses one that is under way",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(user.pid));
      await storer.startRecovery([sampleLink(user)]);
      await storer.finishRecovery(sampleLink(user), HASH, at());
      assert.equal(await storer.findSignIn(KEY, at()), null);
      assert.equal(await storer.createSignIn(keyOf("late"), sampleSignIn(user.pid, { id: idOf("late") })), false);
    },
  },
  {
    title: "ends every other link of the user with it, whatever its purpose",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      const others = linksBeside(storer, "recover");
      for (const { purpose, prepare, start } of others) {
        await prepare(user);
        await start(sampleLink(user, {}, purpose));
      }
      await storer.startRecovery([sampleLink(user)]);
      await storer.finishRecovery(sampleLink(user), HASH, at());
      for (const { purpose, ask } of others) assert.equal(await ask(sampleLink(user, {}, purpose), at()), null, purpose);
    },
  },
  {
    title: "lets each link of one request work, and tells where that one went",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      const links = request(user, "first", 7);
      await storer.startRecovery(links);
      for (const { destination, ...proof } of links) {
        assert.deepEqual(await storer.findRecovery(proofOf(proof), at()), { pid: user.pid, destination });
      }
      const last = request(user, "first", 7)[6] ?? sampleLink(user);
      assert.equal((await storer.finishRecovery(last, HASH, at()))?.destination, last.destination);
      for (const link of links) assert.equal(await isLive(storer, link), false);
    },
  },
  {
    title: "ends all links of an older request, had it more or fewer of them, and no link of anybody else",
    run: async ({ storer, addUser }) => {
      const [user, bob] = [await addUser("ann"), await addUser("bob")];
      const bobs = request(bob, "bob", 2);
      await storer.startRecovery(bobs);
      let older: MailedToken[] = [];
      for (const [round, count] of [3, 1, 4, 4, 2].entries()) {
        const newer = request(user, `round ${round}`, count);
        await storer.startRecovery(newer);
        for (const link of older) assert.equal(await isLive(storer, link), false, `round ${round}`);
        for (const link of newer) assert.equal(await isLive(storer, link), true, `round ${round}`);
        older = [...older, ...newer];
      }
      for (const link of bobs) assert.equal(await isLive(storer, link), true);
    },
  },
  {
    title: "takes several links for nobody, and lets none of them work",
    run: async ({ storer }) => {
      const links = request(sampleUser("nobody"), "nobody", 3);
      await storer.startRecovery(links);
      for (const link of links) {
        assert.equal(await isLive(storer, link), false);
        assert.equal(await storer.finishRecovery(link, HASH, at()), null);
      }
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<Storer>[] => [
    {
      title: `leaves the links of exactly one of ${crowd} parallel requests alive, all of them`,
      run: async ({ storer, addUser }) => {
        const user = await addUser();
        const requests = Array.from({ length: count }, (_, index) => request(user, `${index}`, 1 + (index % 3)));
        await Promise.all(requests.map((links) => storer.startRecovery(links)));
        const live: MailedToken[][] = [];
        for (const links of requests) {
          const found = await Promise.all(links.map((link) => isLive(storer, link)));
          assert.ok(new Set(found).size === 1, "of one request some links live and some do not");
          if (found[0]) live.push(links);
        }
        assert.equal(live.length, 1);
      },
    },
    {
      title: `lets exactly one of ${crowd} links of one request be spent in parallel, and keeps its hash`,
      run: async ({ storer, addUser }) => {
        const user = await addUser();
        const links = request(user, "request", count);
        await storer.startRecovery(links);
        const answers = await Promise.all(links.map((link, index) => storer.finishRecovery(link, `hash ${index}`, at())));
        const [won, ...others] = winners(answers);
        assert.ok(won && others.length === 0);
        const stored = await storer.load(user.pid);
        assert.equal(stored?.epoch, won.epoch);
        assert.equal(stored?.passwordHash, `hash ${answers.indexOf(won)}`);
        assert.equal(won.destination, links[answers.indexOf(won)]?.destination);
      },
    },
  ]),
  {
    title: "lets no recovery win under an epoch that advances before it",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const user = await addUser(`u${round}`);
        await storer.startRecovery([sampleLink(user)]);
        const finish = () => storer.finishRecovery(sampleLink(user), HASH, at());
        const advance = () => storer.advanceEpoch(user.pid);
        const answers = await Promise.all(round % 2 === 0 ? [finish(), advance()] : [advance(), finish()]);
        const done = winners(answers).find((answer) => typeof answer !== "number");
        const stored = await storer.load(user.pid);
        assert.equal(stored?.passwordHash, done ? HASH : user.passwordHash);
        assert.equal(new Set(winners(answers).map((answer) => (typeof answer === "number" ? answer : answer.epoch))).size, done ? 2 : 1);
        assert.equal(await isLive(storer, sampleLink(user)), false);
      }
    },
  },
  {
    title: "copies the links of a request, and what it answers",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      const [given, original] = [request(user, "a", 2), request(user, "a", 2)];
      const starting = storer.startRecovery(given);
      for (const link of given) scribble(link, "destination", "spoilt@example.com");
      given.length = 0;
      await starting;
      for (const link of original) {
        const found = await storer.findRecovery(link, at());
        assert.deepEqual(found, { pid: user.pid, destination: link.destination });
        scribble(found, "destination", "spoilt@example.com");
        assert.equal((await storer.findRecovery(link, at()))?.destination, link.destination);
      }
    },
  },
  {
    title: "rejects once it is closed, and never says that nothing is found",
    run: async ({ storer, addUser, close }) => {
      const user = await addUser();
      await storer.startRecovery([sampleLink(user)]);
      if (!(await close())) return;
      await assert.rejects(async () => storer.findRecovery(sampleLink(user), at()));
    },
  },
];

/** What a storer of the capabilities `recoverable` and `authable` promises. */
export const recoverableConformance: Suite<Storer> = { name: "recoverable", cases };
