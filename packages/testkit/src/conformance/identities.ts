/** The suite of identities at providers: made, found, linked, unlinked. @module */
import assert from "node:assert/strict";
import type { AuthOperations, NewIdentity, OAuth2Operations, OAuth2User, ServerStorer } from "@castellan/core";
import {
  at,
  CROWDS,
  keyOf,
  lookalikes,
  ROUNDS,
  race,
  sampleIdentity,
  sampleSignIn,
  sampleUser,
  scribble,
  UNUSUAL_TEXTS,
} from "./samples.ts";
import type { Case } from "./suite.ts";

/** Passwords are set here, to see what counts as a way in. */
export type OAuth2Storer = ServerStorer<OAuth2User> & OAuth2Operations & AuthOperations;

const subjectsOf = async (storer: OAuth2Storer, pid: string): Promise<string[]> =>
  (await storer.listIdentities(pid)).map(({ subject }) => subject);

const withoutPassword = { passwordHash: null } as const;

/** A user with these identities, linked one after another, and no password. */
async function haveIdentities(storer: OAuth2Storer, ...subjects: readonly string[]): Promise<string> {
  const user = { ...sampleUser(), ...withoutPassword };
  const [first = "first", ...others] = subjects;
  assert.equal(await storer.createUserWithIdentity(user, sampleIdentity(first)), true);
  for (const [index, subject] of others.entries()) {
    assert.equal(await storer.linkIdentity(user.pid, 0, sampleIdentity(subject, { linkedAt: at(index + 1) })), true);
  }
  return user.pid;
}

export const identityCases: readonly Case<OAuth2Storer>[] = [
  {
    title: "makes a user of epoch 0 together with an identity, and finds both",
    run: async ({ storer }) => {
      const user = { ...sampleUser(), ...withoutPassword, profile: { name: "Ann" } };
      const identity = sampleIdentity("ann", { tokens: "sealed", email: null });
      assert.equal(await storer.createUserWithIdentity(user, identity), true);
      const loaded = await storer.load(user.pid);
      assert.deepEqual([loaded?.login, loaded?.epoch, loaded?.email, loaded?.profile], [user.login, 0, user.email, { name: "Ann" }]);
      assert.deepEqual(await storer.findIdentity(identity.issuer, "ann"), { ...identity, pid: user.pid });
      assert.deepEqual(await storer.listIdentities(user.pid), [{ ...identity, pid: user.pid }]);
    },
  },
  {
    title: "makes neither user nor identity when the login or the pid is taken",
    run: async ({ storer, addUser }) => {
      const ann = await addUser("ann");
      const eve = sampleUser("eve");
      assert.equal(await storer.createUserWithIdentity({ ...eve, login: ann.login }, sampleIdentity("eve")), false);
      assert.equal(await storer.createUserWithIdentity({ ...eve, pid: ann.pid }, sampleIdentity("eve")), false);
      assert.equal(await storer.load(eve.pid), null);
      assert.equal(await storer.findIdentity(sampleIdentity("eve").issuer, "eve"), null);
      assert.deepEqual(await storer.listIdentities(ann.pid), []);
    },
  },
  {
    title: "makes neither user nor identity when the identity is somebody's",
    run: async ({ storer }) => {
      const [ann, eve] = [sampleUser("ann"), sampleUser("eve")];
      await storer.createUserWithIdentity(ann, sampleIdentity("ann"));
      assert.equal(await storer.createUserWithIdentity(eve, sampleIdentity("ann", { tokens: "eve's" })), false);
      assert.equal(await storer.load(eve.pid), null);
      assert.deepEqual(await storer.findIdentity(sampleIdentity("ann").issuer, "ann"), { ...sampleIdentity("ann"), pid: ann.pid });
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<OAuth2Storer>[] => [
    {
      title: `makes exactly one of ${crowd} parallel users with one identity, and nothing of the others`,
      run: async ({ storer }) => {
        const answers = await race(count, (index) => storer.createUserWithIdentity(sampleUser(`${index}`), sampleIdentity("ann")));
        assert.equal(answers.filter(Boolean).length, 1);
        for (const [index, answer] of answers.entries()) {
          assert.equal((await storer.load(sampleUser(`${index}`).pid)) !== null, answer);
        }
        const owner = await storer.findIdentity(sampleIdentity("ann").issuer, "ann");
        assert.equal(owner?.pid, sampleUser(`${answers.indexOf(true)}`).pid);
      },
    },
    {
      title: `makes exactly one of ${crowd} parallel users with one login, and no identity of the others`,
      run: async ({ storer }) => {
        const answers = await race(count, (index) =>
          storer.createUserWithIdentity({ ...sampleUser(`${index}`), login: "ann" }, sampleIdentity(`${index}`)),
        );
        assert.equal(answers.filter(Boolean).length, 1);
        for (const [index, answer] of answers.entries()) {
          assert.equal((await storer.findIdentity(sampleIdentity("").issuer, `${index}`)) !== null, answer);
        }
      },
    },
    {
      title: `gives an identity to exactly one of ${crowd} users who link it at once`,
      run: async ({ storer, addUser }) => {
        const users = [];
        for (const index of Array(count).keys()) users.push(await addUser(`${index}`));
        const answers = await Promise.all(users.map(({ pid }) => storer.linkIdentity(pid, 0, sampleIdentity("ann"))));
        assert.equal(answers.filter(Boolean).length, 1);
        for (const [index, { pid }] of users.entries()) assert.equal((await subjectsOf(storer, pid)).length === 1, answers[index]);
      },
    },
  ]),
  {
    title: "lists a user's identities, the oldest first, and nobody else's",
    run: async ({ storer, addUser }) => {
      const bob = await addUser("bob");
      await storer.linkIdentity(bob.pid, 0, sampleIdentity("bob"));
      const pid = await haveIdentities(storer, "b", "a", "c");
      assert.deepEqual(await subjectsOf(storer, pid), ["b", "a", "c"]);
      assert.deepEqual(await subjectsOf(storer, bob.pid), ["bob"]);
      assert.deepEqual(await storer.listIdentities("pid-nobody"), []);
    },
  },
  {
    title: "links nothing to a user of another epoch, and nothing to nobody",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.advanceEpoch(pid);
      assert.equal(await storer.linkIdentity(pid, 0, sampleIdentity("ann")), false);
      assert.equal(await storer.linkIdentity(pid, 2, sampleIdentity("ann")), false);
      assert.equal(await storer.linkIdentity("pid-nobody", 0, sampleIdentity("ann")), false);
      assert.equal(await storer.findIdentity(sampleIdentity("ann").issuer, "ann"), null);
      assert.equal(await storer.linkIdentity(pid, 1, sampleIdentity("ann")), true);
      assert.equal((await storer.load(pid))?.epoch, 1);
    },
  },
  {
    title: "leaves an identity that is somebody's as it is, the same user's too",
    run: async ({ storer, addUser }) => {
      const [ann, eve] = [await addUser("ann"), await addUser("eve")];
      const given = sampleIdentity("ann", { tokens: "sealed" });
      await storer.linkIdentity(ann.pid, 0, given);
      assert.equal(await storer.linkIdentity(eve.pid, 0, sampleIdentity("ann", { tokens: "other" })), false);
      assert.equal(await storer.linkIdentity(ann.pid, 0, sampleIdentity("ann", { tokens: "other" })), false);
      assert.deepEqual(await storer.findIdentity(given.issuer, "ann"), { ...given, pid: ann.pid });
    },
  },
  {
    title: "takes no lookalike of issuer or subject for the same",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const { issuer, ...rest } = sampleIdentity("sub-Ann");
      await storer.linkIdentity(pid, 0, { ...rest, issuer });
      for (const other of lookalikes("sub-Ann")) assert.equal(await storer.findIdentity(issuer, other), null, other);
      for (const other of lookalikes(issuer)) assert.equal(await storer.findIdentity(other, "sub-Ann"), null, other);
      for (const other of lookalikes("sub-Ann").filter(Boolean)) {
        assert.equal(await storer.linkIdentity(pid, 0, sampleIdentity(other)), true, other);
      }
    },
  },
  {
    title: "keeps unusual and long text of an identity as it is",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const text of [...UNUSUAL_TEXTS, "s".repeat(255)]) {
        const identity = sampleIdentity(text, { issuer: `https://${text}`, provider: text, email: text, tokens: text });
        assert.equal(await storer.linkIdentity(pid, 0, identity), true, text);
        assert.deepEqual(await storer.findIdentity(identity.issuer, text), { ...identity, pid });
      }
      const long = sampleIdentity("long", { issuer: "i".repeat(512), tokens: "t".repeat(16_384) });
      await storer.linkIdentity(pid, 0, long);
      assert.deepEqual(await storer.findIdentity(long.issuer, "long"), { ...long, pid });
    },
  },
  {
    title: "unlinks an identity while another is left, and advances the epoch with it",
    run: async ({ storer }) => {
      const pid = await haveIdentities(storer, "one", "two");
      await storer.createSignIn(keyOf("browser"), sampleSignIn(pid));
      assert.equal(await storer.unlinkIdentity(pid, 0, sampleIdentity("one").issuer, "one", false), 1);
      assert.deepEqual(await subjectsOf(storer, pid), ["two"]);
      assert.equal((await storer.load(pid))?.epoch, 1);
      assert.equal(await storer.findSignIn(keyOf("browser"), at()), null);
      assert.equal(await storer.linkIdentity(pid, 1, sampleIdentity("one")), true);
    },
  },
  {
    title: "keeps the last way in: the last identity of a user without a password, or where passwords do not count",
    run: async ({ storer }) => {
      const pid = await haveIdentities(storer, "one");
      const { issuer } = sampleIdentity("one");
      assert.equal(await storer.unlinkIdentity(pid, 0, issuer, "one", false), null);
      assert.equal(await storer.unlinkIdentity(pid, 0, issuer, "one", true), null);
      const epoch = await storer.setPasswordHash(pid, "hash");
      assert.equal(epoch, 1);
      assert.equal(await storer.unlinkIdentity(pid, 1, issuer, "one", false), null);
      assert.deepEqual([await subjectsOf(storer, pid), (await storer.load(pid))?.epoch], [["one"], 1]);
      assert.equal(await storer.unlinkIdentity(pid, 1, issuer, "one", true), 2);
      assert.deepEqual(await storer.listIdentities(pid), []);
    },
  },
  {
    title: "unlinks nothing of another epoch, of somebody else, or that is not there; the epoch stays",
    run: async ({ storer, addUser }) => {
      const eve = await addUser("eve");
      const pid = await haveIdentities(storer, "one", "two");
      const { issuer } = sampleIdentity("one");
      assert.equal(await storer.unlinkIdentity(pid, 1, issuer, "one", true), null);
      assert.equal(await storer.unlinkIdentity(eve.pid, 0, issuer, "one", true), null);
      assert.equal(await storer.unlinkIdentity(pid, 0, issuer, "three", true), null);
      assert.equal(await storer.unlinkIdentity(pid, 0, `${issuer}/`, "one", true), null);
      assert.deepEqual([await subjectsOf(storer, pid), (await storer.load(pid))?.epoch], [["one", "two"], 0]);
      assert.equal((await storer.load(eve.pid))?.epoch, 0);
    },
  },
  {
    title: "keeps one way in, whichever two identities are unlinked at once",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const { pid } = await addUser(`round-${round}`, withoutPassword);
        const issuer = `https://${round}.example`;
        for (const subject of ["one", "two"]) await storer.linkIdentity(pid, 0, sampleIdentity(subject, { issuer }));
        const answers = await Promise.all(["one", "two"].map((subject) => storer.unlinkIdentity(pid, 0, issuer, subject, true)));
        assert.equal(answers.filter((answer) => answer !== null).length, 1);
        const [left] = await subjectsOf(storer, pid);
        assert.ok(left !== undefined);
        assert.equal(await storer.unlinkIdentity(pid, 1, issuer, left, true), null);
      }
    },
  },
  {
    title: "notes what a provider said, and leaves whose it is and since when",
    run: async ({ storer, addUser }) => {
      const eve = await addUser("eve");
      const pid = await haveIdentities(storer, "one");
      const given = sampleIdentity("one");
      const said = { issuer: given.issuer, subject: "one", provider: "other", email: "new@example.com", tokens: "newer" };
      assert.equal(await storer.noteIdentity(eve.pid, said), false);
      assert.equal(await storer.noteIdentity(pid, { ...said, subject: "two" }), false);
      assert.deepEqual(await storer.findIdentity(given.issuer, "one"), { ...given, pid });
      assert.equal(await storer.noteIdentity(pid, said), true);
      assert.deepEqual(await storer.findIdentity(given.issuer, "one"), { ...given, ...said, pid });
    },
  },
  {
    title: "replaces tokens only while they are the ones that were seen: of twenty at once one does",
    run: async ({ storer, addUser }) => {
      const eve = await addUser("eve");
      const pid = await haveIdentities(storer, "one");
      const { issuer } = sampleIdentity("one");
      assert.equal(await storer.replaceTokens(pid, issuer, "one", "wrong", "x"), false);
      assert.equal(await storer.replaceTokens(eve.pid, issuer, "one", null, "x"), false);
      assert.equal(await storer.replaceTokens(pid, issuer, "one", null, "first"), true);
      for (const other of lookalikes("first")) assert.equal(await storer.replaceTokens(pid, issuer, "one", other, "x"), false, other);
      const answers = await race(20, (index) => storer.replaceTokens(pid, issuer, "one", "first", `${index}`));
      assert.equal(answers.filter(Boolean).length, 1);
      assert.equal((await storer.findIdentity(issuer, "one"))?.tokens, `${answers.indexOf(true)}`);
      assert.equal(await storer.replaceTokens(pid, issuer, "one", `${answers.indexOf(true)}`, null), true);
      assert.equal((await storer.findIdentity(issuer, "one"))?.tokens, null);
    },
  },
  {
    title: "takes an identity of a user who is gone for nobody's, so that it can be linked anew",
    needs: "removeUser",
    run: async ({ storer, addUser, removeUser }) => {
      const pid = await haveIdentities(storer, "one");
      await removeUser(pid);
      const { issuer } = sampleIdentity("one");
      assert.equal(await storer.findIdentity(issuer, "one"), null);
      assert.deepEqual(await storer.listIdentities(pid), []);
      assert.equal(await storer.noteIdentity(pid, sampleIdentity("one")), false);
      const bob = await addUser("bob");
      assert.equal(await storer.linkIdentity(bob.pid, 0, sampleIdentity("one", { tokens: "bob's" })), true);
      assert.deepEqual(await storer.findIdentity(issuer, "one"), { ...sampleIdentity("one", { tokens: "bob's" }), pid: bob.pid });
    },
  },
  {
    title: "copies an identity on its way in and out",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const given: NewIdentity = sampleIdentity("one");
      const original = structuredClone(given);
      await storer.linkIdentity(pid, 0, given);
      given.linkedAt.setTime(0);
      const found = await storer.findIdentity(original.issuer, "one");
      found?.linkedAt.setTime(0);
      if (found) scribble(found, "subject", "other");
      assert.deepEqual(await storer.listIdentities(pid), [{ ...original, pid }]);
    },
  },
];
