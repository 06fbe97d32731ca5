/** The suite of making users. @module */
import assert from "node:assert/strict";
import type { CreatingServerStorer } from "@castellan/core";
import { assertIncludes, at, CROWDS, keyOf, lookalikes, race, sampleSignIn, sampleUser, scribble, UNUSUAL_TEXTS } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

const cases: readonly Case<CreatingServerStorer>[] = [
  {
    title: "makes a user of epoch 0 who is found whole by pid, by login and by sign-in",
    run: async ({ storer }) => {
      const user = { ...sampleUser("ann"), profile: { name: "Ann", town: "Bern" } };
      assert.equal(await storer.createUser(user), true);
      const { pid, login, email, profile } = user;
      const expected = { pid, login, email, profile, epoch: 0 };
      assertIncludes(await storer.load(pid), expected);
      assertIncludes(await storer.findByLogin(login), expected);
      await storer.createSignIn(keyOf("a"), sampleSignIn(pid));
      assertIncludes((await storer.findSignIn(keyOf("a"), at()))?.user ?? null, expected);
    },
  },
  {
    title: "makes a user without address, password or profile",
    run: async ({ storer }) => {
      const user = { ...sampleUser(), email: null, passwordHash: null, profile: {} };
      assert.equal(await storer.createUser(user), true);
      assertIncludes(await storer.load(user.pid), { email: null, profile: {}, epoch: 0 });
    },
  },
  {
    title: "makes no user with a login that is taken, and changes nothing",
    run: async ({ storer }) => {
      const [ann, eve] = [sampleUser("ann"), sampleUser("eve")];
      await storer.createUser(ann);
      const before = await storer.load(ann.pid);
      assert.equal(await storer.createUser({ ...eve, login: ann.login }), false);
      assert.equal(await storer.load(eve.pid), null);
      assert.deepEqual(await storer.findByLogin(ann.login), before);
    },
  },
  {
    title: "makes no user with a pid that is taken, and changes nothing",
    run: async ({ storer }) => {
      const [ann, eve] = [sampleUser("ann"), sampleUser("eve")];
      await storer.createUser(ann);
      await storer.advanceEpoch(ann.pid);
      const before = await storer.load(ann.pid);
      assert.equal(await storer.createUser({ ...eve, pid: ann.pid }), false);
      assert.equal(await storer.createUser(ann), false);
      assert.equal(await storer.findByLogin(eve.login), null);
      assert.deepEqual(await storer.load(ann.pid), before);
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<CreatingServerStorer>[] => [
    {
      title: `makes exactly one of ${crowd} parallel users with one login, and nothing of the others`,
      run: async ({ storer }) => {
        const users = Array.from({ length: count }, (_, index) => ({ ...sampleUser(`${index}`), login: "ann" }));
        const answers = await Promise.all(users.map((user) => storer.createUser(user)));
        assert.equal(answers.filter(Boolean).length, 1);
        for (const [index, user] of users.entries()) assert.equal((await storer.load(user.pid)) !== null, answers[index]);
        assert.equal((await storer.findByLogin("ann"))?.pid, users[answers.indexOf(true)]?.pid);
      },
    },
    {
      title: `makes exactly one of ${crowd} parallel users with one pid, and nothing of the others`,
      run: async ({ storer }) => {
        const users = Array.from({ length: count }, (_, index) => ({ ...sampleUser(`${index}`), pid: "pid-ann" }));
        const answers = await Promise.all(users.map((user) => storer.createUser(user)));
        assert.equal(answers.filter(Boolean).length, 1);
        for (const [index, user] of users.entries()) assert.equal((await storer.findByLogin(user.login)) !== null, answers[index]);
      },
    },
  ]),
  {
    title: "makes all of twenty parallel users with logins of their own",
    run: async ({ storer }) => {
      const answers = await race(20, (index) => storer.createUser(sampleUser(`${index}`)));
      assert.deepEqual(answers, Array(20).fill(true));
      for (const index of Array(20).keys()) assert.ok(await storer.load(sampleUser(`${index}`).pid));
    },
  },
  {
    title: "takes no lookalike for a login or a pid that is taken",
    run: async ({ storer }) => {
      const ann = { ...sampleUser("zoë"), pid: "pid-zoë" };
      await storer.createUser(ann);
      // A login or a pid is never empty: the check of loaded users says so.
      const others = (text: string) => [...lookalikes(text), text.normalize("NFD")].filter((other) => other !== "");
      for (const [index, login] of others(ann.login).entries()) {
        assert.equal(await storer.createUser({ ...sampleUser(`login ${index}`), login }), true, JSON.stringify(login));
      }
      for (const [index, pid] of others(ann.pid).entries()) {
        assert.equal(await storer.createUser({ ...sampleUser(`pid ${index}`), pid }), true, JSON.stringify(pid));
      }
      assert.equal((await storer.findByLogin(ann.login))?.pid, ann.pid);
    },
  },
  {
    title: "refuses for login and pid only: an address may be shared, and a login may look like somebody's pid",
    run: async ({ storer }) => {
      const [ann, bob] = [sampleUser("ann"), sampleUser("bob")];
      await storer.createUser(ann);
      assert.equal(await storer.createUser({ ...bob, email: ann.email, login: ann.pid }), true);
      assert.equal((await storer.load(ann.pid))?.login, ann.login);
      assert.equal((await storer.findByLogin(ann.pid))?.pid, bob.pid);
    },
  },
  {
    title: "keeps unusual text in pid, login, address and profile as it is",
    run: async ({ storer }) => {
      for (const text of UNUSUAL_TEXTS) {
        const user = { ...sampleUser(), pid: `p${text}`, login: text, email: `${text}@example.com`, profile: { [`f${text}`]: text } };
        assert.equal(await storer.createUser(user), true, text);
        const { pid, login, email, profile } = user;
        assertIncludes(await storer.load(pid), { pid, login, email, profile });
      }
    },
  },
  {
    title: "keeps profiles with empty, long and many-lined text, and a pid of 128 characters",
    run: async ({ storer }) => {
      const profile = { empty: "", long: "ü".repeat(1_024), lines: "one\r\ntwo\n\tthree", json: '{"a":[1]}', constructor: "mason" };
      const user = { ...sampleUser(), pid: "p".repeat(128), profile };
      assert.equal(await storer.createUser(user), true);
      assert.deepEqual((await storer.load(user.pid))?.profile, profile);
    },
  },
  {
    title: "copies a user on the way in and out: the profile too",
    run: async ({ storer }) => {
      const user = { ...sampleUser(), profile: { name: "Ann" } };
      await storer.createUser(user);
      user.profile.name = "Eve";
      user.createdAt.setTime(0);
      const loaded = await storer.load(user.pid);
      assert.deepEqual(loaded?.profile, { name: "Ann" });
      scribble(loaded.profile, "name", "Eve");
      scribble(loaded, "email", "eve@example.com");
      assertIncludes(await storer.load(user.pid), { email: "ann@example.com", profile: { name: "Ann" } });
      assert.deepEqual((await storer.findByLogin(user.login))?.profile, { name: "Ann" });
    },
  },
  {
    title: "rejects once it is closed, and never says that a login is taken",
    run: async ({ storer, close }) => {
      if (await close()) await assert.rejects(async () => storer.createUser(sampleUser()));
    },
  },
];

/** What a storer of the capability `creating` promises. */
export const creatingConformance: Suite<CreatingServerStorer> = { name: "creating", cases };
