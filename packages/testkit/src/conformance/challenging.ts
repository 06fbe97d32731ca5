/** The suite of pending logins and challenges. @module */
import assert from "node:assert/strict";
import type { Challenge, ChallengingServerStorer } from "@castellan/core";
import {
  at,
  CROWDS,
  idOf,
  keyOf,
  lookalikes,
  ROUNDS,
  race,
  sampleChallenge,
  scribble,
  sweepAll,
  UNUSUAL_TEXTS,
  winners,
} from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

type Storer = ChallengingServerStorer;

const BROWSER = keyOf("browser");
const OTHER_BROWSER = keyOf("other browser");

/** The three operations that answer a live challenge, asked after one another; consuming comes last, since it ends it. */
const askAll = async (storer: Storer, id: string, now: Date, sessionKey = BROWSER): Promise<(Challenge | null)[]> => [
  await storer.findChallenge(id, sessionKey, now),
  await storer.admitTry(id, sessionKey, now),
  await storer.consumeChallenge(id, sessionKey, now),
];

const DEAD = [null, null, null];

const cases: readonly Case<Storer>[] = [
  {
    title: "answers a challenge whole, to the millisecond, as often as it is looked for",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const challenge = sampleChallenge(pid, { purpose: "totp/setup", destination: "+41791234567", data: "sealed", expiresAt: at(1_001) });
      await storer.createChallenge(challenge);
      for (const _ of Array(5)) assert.deepEqual(await storer.findChallenge(challenge.id, BROWSER, at()), challenge);
    },
  },
  {
    title: "keeps unusual text in purpose, destination and data, and 4,096 characters of data",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const text of UNUSUAL_TEXTS) {
        const challenge = sampleChallenge(pid, { id: idOf(text), purpose: text, destination: text, data: text });
        await storer.createChallenge(challenge);
        assert.deepEqual(await storer.findChallenge(challenge.id, BROWSER, at()), challenge);
      }
      const long = sampleChallenge(pid, { id: idOf("long"), purpose: "long", data: "ü".repeat(4_096) });
      await storer.createChallenge(long);
      assert.equal((await storer.consumeChallenge(long.id, BROWSER, at()))?.data, long.data);
    },
  },
  {
    title: "answers null for a challenge that nobody made, and takes no lookalike for an id or a browser session",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const challenge = sampleChallenge(pid);
      assert.deepEqual(await askAll(storer, challenge.id, at()), DEAD);
      await storer.createChallenge(challenge);
      for (const lookalike of lookalikes(challenge.id)) assert.deepEqual(await askAll(storer, lookalike, at()), DEAD, lookalike);
      for (const lookalike of lookalikes(BROWSER)) {
        assert.deepEqual(await askAll(storer, challenge.id, at(), lookalike), DEAD, lookalike);
        await storer.endChallengesOfSession(lookalike);
      }
      assert.deepEqual(await storer.findChallenge(challenge.id, BROWSER, at()), challenge);
    },
  },
  {
    title: "answers nothing to another browser session, and spends nothing for it",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const challenge = sampleChallenge(pid);
      await storer.createChallenge(challenge);
      assert.deepEqual(await askAll(storer, challenge.id, at(), OTHER_BROWSER), DEAD);
      assert.deepEqual(await storer.findChallenge(challenge.id, BROWSER, at()), challenge);
    },
  },
  {
    title: "takes a challenge for dead exactly at its end, and for live a millisecond before",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const challenge = sampleChallenge(pid, { expiresAt: at(1_000) });
      await storer.createChallenge(challenge);
      assert.deepEqual(await askAll(storer, challenge.id, at(1_000)), DEAD);
      assert.equal((await askAll(storer, challenge.id, at(999))).every(Boolean), true);
    },
  },
  {
    title: "takes the challenges of a user for dead once the epoch has advanced, and nobody else's",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      const [challenge, bobs] = [sampleChallenge(pid), sampleChallenge(bob.pid, { sessionKey: OTHER_BROWSER })];
      await storer.createChallenge(challenge);
      await storer.createChallenge(bobs);
      await storer.advanceEpoch(pid);
      assert.deepEqual(await askAll(storer, challenge.id, at()), DEAD);
      assert.ok(await storer.findChallenge(bobs.id, OTHER_BROWSER, at()));
    },
  },
  {
    title: "takes a challenge under another epoch than the user's, older or newer, for dead from the start",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const epoch = Number(await storer.advanceEpoch(pid));
      for (const other of [epoch - 1, epoch + 1]) {
        const challenge = sampleChallenge(pid, { id: idOf(`${other}`), epoch: other });
        await storer.createChallenge(challenge);
        assert.deepEqual(await askAll(storer, challenge.id, at()), DEAD);
      }
    },
  },
  {
    title: "takes a challenge for nobody, and answers it to nobody",
    run: async ({ storer }) => {
      const challenge = sampleChallenge("pid-nobody");
      await storer.createChallenge(challenge);
      assert.deepEqual(await askAll(storer, challenge.id, at()), DEAD);
    },
  },
  {
    title: "takes the challenges of a user who is removed for dead",
    needs: "removeUser",
    run: async ({ storer, addUser, removeUser }) => {
      const { pid } = await addUser();
      const challenge = sampleChallenge(pid);
      await storer.createChallenge(challenge);
      await removeUser(pid);
      assert.deepEqual(await askAll(storer, challenge.id, at()), DEAD);
    },
  },
  {
    title: "voids the old challenge of the same browser session and purpose when a new one is made, and no other",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      const old = sampleChallenge(pid, { id: idOf("old") });
      const others = [
        sampleChallenge(pid, { id: idOf("purpose"), purpose: "login/setup" }),
        sampleChallenge(pid, { id: idOf("browser"), sessionKey: OTHER_BROWSER }),
      ];
      for (const challenge of [old, ...others]) await storer.createChallenge(challenge);
      const next = sampleChallenge(bob.pid, { id: idOf("next") });
      await storer.createChallenge(next);
      assert.deepEqual(await askAll(storer, old.id, at()), DEAD);
      for (const challenge of [next, ...others]) {
        assert.deepEqual(await storer.findChallenge(challenge.id, challenge.sessionKey, at()), challenge);
      }
    },
  },
  {
    title: "leaves exactly one challenge alive of twenty that are made in parallel for one browser session and purpose",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      await race(20, (index) => storer.createChallenge(sampleChallenge(pid, { id: idOf(`${index}`) })));
      const found = await race(20, (index) => storer.findChallenge(idOf(`${index}`), BROWSER, at()));
      assert.equal(winners(found).length, 1);
    },
  },
  {
    title: "spends a try each time one is admitted, down to none, and changes nothing else",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const challenge = sampleChallenge(pid, { triesLeft: 3 });
      await storer.createChallenge(challenge);
      for (const triesLeft of [2, 1, 0]) {
        assert.deepEqual(await storer.admitTry(challenge.id, BROWSER, at(1)), { ...challenge, triesLeft });
        assert.deepEqual(await storer.findChallenge(challenge.id, BROWSER, at(1)), { ...challenge, triesLeft });
      }
      for (const _ of Array(3)) assert.equal(await storer.admitTry(challenge.id, BROWSER, at(2)), null);
      assert.equal((await storer.findChallenge(challenge.id, BROWSER, at(2)))?.triesLeft, 0);
    },
  },
  {
    title: "lets the answer of the last try be right: a challenge without tries can still be consumed",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const challenge = sampleChallenge(pid, { triesLeft: 1 });
      await storer.createChallenge(challenge);
      const last = await storer.admitTry(challenge.id, BROWSER, at());
      assert.equal(last?.triesLeft, 0);
      assert.deepEqual(await storer.consumeChallenge(challenge.id, BROWSER, at()), last);
    },
  },
  ...CROWDS.flatMap(({ count, crowd }): readonly Case<Storer>[] => [
    {
      title: `admits exactly 3 of ${crowd} parallel tries where 3 are left, each with its own number`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        const { id } = sampleChallenge(pid);
        await storer.createChallenge(sampleChallenge(pid, { triesLeft: 3 }));
        const admitted = winners(await race(count, () => storer.admitTry(id, BROWSER, at())));
        assert.deepEqual(admitted.map(({ triesLeft }) => triesLeft).sort(), [0, 1, 2]);
        assert.equal((await storer.findChallenge(id, BROWSER, at()))?.triesLeft, 0);
      },
    },
    {
      title: `answers the challenge to exactly one of ${crowd} parallel calls that consume it`,
      run: async ({ storer, addUser }) => {
        const { pid } = await addUser();
        const challenge = sampleChallenge(pid);
        await storer.createChallenge(challenge);
        const answers = await race(count, () => storer.consumeChallenge(challenge.id, BROWSER, at()));
        assert.deepEqual(winners(answers), [challenge]);
        assert.deepEqual(await askAll(storer, challenge.id, at()), DEAD);
      },
    },
  ]),
  {
    title: "brings no consumed challenge back by a try at the same time",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const round of ROUNDS) {
        const id = idOf(`${round}`);
        await storer.createChallenge(sampleChallenge(pid, { id, triesLeft: 9 }));
        await race(5, (index) => (index === 2 ? storer.consumeChallenge(id, BROWSER, at()) : storer.admitTry(id, BROWSER, at())));
        assert.deepEqual(await askAll(storer, id, at()), DEAD);
      }
    },
  },
  {
    title: "ends every challenge of one browser session, and no other's",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      const mine = [sampleChallenge(pid), sampleChallenge(bob.pid, { purpose: "sms" })];
      const other = sampleChallenge(pid, { id: idOf("other"), sessionKey: OTHER_BROWSER });
      for (const challenge of [...mine, other]) await storer.createChallenge(challenge);
      await storer.endChallengesOfSession(BROWSER);
      for (const { id } of mine) assert.deepEqual(await askAll(storer, id, at()), DEAD);
      assert.ok(await storer.findChallenge(other.id, OTHER_BROWSER, at()));
      await storer.endChallengesOfSession(BROWSER);
    },
  },
  {
    title: "ends every challenge of one user, in whatever browser session, and nobody else's",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser("ann");
      const bob = await addUser("bob");
      const anns = [sampleChallenge(pid), sampleChallenge(pid, { id: idOf("2"), purpose: "sms", sessionKey: OTHER_BROWSER })];
      const bobs = sampleChallenge(bob.pid, { purpose: "bob" });
      for (const challenge of [...anns, bobs]) await storer.createChallenge(challenge);
      for (const lookalike of ["pid-nobody", ...lookalikes(pid)]) await storer.endChallengesOf(lookalike, null);
      assert.ok(await storer.findChallenge(anns[0]?.id ?? "", BROWSER, at()));
      await storer.endChallengesOf(pid, null);
      for (const { id, sessionKey } of anns) assert.deepEqual(await askAll(storer, id, at(), sessionKey), DEAD);
      assert.ok(await storer.findChallenge(bobs.id, BROWSER, at()));
    },
  },
  {
    title: "ends the challenges of one user and one purpose, and takes no other purpose for it",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const purposes = ["totp", ...lookalikes("totp").filter((purpose) => purpose !== ""), "totp/setup"];
      for (const purpose of purposes) await storer.createChallenge(sampleChallenge(pid, { id: idOf(purpose), purpose }));
      await storer.endChallengesOf(pid, "totp");
      for (const purpose of purposes) {
        assert.equal((await storer.findChallenge(idOf(purpose), BROWSER, at())) === null, purpose === "totp", purpose);
      }
    },
  },
  {
    title: "copies a challenge on its way in and out",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      const given = sampleChallenge(pid);
      const original = structuredClone(given);
      const spoil = (challenge: Challenge | null) => {
        assert.ok(challenge);
        challenge.expiresAt.setTime(0);
        challenge.createdAt.setTime(0);
        scribble(challenge, "data", "spoilt");
        scribble(challenge, "triesLeft", 99);
      };
      await storer.createChallenge(given);
      spoil(given);
      spoil(await storer.findChallenge(original.id, BROWSER, at()));
      assert.deepEqual(await storer.findChallenge(original.id, BROWSER, at()), original);
      spoil(await storer.admitTry(original.id, BROWSER, at()));
      assert.deepEqual(await storer.findChallenge(original.id, BROWSER, at()), { ...original, triesLeft: 2 });
    },
  },
  {
    title: "sweeps challenges that have expired, and never a live one, with tries left or without",
    run: async ({ storer, addUser }) => {
      const { pid } = await addUser();
      for (const index of Array(7).keys()) {
        await storer.createChallenge(sampleChallenge(pid, { id: idOf(`${index}`), purpose: `${index}`, expiresAt: at(1_000) }));
      }
      const live = sampleChallenge(pid, { expiresAt: at(1_001), triesLeft: 1 });
      await storer.createChallenge(live);
      await storer.admitTry(live.id, BROWSER, at());
      assert.equal(await sweepAll(storer, at(1_000)), 7);
      assert.ok(await storer.consumeChallenge(live.id, BROWSER, at(1_000)));
    },
  },
  {
    title: "rejects once it is closed, and never says that there is no challenge",
    run: async ({ storer, addUser, close }) => {
      const { pid } = await addUser();
      const challenge = sampleChallenge(pid);
      await storer.createChallenge(challenge);
      if (!(await close())) return;
      await assert.rejects(async () => storer.createChallenge(challenge));
      await assert.rejects(async () => storer.findChallenge(challenge.id, BROWSER, at()));
      await assert.rejects(async () => storer.admitTry(challenge.id, BROWSER, at()));
      await assert.rejects(async () => storer.consumeChallenge(challenge.id, BROWSER, at()));
      await assert.rejects(async () => storer.endChallengesOfSession(BROWSER));
      await assert.rejects(async () => storer.endChallengesOf(pid, null));
    },
  },
];

/** What a storer of the capability `challenging` promises. */
export const challengingConformance: Suite<ChallengingServerStorer> = { name: "challenging", cases };
