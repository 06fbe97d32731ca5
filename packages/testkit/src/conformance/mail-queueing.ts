/** The suite of mails that wait. @module */
import assert from "node:assert/strict";
import type { MailQueueingServerStorer, QueuedMail } from "@castellan/core";
import { at, CROWDS, idOf, lookalikes, ROUNDS, race, sampleMail, scribble, sweepAll, UNUSUAL_TEXTS, winners } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = MailQueueingServerStorer;

const LEASE = 120_000;
/** Later than any lease of the cases. */
const MUCH_LATER = 1_000 * LEASE;

const claim = (storer: Storer, offset = 0, limit = 100): Promise<readonly QueuedMail[]> =>
  storer.claimMails(at(offset), at(offset + LEASE), limit);

/** The names of the mails in their own order: that of the answer is free. */
const namesOf = (mails: readonly QueuedMail[]): readonly string[] => mails.map(({ payload }) => payload.slice("sealed ".length)).sort();

const queueMany = async (storer: Storer, names: readonly string[], dueAt = at()): Promise<void> => {
  for (const name of names) await storer.queueMail(sampleMail(name, { dueAt }));
};

const cases: readonly Case<Storer>[] = [
  {
    title: "hands a mail out whole, to the millisecond, with its first attempt counted and due again at the end of the claim",
    run: async ({ storer }) => {
      const mail = sampleMail("a", { createdAt: at(-77), dueAt: at(-7) });
      await storer.queueMail(mail);
      assert.deepEqual(await claim(storer), [{ ...mail, attempts: 1, dueAt: at(LEASE) }]);
    },
  },
  {
    title: "keeps unusual text, and 65,536 characters of it",
    run: async ({ storer }) => {
      for (const payload of [...UNUSUAL_TEXTS, "s".repeat(65_536), "ü".repeat(65_536)]) {
        const mail = sampleMail(payload, { payload });
        await storer.queueMail(mail);
        assert.deepEqual(await claim(storer), [{ ...mail, attempts: 1, dueAt: at(LEASE) }]);
        assert.equal(await storer.removeMail(mail.id), true);
      }
    },
  },
  {
    title: "hands out nothing when nothing waits",
    run: async ({ storer }) => {
      assert.deepEqual(await claim(storer), []);
    },
  },
  {
    title: "hands a mail out exactly when it is due, and not a millisecond before",
    run: async ({ storer }) => {
      await queueMany(storer, ["a"], at(1_000));
      assert.deepEqual(await claim(storer, 999), []);
      assert.deepEqual(namesOf(await claim(storer, 1_000)), ["a"]);
    },
  },
  {
    title: "keeps a claimed mail back until the claim ends, exactly, and counts each claim",
    run: async ({ storer }) => {
      await queueMany(storer, ["a"]);
      for (const attempts of [1, 2, 3]) {
        const now = (attempts - 1) * LEASE;
        if (attempts > 1) assert.deepEqual(await claim(storer, now - 1), []);
        const [mail] = await claim(storer, now);
        assert.deepEqual([mail?.attempts, mail?.dueAt], [attempts, at(now + LEASE)]);
      }
    },
  },
  {
    title: "hands out at most as many as asked for, those that are due the longest, be they queued last",
    run: async ({ storer }) => {
      const order = ["d", "b", "e", "a", "c"];
      for (const name of order) await storer.queueMail(sampleMail(name, { dueAt: at(-1_000 + name.charCodeAt(0)) }));
      assert.deepEqual(namesOf(await claim(storer, 0, 2)), ["a", "b"]);
      assert.deepEqual(namesOf(await claim(storer, 0, 1)), ["c"]);
      assert.deepEqual(await claim(storer, 0, 0), []);
      assert.deepEqual(namesOf(await claim(storer, 0, 100)), ["d", "e"]);
      assert.deepEqual(await claim(storer, 0, 100), []);
    },
  },
  {
    title: "lets a mail that comes back wait behind those that are due longer",
    run: async ({ storer }) => {
      await queueMany(storer, ["a"], at(-10));
      await queueMany(storer, ["b"], at(-5));
      assert.deepEqual(namesOf(await claim(storer, 0, 1)), ["a"]);
      assert.deepEqual(namesOf(await claim(storer, LEASE, 1)), ["b"]);
      assert.deepEqual(namesOf(await claim(storer, LEASE, 1)), ["a"]);
    },
  },
  {
    title: "hands out every one of many mails that are due at one moment",
    run: async ({ storer }) => {
      const names = Array.from({ length: 23 }, (_, index) => `mail ${index}`);
      await queueMany(storer, names);
      const claimed: QueuedMail[] = [];
      for (const _ of Array(5)) claimed.push(...(await claim(storer, 0, 5)));
      assert.deepEqual(namesOf(claimed), [...names].sort());
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<Storer>[] => [
    {
      title: `hands each mail to exactly one of ${crowd} parallel claims, at most so many to each`,
      run: async ({ storer }) => {
        const names = Array.from({ length: count }, (_, index) => `mail ${index}`);
        await queueMany(storer, names);
        const claims = await race(count, () => claim(storer, 0, 3));
        for (const mails of claims) assert.ok(mails.length <= 3);
        assert.deepEqual(namesOf(claims.flat()), [...names].sort());
      },
    },
    {
      title: `hands a mail to exactly one of ${crowd} parallel claims at the moment when an earlier claim ends`,
      run: async ({ storer }) => {
        await queueMany(storer, ["a"]);
        await claim(storer);
        const mails = (await race(count, () => claim(storer, LEASE))).flat();
        assert.deepEqual(
          mails.map(({ attempts }) => attempts),
          [2],
        );
      },
    },
  ]),
  {
    title: "removes a mail, waiting or claimed, and says whether it was there; the others stay",
    run: async ({ storer }) => {
      await queueMany(storer, ["claimed"], at(-1));
      await queueMany(storer, ["waiting", "other"]);
      await claim(storer, 0, 1);
      for (const name of ["claimed", "waiting"]) {
        assert.equal(await storer.removeMail(idOf(`mail ${name}`)), true);
        assert.equal(await storer.removeMail(idOf(`mail ${name}`)), false);
      }
      assert.equal(await storer.removeMail("unknown"), false);
      assert.deepEqual(namesOf(await claim(storer, MUCH_LATER)), ["other"]);
    },
  },
  {
    title: "tells exactly one of twenty parallel removals that the mail was there",
    run: async ({ storer }) => {
      await queueMany(storer, ["a"]);
      assert.equal(winners(await race(20, () => storer.removeMail(idOf("mail a")))).length, 1);
    },
  },
  {
    title: "postpones a mail, later or sooner than its claim ends, with its attempts, and no other",
    run: async ({ storer }) => {
      await queueMany(storer, ["later", "sooner", "other"]);
      await claim(storer);
      await storer.postponeMail(idOf("mail later"), at(2 * LEASE));
      await storer.postponeMail(idOf("mail sooner"), at(1_000));
      assert.deepEqual(await claim(storer, 999), []);
      const [sooner] = await claim(storer, 1_000);
      assert.deepEqual(sooner, { ...sampleMail("sooner"), attempts: 2, dueAt: at(1_000 + LEASE) });
      assert.deepEqual(namesOf(await claim(storer, LEASE)), ["other"]);
      assert.deepEqual(namesOf(await claim(storer, 2 * LEASE - 1)), ["sooner"]);
      assert.deepEqual(namesOf(await claim(storer, 2 * LEASE)), ["later", "other"]);
    },
  },
  {
    title: "postpones and removes no lookalike, and makes nothing of a mail that is not there",
    run: async ({ storer }) => {
      await queueMany(storer, ["a", "gone"]);
      await storer.removeMail(idOf("mail gone"));
      for (const id of [idOf("mail gone"), "unknown", ...lookalikes(idOf("mail a"))]) {
        await storer.postponeMail(id, at(-1));
        assert.equal(await storer.removeMail(id), false, JSON.stringify(id));
      }
      assert.deepEqual(await claim(storer, -1), []);
      assert.deepEqual(namesOf(await claim(storer, 0)), ["a"]);
    },
  },
  {
    title: "brings no removed mail back by postponing or claiming it at the same time",
    run: async ({ storer }) => {
      for (const round of ROUNDS) {
        const { id } = sampleMail(`${round}`);
        await queueMany(storer, [`${round}`]);
        const calls = [() => storer.postponeMail(id, at()), () => claim(storer), () => storer.removeMail(id)];
        const order = [...calls.slice(round % 3), ...calls.slice(0, round % 3)];
        await Promise.all(order.map((call) => call()));
        assert.deepEqual(await claim(storer, MUCH_LATER), []);
      }
    },
  },
  {
    title: "copies a mail on its way in and out",
    run: async ({ storer }) => {
      const [given, now, until] = [sampleMail("a"), at(), at(LEASE)];
      const queueing = storer.queueMail(given);
      given.dueAt.setTime(0);
      scribble(given, "payload", "spoilt");
      await queueing;
      assert.deepEqual(await claim(storer, -1), []);
      const claiming = storer.claimMails(now, until, 1);
      for (const moment of [now, until]) moment.setTime(0);
      const [mail] = await claiming;
      assert.deepEqual(mail, { ...sampleMail("a"), attempts: 1, dueAt: at(LEASE) });
      mail.createdAt.setTime(0);
      scribble(mail, "attempts", 99);
      const later = at(2 * LEASE);
      const postponing = storer.postponeMail(mail.id, later);
      later.setTime(0);
      await postponing;
      assert.deepEqual(await claim(storer, 2 * LEASE - 1), []);
      assert.deepEqual(await claim(storer, 2 * LEASE), [{ ...sampleMail("a"), attempts: 2, dueAt: at(3 * LEASE) }]);
    },
  },
  {
    title: "sweeps no mail, due or claimed, however long it waits",
    run: async ({ storer }) => {
      await queueMany(storer, ["claimed"], at(-1));
      await queueMany(storer, ["waiting"]);
      await claim(storer, 0, 1);
      assert.equal(await sweepAll(storer, at(MUCH_LATER)), 0);
      assert.deepEqual(namesOf(await claim(storer, MUCH_LATER)), ["claimed", "waiting"]);
    },
  },
  {
    title: "rejects once it is closed, and never says that a mail is queued or that none waits",
    run: async ({ storer, close }) => {
      await queueMany(storer, ["a"]);
      if (!(await close())) return;
      await assert.rejects(async () => storer.queueMail(sampleMail("late")));
      await assert.rejects(async () => claim(storer));
      await assert.rejects(async () => storer.removeMail(idOf("mail a")));
      await assert.rejects(async () => storer.postponeMail(idOf("mail a"), at()));
    },
  },
];

/** What a storer of the capability `mail-queueing` promises. */
export const mailQueueingConformance: Suite<MailQueueingServerStorer> = { name: "mail-queueing", cases };
