/** Looking users up and advancing epochs: the first half of what every storer promises. @module */
import assert from "node:assert/strict";
import type { ServerStorer } from "@castellan/core";
import { assertIncludes, at, CROWDS, keyOf, lookalikes, race, sampleSignIn, scribble, UNUSUAL_TEXTS } from "./samples.ts";
import type { Case } from "./suite.ts";

export const userCases: readonly Case<ServerStorer>[] = [
  {
    title: "finds a user by pid and by login, of epoch 0",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser("ann");
      await addUser("bob");
      for (const user of [await storer.load(pid), await storer.findByLogin(login)]) {
        assertIncludes(user, { pid, login, epoch: 0 });
      }
    },
  },
  {
    title: "fills in each of its declared user fields wherever it answers a user",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser();
      await storer.createSignIn(keyOf("a"), sampleSignIn(pid));
      const found = await storer.findSignIn(keyOf("a"), at());
      const users = { load: await storer.load(pid), findByLogin: await storer.findByLogin(login), findSignIn: found?.user };
      for (const [operation, user] of Object.entries(users)) {
        const fields = new Map(Object.entries(user ?? {}));
        for (const field of storer.userFields) assert.notEqual(fields.get(field), undefined, `${operation} leaves out ${field}`);
      }
    },
  },
  {
    title: "answers null for a user that nobody made",
    run: async ({ storer }) => {
      assert.equal(await storer.load("pid-nobody"), null);
      assert.equal(await storer.findByLogin("nobody@example.com"), null);
      assert.equal(await storer.advanceEpoch("pid-nobody"), null);
      assert.equal(await storer.load("pid-nobody"), null);
    },
  },
  {
    title: "takes no lookalike for a pid: other case, spaces, beginnings, patterns",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const lookalike of lookalikes(pid)) {
        assert.equal(await storer.load(lookalike), null, JSON.stringify(lookalike));
        assert.equal(await storer.advanceEpoch(lookalike), null, JSON.stringify(lookalike));
      }
      assert.equal((await storer.load(pid))?.epoch, 0);
    },
  },
  {
    title: "takes no lookalike for a login: it is compared as it is, since core has normalised it",
    run: async ({ storer, addUser }) => {
      const { login } = await addUser("zoë");
      assert.ok(await storer.findByLogin(login));
      for (const lookalike of [...lookalikes(login), login.normalize("NFD"), login.replace("ë", "e")]) {
        assert.equal(await storer.findByLogin(lookalike), null, JSON.stringify(lookalike));
      }
    },
  },
  {
    title: "keeps unusual text in pids and logins as it is",
    run: async ({ storer, addUser }) => {
      for (const text of UNUSUAL_TEXTS) await addUser("x", { pid: `p${text}`, login: text });
      for (const text of UNUSUAL_TEXTS) {
        assertIncludes(await storer.load(`p${text}`), { pid: `p${text}`, login: text });
        assert.equal((await storer.findByLogin(text))?.pid, `p${text}`);
      }
    },
  },
  {
    title: "keeps a pid of 128 characters and a login of 254, and tells them from others of the same beginning",
    run: async ({ storer, addUser }) => {
      const pid = "p".repeat(127);
      const login = `${"l".repeat(241)}@example.com`;
      await addUser("x", { pid: `${pid}1`, login: `${login}1` });
      await addUser("y", { pid: `${pid}2`, login: `${login}2` });
      assert.equal((await storer.load(`${pid}1`))?.login, `${login}1`);
      assert.equal((await storer.findByLogin(`${login}2`))?.pid, `${pid}2`);
      assert.equal(await storer.load(pid), null);
    },
  },
  {
    title: "hands out copies of users: writing to one changes nothing",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser();
      for (const find of [() => storer.load(pid), () => storer.findByLogin(login)]) {
        const user = await find();
        assert.ok(user);
        const before = structuredClone(user);
        scribble(user, "login", "eve@example.com");
        scribble(user, "epoch", 99);
        assert.deepEqual(await find(), before);
      }
    },
  },
  {
    title: "hands out users that never change, whatever happens to the user afterwards",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const user = await storer.load(pid);
      const before = structuredClone(user);
      await storer.advanceEpoch(pid);
      assert.deepEqual(user, before);
    },
  },
  {
    title: "advances an epoch and answers the new one; nothing else of the user changes, and nobody else does",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      const before = await storer.load(pid);
      const bobBefore = await storer.load(bob.pid);
      const epoch = await storer.advanceEpoch(pid);
      assert.ok(epoch !== null && epoch > 0, `the epoch did not advance: ${epoch}`);
      assert.deepEqual(await storer.load(pid), { ...before, epoch });
      assert.deepEqual(await storer.load(bob.pid), bobBefore);
    },
  },
  ...CROWDS.map(
    ({ count, crowd }): Case<ServerStorer> => ({
      title: `loses none of ${crowd} parallel advances: each answers an epoch of its own, and the last one stays`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        const epochs = await race(count, () => storer.advanceEpoch(pid));
        assert.equal(new Set(epochs).size, count);
        assert.equal((await storer.load(pid))?.epoch, Math.max(...epochs.map(Number)));
      },
    }),
  ),
  {
    title: "rejects once it is closed, and never says that nobody was found",
    run: async ({ storer, addUser, close }) => {
      const { pid, login } = await addUser();
      if (!(await close())) return;
      await assert.rejects(async () => storer.load(pid));
      await assert.rejects(async () => storer.findByLogin(login));
      await assert.rejects(async () => storer.advanceEpoch(pid));
      await assert.rejects(async () => storer.createSignIn(keyOf("a"), sampleSignIn(pid)));
      await assert.rejects(async () => storer.findSignIn(keyOf("a"), at()));
      await assert.rejects(async () => storer.endSignIn(keyOf("a")));
      await assert.rejects(async () => storer.listSignIns(pid, at()));
    },
  },
];
