/** The suite of time-based one-time passwords. @module */
import assert from "node:assert/strict";
import type { NewTotp, RecoveryCodeOperations, TotpServerStorer } from "@castellan/core";
import { type Switch, switchCases } from "./factor-switch.ts";
import { at, CROWDS, lookalikes, race, scribble, UNUSUAL_TEXTS, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = TotpServerStorer & RecoveryCodeOperations;

/** The step of 2040, as codes of thirty seconds have it. */
const STEP = 73_803_119;

const sample = (name: string): NewTotp => ({ secret: `sealed ${name}`, step: STEP, enabledAt: at(7) });
const SECRET = sample("secret").secret;

const byTotp: Switch<Storer> = {
  enable: (storer, pid, epoch, codes, name = "secret") => storer.enableTotp(pid, epoch, sample(name), codes),
  disable: (storer, pid, epoch) => storer.disableTotp(pid, epoch),
  state: async (storer, pid) => {
    const [user, secret] = [await storer.load(pid), await storer.totpSecretOf(pid)];
    // Both or none: a user who is asked for codes that nothing can check would be shut out.
    assert.equal((user?.totpEnabledAt ?? null) === null, secret === null);
    return secret;
  },
};

const cases: readonly Case<Storer>[] = [
  ...switchCases(byTotp),
  {
    title: "answers since when it is on, to the millisecond, wherever a user is answered, and the secret nowhere but where it is asked for",
    run: async ({ storer, addUser }) => {
      const { pid, login } = await addUser();
      await storer.enableTotp(pid, 0, sample("secret"), null);
      for (const user of [await storer.load(pid), await storer.findByLogin(login)]) {
        assert.deepEqual(user?.totpEnabledAt, at(7));
        assert.equal(JSON.stringify(user).includes(SECRET), false);
      }
      assert.equal(await storer.totpSecretOf(pid), SECRET);
      await storer.disableTotp(pid, 1);
      assert.equal((await storer.load(pid))?.totpEnabledAt, null);
    },
  },
  {
    title: "keeps a secret of 400 characters and unusual text whole, and answers none for nobody",
    run: async ({ storer, addUser }) => {
      for (const [index, secret] of [...UNUSUAL_TEXTS, "s".repeat(400)].entries()) {
        const { pid } = await addUser(`u${index}`);
        await storer.enableTotp(pid, 0, { ...sample(""), secret }, null);
        assert.equal(await storer.totpSecretOf(pid), secret);
        assert.equal(await storer.acceptTotpStep(pid, secret, STEP + 1), true);
      }
      for (const nobody of ["pid-nobody", ...lookalikes("pid-u0")]) assert.equal(await storer.totpSecretOf(nobody), null, nobody);
    },
  },
  {
    title: "accepts steps only upwards, each once, from the step that confirmed it",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.enableTotp(pid, 0, sample("secret"), null);
      const accepted: number[] = [];
      for (const step of [STEP - 1, STEP, STEP + 1, STEP + 1, STEP, STEP + 5, STEP + 3, STEP + 6]) {
        if (await storer.acceptTotpStep(pid, SECRET, step)) accepted.push(step);
      }
      assert.deepEqual(accepted, [STEP + 1, STEP + 5, STEP + 6]);
    },
  },
  {
    title: "accepts a step of nobody and of no other secret, and none once it is off",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      assert.equal(await storer.acceptTotpStep(pid, SECRET, STEP + 1), false);
      await storer.enableTotp(pid, 0, sample("secret"), null);
      await storer.enableTotp(bob.pid, 0, sample("bob"), null);
      for (const secret of [sample("bob").secret, ...lookalikes(SECRET)])
        assert.equal(await storer.acceptTotpStep(pid, secret, STEP + 1), false);
      for (const nobody of ["pid-nobody", ...lookalikes(pid)]) assert.equal(await storer.acceptTotpStep(nobody, SECRET, STEP + 1), false);
      assert.equal(await storer.acceptTotpStep(pid, SECRET, STEP + 1), true);
      assert.equal(await storer.acceptTotpStep(bob.pid, sample("bob").secret, STEP + 1), true);
      await storer.disableTotp(pid, 1);
      assert.equal(await storer.acceptTotpStep(pid, SECRET, STEP + 2), false);
    },
  },
  {
    title: "advances the epoch for no step: whoever is signed in stays so",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await storer.enableTotp(pid, 0, sample("secret"), null);
      await storer.acceptTotpStep(pid, SECRET, STEP + 1);
      await storer.resealTotp(pid, SECRET, "sealed anew");
      assert.equal((await storer.load(pid))?.epoch, 1);
    },
  },
  {
    title: "puts a secret that is sealed anew in place of the one that is there, and keeps the accepted step",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      await storer.enableTotp(pid, 0, sample("secret"), null);
      for (const from of ["sealed otherwise", ...lookalikes(SECRET)]) assert.equal(await storer.resealTotp(pid, from, "lost"), false);
      assert.equal(await storer.resealTotp(bob.pid, SECRET, "lost"), false);
      await storer.acceptTotpStep(pid, SECRET, STEP + 1);
      assert.equal(await storer.resealTotp(pid, SECRET, "sealed anew"), true);
      assert.equal(await storer.resealTotp(pid, SECRET, "sealed late"), false);
      assert.equal(await storer.totpSecretOf(pid), "sealed anew");
      assert.equal(await storer.totpSecretOf(bob.pid), null);
      assert.equal(await storer.acceptTotpStep(pid, "sealed anew", STEP + 1), false);
      assert.equal(await storer.acceptTotpStep(pid, "sealed anew", STEP + 2), true);
      assert.deepEqual((await storer.load(pid))?.totpEnabledAt, at(7));
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<Storer>[] => [
    {
      title: `accepts one step for exactly one of ${crowd} parallel calls`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await storer.enableTotp(pid, 0, sample("secret"), null);
        assert.equal(winners(await race(count, () => storer.acceptTotpStep(pid, SECRET, STEP + 1))).length, 1);
      },
    },
    {
      title: `accepts of ${crowd} parallel steps the highest, and none below it afterwards`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await storer.enableTotp(pid, 0, sample("secret"), null);
        const answers = await race(count, (index) => storer.acceptTotpStep(pid, SECRET, STEP + count - index));
        assert.equal(answers[0], true);
        for (const _ of answers.keys()) assert.equal(await storer.acceptTotpStep(pid, SECRET, STEP + count), false);
        assert.equal(await storer.acceptTotpStep(pid, SECRET, STEP + count + 1), true);
      },
    },
    {
      title: `seals anew for exactly one of ${crowd} parallel calls`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        await storer.enableTotp(pid, 0, sample("secret"), null);
        const answers = await race(count, (index) => storer.resealTotp(pid, SECRET, `anew ${index}`));
        assert.equal(winners(answers).length, 1);
        assert.equal(await storer.totpSecretOf(pid), `anew ${answers.indexOf(true)}`);
      },
    },
  ]),
  {
    title: "copies what it is given and what it answers",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const given = sample("secret");
      await storer.enableTotp(pid, 0, given, null);
      given.enabledAt.setTime(0);
      scribble(given, "secret", "spoilt");
      (await storer.load(pid))?.totpEnabledAt?.setTime(0);
      assert.deepEqual((await storer.load(pid))?.totpEnabledAt, at(7));
      assert.equal(await storer.totpSecretOf(pid), SECRET);
    },
  },
  {
    title: "rejects once it is closed, and never says that there is no secret",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      await storer.enableTotp(pid, 0, sample("secret"), null);
      if (!(await close())) return;
      await assert.rejects(async () => storer.enableTotp(pid, 1, sample("secret"), null));
      await assert.rejects(async () => storer.totpSecretOf(pid));
      await assert.rejects(async () => storer.acceptTotpStep(pid, SECRET, STEP + 1));
      await assert.rejects(async () => storer.resealTotp(pid, SECRET, "anew"));
      await assert.rejects(async () => storer.disableTotp(pid, 1));
    },
  },
];

/** What a storer of the capability `totp` promises. */
export const totpConformance: Suite<Storer> = { name: "totp", cases };
