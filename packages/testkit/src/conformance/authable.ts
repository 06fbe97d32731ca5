/** The suite of users with a password. @module */
import assert from "node:assert/strict";
import type { AuthingServerStorer } from "@castellan/core";
import { at, CROWDS, idOf, keyOf, lookalikes, ROUNDS, race, sampleSignIn, scribble, UNUSUAL_TEXTS, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

const KEY = keyOf("a session id");

const cases: readonly Case<AuthingServerStorer>[] = [
  {
    title: "answers the password's hash with the user, and null for a user without a password",
    run: async ({ storer, addUser }) => {
      const { pid, login, passwordHash } = await addUser("ann");
      const bob = await addUser("bob", { passwordHash: null });
      assert.equal((await storer.load(pid))?.passwordHash, passwordHash);
      assert.equal((await storer.findByLogin(login))?.passwordHash, passwordHash);
      await storer.createSignIn(KEY, sampleSignIn(pid));
      assert.equal((await storer.findSignIn(KEY, at()))?.user.passwordHash, passwordHash);
      assert.equal((await storer.load(bob.pid))?.passwordHash, null);
      assert.equal((await storer.findByLogin(bob.login))?.passwordHash, null);
    },
  },
  {
    title: "changes a password: answers the new epoch, and changes nothing else of the user and nobody else",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      const [before, bobBefore] = [await storer.load(pid), await storer.load(bob.pid)];
      const epoch = await storer.changePasswordHash(pid, 0, "hash two");
      assert.ok(epoch !== null && epoch > 0, `the epoch did not advance: ${epoch}`);
      assert.deepEqual(await storer.load(pid), { ...before, epoch, passwordHash: "hash two" });
      assert.deepEqual(await storer.load(bob.pid), bobBefore);
      assert.equal(before?.passwordHash, "$2b$04$hash.of.ann", "a user that was handed out never changes");
    },
  },
  {
    title: "changes no password under another epoch, neither an older nor a newer one, nor for nobody",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const epoch = Number(await storer.advanceEpoch(pid));
      const before = await storer.load(pid);
      for (const other of [epoch - 1, epoch + 1]) assert.equal(await storer.changePasswordHash(pid, other, "stale"), null);
      for (const lookalike of lookalikes(pid)) {
        assert.equal(await storer.changePasswordHash(lookalike, epoch, "stale"), null, JSON.stringify(lookalike));
      }
      assert.deepEqual(await storer.load(pid), before);
    },
  },
  ...CROWDS.map(
    ({ count, crowd }): Case<AuthingServerStorer> => ({
      title: `lets exactly one of ${crowd} parallel changes of one epoch win, and keeps its hash`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        const answers = await race(count, (index) => storer.changePasswordHash(pid, 0, `hash ${index}`));
        assert.equal(winners(answers).length, 1);
        const winner = answers.findIndex((epoch) => epoch !== null);
        const user = await storer.load(pid);
        assert.equal(user?.passwordHash, `hash ${winner}`);
        assert.equal(user.epoch, answers[winner]);
      },
    }),
  ),
  {
    title: "sets a password whatever it and the epoch were, for a user without one too",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann", { passwordHash: null });
      const advanced = Number(await storer.advanceEpoch(pid));
      const before = await storer.load(pid);
      const epoch = await storer.setPasswordHash(pid, "hash two");
      assert.ok(epoch !== null && epoch > advanced, `the epoch did not advance: ${epoch}`);
      assert.deepEqual(await storer.load(pid), { ...before, epoch, passwordHash: "hash two" });
    },
  },
  {
    title: "sets no password for nobody, and makes nobody by it",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const lookalike of ["pid-nobody", ...lookalikes(pid)]) {
        assert.equal(await storer.setPasswordHash(lookalike, "hash"), null, JSON.stringify(lookalike));
        assert.equal(await storer.load(lookalike), null);
      }
    },
  },
  {
    title: "gives each of twenty parallel settings an epoch of its own, and keeps the hash of the last",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const epochs = (await race(20, (index) => storer.setPasswordHash(pid, `hash ${index}`))).map(Number);
      assert.equal(new Set(epochs).size, 20);
      const last = Math.max(...epochs);
      const user = await storer.load(pid);
      assert.equal(user?.epoch, last);
      assert.equal(user.passwordHash, `hash ${epochs.indexOf(last)}`);
    },
  },
  {
    title: "ends every sign-in when the password changes or is set, and refuses one that was under way",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const changes = [
        (epoch: number) => storer.changePasswordHash(pid, epoch, "hash two"),
        () => storer.setPasswordHash(pid, "hash three"),
      ];
      let epoch = 0;
      for (const change of changes) {
        const key = keyOf(`under ${epoch}`);
        assert.equal(await storer.createSignIn(key, sampleSignIn(pid, { id: idOf(`under ${epoch}`), epoch })), true);
        const next = Number(await change(epoch));
        assert.equal(await storer.findSignIn(key, at()), null);
        assert.equal(await storer.createSignIn(keyOf("late"), sampleSignIn(pid, { id: idOf("late"), epoch })), false);
        epoch = next;
      }
    },
  },
  {
    title: "lets no sign-in under the old password outlive a change at the same time",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      let epoch = 0;
      for (const round of ROUNDS) {
        const key = keyOf(`${round}`);
        const signIn = sampleSignIn(pid, { id: idOf(`${round}`), epoch });
        const [, next] = await Promise.all([storer.createSignIn(key, signIn), storer.changePasswordHash(pid, epoch, `hash ${round}`)]);
        assert.equal(await storer.findSignIn(key, at()), null);
        epoch = Number(next);
      }
    },
  },
  {
    title: "replaces a hash by a stronger one of the same password; the epoch and the sign-ins stay",
    run: async ({ storer, addUser }) => {
      const { pid, passwordHash } = await addUser();
      await storer.createSignIn(KEY, sampleSignIn(pid));
      const before = await storer.load(pid);
      assert.equal(await storer.upgradePasswordHash(pid, String(passwordHash), "stronger"), true);
      assert.deepEqual(await storer.load(pid), { ...before, passwordHash: "stronger" });
      assert.ok(await storer.findSignIn(KEY, at()));
    },
  },
  {
    title: "replaces a hash only while it is exactly what is stored",
    run: async ({ storer, addUser }) => {
      const { pid, passwordHash } = await addUser("ann");
      const bob = await addUser("bob", { passwordHash: null });
      const hash = String(passwordHash);
      for (const lookalike of lookalikes(hash)) {
        assert.equal(await storer.upgradePasswordHash(pid, lookalike, "stronger"), false, JSON.stringify(lookalike));
      }
      assert.equal(await storer.upgradePasswordHash("pid-nobody", hash, "stronger"), false);
      assert.equal(await storer.upgradePasswordHash(bob.pid, hash, "stronger"), false);
      assert.equal(await storer.upgradePasswordHash(bob.pid, "", "stronger"), false);
      assert.equal((await storer.load(pid))?.passwordHash, hash);
      assert.equal((await storer.load(bob.pid))?.passwordHash, null);
    },
  },
  {
    title: "lets exactly one of twenty parallel replacements of one hash win",
    run: async ({ storer, addUser }) => {
      const { pid, passwordHash } = await addUser();
      const answers = await race(20, (index) => storer.upgradePasswordHash(pid, String(passwordHash), `stronger ${index}`));
      assert.equal(winners(answers).length, 1);
      assert.equal((await storer.load(pid))?.passwordHash, `stronger ${answers.indexOf(true)}`);
    },
  },
  {
    title: "lets a change of password win over a replacement of the old hash at the same time",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const round of ROUNDS) {
        const user = await storer.load(pid);
        assert.ok(user?.passwordHash);
        const { epoch, passwordHash } = user;
        const change = () => storer.changePasswordHash(pid, epoch, `new ${round}`);
        const upgrade = () => storer.upgradePasswordHash(pid, passwordHash, `stronger ${round}`);
        const [first, second] = round % 2 === 0 ? [change, upgrade] : [upgrade, change];
        await Promise.all([first(), second()]);
        assert.equal((await storer.load(pid))?.passwordHash, `new ${round}`);
      }
    },
  },
  {
    title: "keeps a hash of 255 characters and unusual text in it as it is",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const hash of ["$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "$".repeat(255), ...UNUSUAL_TEXTS]) {
        await storer.setPasswordHash(pid, hash);
        assert.equal((await storer.load(pid))?.passwordHash, hash);
      }
    },
  },
  {
    title: "hands out copies: writing to a user's hash changes nothing",
    run: async ({ storer, addUser }) => {
      const { pid, passwordHash } = await addUser();
      const user = await storer.load(pid);
      assert.ok(user);
      scribble(user, "passwordHash", "stolen");
      assert.equal((await storer.load(pid))?.passwordHash, passwordHash);
    },
  },
  {
    title: "rejects once it is closed, and never says that nothing was changed",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      if (!(await close())) return;
      await assert.rejects(async () => storer.changePasswordHash(pid, 0, "hash"));
      await assert.rejects(async () => storer.setPasswordHash(pid, "hash"));
      await assert.rejects(async () => storer.upgradePasswordHash(pid, "hash", "stronger"));
    },
  },
];

/** What a storer of the capability `authable` promises. */
export const authableConformance: Suite<AuthingServerStorer> = { name: "authable", cases };
