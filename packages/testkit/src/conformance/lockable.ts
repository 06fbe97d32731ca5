/** The suite of locks: its second part is about users, administrators and links. @module */
import assert from "node:assert/strict";
import { days, type LockingServerStorer, type NewUser, seconds } from "@castellan/core";
import { unlockLinks } from "./link-kinds.ts";
import { linkCases } from "./links.ts";
import { attempts, lockAdmissionCases, lockNow } from "./lock-admission.ts";
import {
  assertIncludes,
  at,
  keyOf,
  lookalikes,
  ROUNDS,
  race,
  SAMPLE_POLICY,
  sampleLink,
  sampleSignIn,
  scribble,
  sweepAll,
  UNUSUAL_TEXTS,
} from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = LockingServerStorer;

const KEY = keyOf("a session id");
const { after, lasts: LASTS, window: WINDOW } = SAMPLE_POLICY;

const subjectOf = ({ pid }: NewUser): string => `pid:${pid}`;

type Lock = { readonly lockedUntil: Date | null; readonly lockedBy: string | null };
const NONE: Lock = { lockedUntil: null, lockedBy: null };
const byAttempts = (offset: number): Lock => ({ lockedUntil: at(offset), lockedBy: "attempts" });
const byAdministrator = (offset: number): Lock => ({ lockedUntil: at(offset), lockedBy: "administrator" });

/** Asserts that every look-up shows the lock, and that nothing else of the user is other than `before`. */
async function assertLock(storer: Storer, { pid, login }: NewUser, lock: Lock, before: object | null): Promise<void> {
  assert.deepEqual(await storer.load(pid), { ...before, ...lock });
  assert.deepEqual(await storer.findByLogin(login), { ...before, ...lock });
  const found = await storer.findSignIn(KEY, at());
  if (found?.signIn.pid === pid) assert.deepEqual(found.user, { ...before, ...lock });
}

const userCases: readonly Case<Storer>[] = [
  {
    title: "makes users who are not locked",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      assertIncludes(await storer.load(user.pid), NONE);
      await assertLock(storer, user, NONE, await storer.load(user.pid));
    },
  },
  {
    title:
      "shows the lock of a user's subject in every look-up, from the attempt that begins it on; nothing else changes, and nobody else does",
    run: async ({ storer, addUser }) => {
      const [user, bob] = [await addUser("ann"), await addUser("bob")];
      await storer.createSignIn(KEY, sampleSignIn(user.pid));
      const [before, bobBefore] = [await storer.load(user.pid), await storer.load(bob.pid)];
      await attempts(storer, after, 0, subjectOf(user));
      await assertLock(storer, user, NONE, before);
      await attempts(storer, 1, 0, subjectOf(user));
      assert.ok(await storer.findSignIn(KEY, at()), "a lock must not end a sign-in");
      await assertLock(storer, user, byAttempts(LASTS), before);
      await assertLock(storer, bob, NONE, bobBefore);
    },
  },
  {
    title: "shows a lock that is over until the next attempt, or a complete sign-in, takes it away",
    run: async ({ storer, addUser }) => {
      for (const name of ["attempt", "secret"]) {
        const user = await addUser(name);
        const before = await storer.load(user.pid);
        await lockNow(storer, 0, subjectOf(user));
        await assertLock(storer, user, byAttempts(LASTS), before);
        if (name === "attempt") await attempts(storer, 1, LASTS, subjectOf(user));
        else await storer.clearAttempts(subjectOf(user), at(LASTS));
        await assertLock(storer, user, NONE, before);
      }
    },
  },
  {
    title: "shows no lock of another subject: a known browser, an unknown login, a lookalike",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      const before = await storer.load(user.pid);
      for (const subject of [`${subjectOf(user)}:browser:YQ`, `login:${user.login}`, user.pid, ...lookalikes(subjectOf(user))]) {
        await lockNow(storer, 0, subject);
        await assertLock(storer, user, NONE, before);
      }
    },
  },
  {
    title: "finds the subjects of users with unusual pids",
    run: async ({ storer, addUser }) => {
      for (const [index, text] of UNUSUAL_TEXTS.entries()) {
        const user = await addUser(text, { pid: text });
        const before = await storer.load(text);
        await lockNow(storer, index, subjectOf(user));
        await assertLock(storer, user, byAttempts(index + LASTS), before);
        assert.equal(await storer.lockUser(text, at(index)), true);
        await assertLock(storer, user, byAdministrator(index), before);
      }
    },
  },
];

const administratorCases: readonly Case<Storer>[] = [
  {
    title: "locks a user for an administrator, to the millisecond, in every look-up; the epoch and the sign-ins stay",
    run: async ({ storer, addUser }) => {
      const [user, bob] = [await addUser("ann"), await addUser("bob")];
      await storer.createSignIn(KEY, sampleSignIn(user.pid));
      const [before, bobBefore] = [await storer.load(user.pid), await storer.load(bob.pid)];
      assert.equal(await storer.lockUser(user.pid, at(1_001)), true);
      assert.ok(await storer.findSignIn(KEY, at()));
      await assertLock(storer, user, byAdministrator(1_001), before);
      await assertLock(storer, bob, NONE, bobBefore);
    },
  },
  {
    title: "admits nothing while an administrator's lock runs, extends it for nothing, and counts anew exactly when it is over",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      await attempts(storer, 2, 0, subjectOf(user));
      await storer.lockUser(user.pid, at(1_000));
      for (const offset of [0, 999]) {
        const refused = { admitted: false, lockedUntil: at(1_000), lockedNow: false };
        assert.deepEqual(await attempts(storer, 5, offset, subjectOf(user)), Array(5).fill(refused));
        await storer.clearAttempts(subjectOf(user), at(offset));
      }
      assert.equal(await lockNow(storer, 1_000, subjectOf(user)), LASTS);
      assertIncludes(await storer.load(user.pid), byAttempts(1_000 + LASTS));
    },
  },
  {
    title: "locks for a hundred years",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      await storer.lockUser(user.pid, at(days(36_500)));
      assertIncludes(await storer.load(user.pid), byAdministrator(days(36_500)));
      assert.equal((await attempts(storer, 1, days(36_000), subjectOf(user)))[0]?.admitted, false);
    },
  },
  {
    title: "puts an administrator's lock in place of any other, be it longer or shorter",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      const before = await storer.load(user.pid);
      await lockNow(storer, 0, subjectOf(user));
      for (const offset of [LASTS - 1, 2 * LASTS, 1]) {
        assert.equal(await storer.lockUser(user.pid, at(offset)), true);
        await assertLock(storer, user, byAdministrator(offset), before);
      }
      assert.equal((await attempts(storer, 1, 1, subjectOf(user)))[0]?.admitted, true);
    },
  },
  {
    title: "counts an administrator's lock for nothing: the next one by attempts lasts as long as it would have",
    run: async ({ storer, addUser }) => {
      const [fresh, locked] = [await addUser("fresh"), await addUser("locked")];
      await lockNow(storer, 0, subjectOf(locked));
      for (const { pid } of [fresh, locked]) await storer.lockUser(pid, at(2 * LASTS));
      assert.equal(await lockNow(storer, 2 * LASTS, subjectOf(fresh)), LASTS);
      assert.equal(await lockNow(storer, 2 * LASTS, subjectOf(locked)), 2 * LASTS);
    },
  },
  {
    title: "locks and unlocks no user who does not exist, and takes no lookalike for a pid",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      const before = await storer.load(user.pid);
      for (const lookalike of ["pid-nobody", ...lookalikes(user.pid)]) {
        assert.equal(await storer.lockUser(lookalike, at(1_000)), false, JSON.stringify(lookalike));
        assert.equal((await attempts(storer, 1, 0, `pid:${lookalike}`))[0]?.admitted, true, JSON.stringify(lookalike));
      }
      await assertLock(storer, user, NONE, before);
      await storer.lockUser(user.pid, at(1_000));
      for (const lookalike of ["pid-nobody", ...lookalikes(user.pid)]) {
        assert.equal(await storer.unlockUser(lookalike), false, JSON.stringify(lookalike));
      }
      await assertLock(storer, user, byAdministrator(1_000), before);
    },
  },
  {
    title: "answers true to all of twenty parallel locks, and keeps one end of theirs",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      assert.deepEqual(await race(20, (index) => storer.lockUser(pid, at(1_000 + index))), Array(20).fill(true));
      const user = await storer.load(pid);
      assert.equal(user?.lockedBy, "administrator");
      assert.ok(user.lockedUntil && user.lockedUntil >= at(1_000) && user.lockedUntil < at(1_020));
    },
  },
  {
    title: "lets an administrator's lock win over one by attempts that begins at the same time",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const user = await addUser(`u${round}`);
        await attempts(storer, after, 0, subjectOf(user));
        const attempt = () => attempts(storer, 1, 1, subjectOf(user));
        const lock = () => storer.lockUser(user.pid, at(1_000));
        await Promise.all(round % 2 === 0 ? [attempt(), lock()] : [lock(), attempt()]);
        assertIncludes(await storer.load(user.pid), byAdministrator(1_000));
      }
    },
  },
  {
    title: "ends a lock, whoever made it, and forgets what was counted and how long the last lock was",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      const before = await storer.load(user.pid);
      for (const lock of [() => lockNow(storer, 0, subjectOf(user)), () => storer.lockUser(user.pid, at(9_000))]) {
        await lock();
        assert.equal(await storer.unlockUser(user.pid), true);
        await assertLock(storer, user, NONE, before);
      }
      await attempts(storer, after, 0, subjectOf(user));
      assert.equal(await storer.unlockUser(user.pid), true);
      assert.equal(await lockNow(storer, 1, subjectOf(user)), LASTS);
    },
  },
  {
    title: "unlocks the user's own subject and no other, and answers true when there was nothing to unlock",
    run: async ({ storer, addUser }) => {
      const [user, bob] = [await addUser("ann"), await addUser("bob")];
      const others = [`${subjectOf(user)}:browser:YQ`, subjectOf(bob), `login:${user.login}`];
      for (const subject of others) await lockNow(storer, 0, subject);
      for (const _ of Array(2)) assert.equal(await storer.unlockUser(user.pid), true);
      for (const subject of others) {
        assert.deepEqual(await attempts(storer, 1, 1, subject), [{ admitted: false, lockedUntil: at(LASTS), lockedNow: false }], subject);
      }
    },
  },
  {
    title: "never admits more around an unlocking at the same time",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const user = await addUser(`u${round}`);
        await attempts(storer, after, 0, subjectOf(user));
        const calls = await race(8, async (index) =>
          index === round % 8 ? storer.unlockUser(user.pid) : storer.admitAttempt(subjectOf(user), SAMPLE_POLICY, at(1)),
        );
        const admitted = calls.filter((call) => typeof call !== "boolean" && call.admitted).length;
        assert.ok(admitted <= after, `${admitted} were admitted where ${after} may be`);
      }
    },
  },
  {
    title: "copies the end of a lock on its way in and out",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser();
      const until = at(1_000);
      const locking = storer.lockUser(pid, until);
      until.setTime(0);
      await locking;
      for (const find of [() => storer.load(pid), () => storer.findByLogin(login)]) {
        const user = await find();
        assert.deepEqual(user?.lockedUntil, at(1_000));
        user.lockedUntil.setTime(0);
        scribble(user, "lockedBy", null);
      }
      assertIncludes(await storer.load(pid), byAdministrator(1_000));
    },
  },
  {
    title: "sweeps no administrator's lock that runs",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.lockUser(pid, at(1_000));
      assert.equal(await sweepAll(storer, at(999)), 0);
      assertIncludes(await storer.load(pid), byAdministrator(1_000));
      assert.equal(await sweepAll(storer, at(1_000)), 1);
      assertIncludes(await storer.load(pid), NONE);
    },
  },
  {
    title: "rejects once it is closed, and never says that there is nobody to lock",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      if (!(await close())) return;
      await assert.rejects(async () => storer.lockUser(pid, at(1)));
      await assert.rejects(async () => storer.unlockUser(pid));
    },
  },
];

const unlockCases: readonly Case<Storer>[] = [
  ...linkCases<Storer>(unlockLinks),
  {
    title: "does by a link what an unlocking does, and leaves a known browser's budget alone",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      const before = await storer.load(user.pid);
      for (const subject of [subjectOf(user), `${subjectOf(user)}:browser:YQ`]) await lockNow(storer, 0, subject);
      await storer.startUnlock(sampleLink(user));
      assert.deepEqual(await storer.finishUnlock(sampleLink(user), at(1)), { pid: user.pid });
      await assertLock(storer, user, NONE, before);
      assert.equal((await attempts(storer, 1, 1, `${subjectOf(user)}:browser:YQ`))[0]?.admitted, false);
      assert.equal(await lockNow(storer, 1, subjectOf(user)), LASTS);
    },
  },
  {
    title: "opens by a link no lock that began after it, not even a millisecond after, and the one that began with it",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      await lockNow(storer, 10, subjectOf(user));
      await storer.startUnlock(sampleLink(user, { createdAt: at(9) }, "before"));
      assert.equal(await storer.finishUnlock(sampleLink(user, {}, "before"), at(11)), null);
      await storer.startUnlock(sampleLink(user, { createdAt: at(10) }, "with"));
      assert.ok(await storer.finishUnlock(sampleLink(user, {}, "with"), at(11)));
      await lockNow(storer, 11, subjectOf(user));
      for (const name of ["before", "with"]) assert.equal(await storer.finishUnlock(sampleLink(user, {}, name), at(12)), null, name);
      assertIncludes(await storer.load(user.pid), byAttempts(11 + LASTS));
    },
  },
  {
    title: "opens by an old link no later lock, though the link is the newest",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      await lockNow(storer, 0, subjectOf(user));
      await storer.startUnlock(sampleLink(user));
      await lockNow(storer, LASTS, subjectOf(user));
      assert.equal(await storer.finishUnlock(sampleLink(user), at(LASTS + 1)), null);
      assertIncludes(await storer.load(user.pid), byAttempts(3 * LASTS));
    },
  },
  {
    title: "opens by a link no administrator's lock, were there one by attempts before",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      await lockNow(storer, 0, subjectOf(user));
      await storer.startUnlock(sampleLink(user));
      await storer.lockUser(user.pid, at(9_000));
      for (const name of ["link", "later"]) {
        if (name === "later") await storer.startUnlock(sampleLink(user, { createdAt: at(500) }, name));
        assert.equal(await storer.finishUnlock(sampleLink(user, {}, name), at(501)), null, name);
      }
      assertIncludes(await storer.load(user.pid), byAdministrator(9_000));
    },
  },
  {
    title: "forgets no attempts by a link where nothing is locked",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      await storer.startUnlock(sampleLink(user));
      assert.equal(await storer.finishUnlock(sampleLink(user), at(1)), null);
      await attempts(storer, after, 0, subjectOf(user));
      assert.equal(await storer.finishUnlock(sampleLink(user), at(1)), null);
      assert.equal((await attempts(storer, 1, 1, subjectOf(user)))[0]?.admitted, false);
    },
  },
  {
    title: "spends a link on a lock that has run out and still stands, and on none that an attempt has taken away",
    run: async ({ storer, addUser }) => {
      const [ann, bob] = [await addUser("ann"), await addUser("bob")];
      for (const user of [ann, bob]) {
        await lockNow(storer, 0, subjectOf(user));
        await storer.startUnlock(sampleLink(user));
      }
      assert.ok(await storer.finishUnlock(sampleLink(ann), at(LASTS + seconds(1))));
      await attempts(storer, 1, LASTS, subjectOf(bob));
      assert.equal(await storer.finishUnlock(sampleLink(bob), at(LASTS + seconds(1))), null);
      assert.equal(await lockNow(storer, LASTS + WINDOW, subjectOf(ann)), LASTS);
      assert.equal(await lockNow(storer, LASTS + WINDOW, subjectOf(bob)), 2 * LASTS);
    },
  },
];

/** What a storer of the capability `lockable` promises. */
export const lockableConformance: Suite<LockingServerStorer> = {
  name: "lockable",
  cases: [...lockAdmissionCases, ...userCases, ...administratorCases, ...unlockCases],
};
