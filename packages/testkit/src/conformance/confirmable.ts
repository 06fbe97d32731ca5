/** The suite of confirming addresses. @module */
import assert from "node:assert/strict";
import type { ConfirmingServerStorer } from "@castellan/core";
import { confirmationLinks } from "./link-kinds.ts";
import { linkCases } from "./links.ts";
import { at, keyOf, lookalikes, ROUNDS, race, sampleLink, sampleSignIn, scribble, UNUSUAL_TEXTS, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = ConfirmingServerStorer;

const KEY = keyOf("a session id");

/** When the user's address was proved, as every look-up says it. */
async function confirmedAt(storer: Storer, pid: string, login: string): Promise<Date | null | undefined> {
  const user = await storer.load(pid);
  assert.deepEqual(await storer.findByLogin(login), user);
  const found = await storer.findSignIn(KEY, at());
  if (found?.signIn.pid === pid) assert.deepEqual(found.user, user);
  return user?.confirmedAt;
}

const cases: readonly Case<Storer>[] = [
  {
    title: "makes users who are not confirmed",
    run: async ({ storer, addUser }) => {
      const { pid, login, email } = await addUser();
      assert.equal(await confirmedAt(storer, pid, login), null);
      assert.equal((await storer.load(pid))?.email, email);
    },
  },
  {
    title: "confirms the user at the given moment, to the millisecond, in every look-up; nothing else changes, and nobody else does",
    run: async ({ storer, addUser }) => {
      const [ann, bob] = [await addUser("ann"), await addUser("bob")];
      await storer.createSignIn(KEY, sampleSignIn(ann.pid));
      await storer.startConfirmation(sampleLink(ann));
      const [before, bobBefore] = [await storer.load(ann.pid), await storer.load(bob.pid)];
      assert.deepEqual(await storer.finishConfirmation(sampleLink(ann), at(7)), { pid: ann.pid });
      assert.deepEqual(await confirmedAt(storer, ann.pid, ann.login), at(7));
      assert.deepEqual(await storer.load(ann.pid), { ...before, confirmedAt: at(7) });
      assert.deepEqual((await storer.findSignIn(KEY, at()))?.user.confirmedAt, at(7));
      assert.deepEqual(await storer.load(bob.pid), bobBefore);
    },
  },
  ...linkCases<Storer>(confirmationLinks),
  {
    title: "confirms nobody by a link to another address than the user's, be it a lookalike",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      for (const destination of [...lookalikes(user.login), "bob@example.com"]) {
        const link = sampleLink(user, { destination }, `to ${destination}`);
        await storer.startConfirmation(link);
        assert.equal(await storer.finishConfirmation(link, at()), null, JSON.stringify(destination));
      }
      assert.equal(await confirmedAt(storer, user.pid, user.login), null);
    },
  },
  {
    title: "confirms nobody who has no address",
    run: async ({ storer, addUser }) => {
      const user = await addUser("ann", { email: null });
      for (const destination of ["", "null", user.login]) {
        const link = sampleLink(user, { destination }, `to ${destination}`);
        await storer.startConfirmation(link);
        assert.equal(await storer.finishConfirmation(link, at()), null, JSON.stringify(destination));
        assert.equal(await storer.confirmUser(user.pid, destination, at()), false, JSON.stringify(destination));
      }
      assert.equal(await confirmedAt(storer, user.pid, user.login), null);
    },
  },
  {
    title: "confirms a user once: a newer link of one who is confirmed is dead, and the date stays",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      await storer.startConfirmation(sampleLink(user));
      await storer.finishConfirmation(sampleLink(user), at(1));
      const newer = sampleLink(user, {}, "newer");
      await storer.startConfirmation(newer);
      assert.equal(await storer.finishConfirmation(newer, at(2)), null);
      assert.deepEqual(await confirmedAt(storer, user.pid, user.login), at(1));
    },
  },
  {
    title: "confirms a user who proved the address in another way, keeps the date of one who is confirmed, and leaves the links dead",
    run: async ({ storer, addUser }) => {
      const user = await addUser();
      await storer.startConfirmation(sampleLink(user));
      const before = await storer.load(user.pid);
      assert.equal(await storer.confirmUser(user.pid, user.login, at(1)), true);
      assert.deepEqual(await storer.load(user.pid), { ...before, confirmedAt: at(1) });
      assert.equal(await storer.confirmUser(user.pid, user.login, at(2)), true);
      assert.equal(await storer.finishConfirmation(sampleLink(user), at(3)), null);
      assert.deepEqual(await confirmedAt(storer, user.pid, user.login), at(1));
    },
  },
  {
    title: "answers false for an address that is not the user's, confirmed or not, and for nobody; takes no lookalike",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser();
      const bob = await addUser("bob");
      for (const date of [null, at(1)]) {
        for (const address of [...lookalikes(login), bob.login]) {
          assert.equal(await storer.confirmUser(pid, address, at(9)), false, JSON.stringify(address));
        }
        for (const other of ["pid-nobody", ...lookalikes(pid)]) {
          assert.equal(await storer.confirmUser(other, login, at(9)), false, JSON.stringify(other));
        }
        assert.deepEqual(await confirmedAt(storer, pid, login), date);
        assert.equal(await storer.confirmUser(pid, login, at(1)), true);
      }
      assert.equal(await confirmedAt(storer, bob.pid, bob.login), null);
    },
  },
  {
    title: "answers true to all of twenty parallel confirmations of a proved address, and keeps one date of theirs",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser();
      const answers = await race(20, (index) => storer.confirmUser(pid, login, at(index)));
      assert.deepEqual(answers, Array(20).fill(true));
      const date = await confirmedAt(storer, pid, login);
      assert.ok(date && date >= at(0) && date < at(20));
      await storer.confirmUser(pid, login, at(99));
      assert.deepEqual(await confirmedAt(storer, pid, login), date);
    },
  },
  {
    title: "keeps the date of whichever comes first, the link or another proof at the same time",
    run: async ({ storer, addUser }) => {
      for (const round of ROUNDS) {
        const user = await addUser(`u${round}`);
        await storer.startConfirmation(sampleLink(user));
        const byLink = () => storer.finishConfirmation(sampleLink(user), at(1));
        const byProof = () => storer.confirmUser(user.pid, user.login, at(2));
        const answers = await Promise.all(round % 2 === 0 ? [byLink(), byProof()] : [byProof(), byLink()]);
        const linkWon = winners(answers).some((answer) => answer !== true);
        assert.ok(answers.includes(true));
        assert.deepEqual(await confirmedAt(storer, user.pid, user.login), linkWon ? at(1) : at(2));
      }
    },
  },
  {
    title: "compares unusual addresses exactly",
    run: async ({ storer, addUser }) => {
      for (const text of UNUSUAL_TEXTS) {
        const { pid } = await addUser(text, { email: text });
        assert.equal(await storer.confirmUser(pid, `${text}x`, at()), false, text);
        assert.equal(await storer.confirmUser(pid, text, at()), true, text);
      }
    },
  },
  {
    title: "copies the date on its way in and out",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser();
      const moment = at(1);
      const confirming = storer.confirmUser(pid, login, moment);
      moment.setTime(0);
      await confirming;
      for (const find of [() => storer.load(pid), () => storer.findByLogin(login)]) {
        const user = await find();
        assert.deepEqual(user?.confirmedAt, at(1));
        user.confirmedAt.setTime(0);
        scribble(user, "confirmedAt", null);
      }
      assert.deepEqual(await confirmedAt(storer, pid, login), at(1));
    },
  },
  {
    title: "rejects once it is closed, and never says that an address is another one's",
    run: async ({ storer, addUser, close }) => {
      const { pid, login } = await addUser();
      if (!(await close())) return;
      await assert.rejects(async () => storer.confirmUser(pid, login, at()));
    },
  },
];

/** What a storer of the capability `confirmable` promises. */
export const confirmableConformance: Suite<ConfirmingServerStorer> = { name: "confirmable", cases };
