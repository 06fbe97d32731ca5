/** The suite of rows for express-session. Its operations may answer at once or by a promise. @module */
import assert from "node:assert/strict";
import type { SessionKeepingServerStorer } from "@castellan/core";
import { at, keyOf, lookalikes, ROUNDS, race, scribble, sweepAll, UNUSUAL_TEXTS } from "./samples.ts";
import type { Case, Suite } from "./suite.ts";

const KEY = keyOf("a session id");

const cases: readonly Case<SessionKeepingServerStorer>[] = [
  {
    title: "answers a session whole, to the millisecond",
    run: async ({ storer }) => {
      const session = { data: '{"cart":[1,2]}', expiresAt: at(1_001) };
      await storer.saveSession(KEY, session);
      assert.deepEqual(await storer.loadSession(KEY, at()), session);
    },
  },
  {
    title: "answers null for a session that nobody saved, and takes no lookalike for a key",
    run: async ({ storer }) => {
      assert.equal(await storer.loadSession(KEY, at()), null);
      const session = { data: "{}", expiresAt: at(1_000) };
      await storer.saveSession(KEY, session);
      for (const lookalike of lookalikes(KEY)) {
        assert.equal(await storer.loadSession(lookalike, at()), null, JSON.stringify(lookalike));
        await storer.touchSession(lookalike, at(9_000));
        await storer.destroySession(lookalike);
      }
      assert.deepEqual(await storer.loadSession(KEY, at()), session);
    },
  },
  {
    title: "takes a session for dead exactly at its end, and for live a millisecond before",
    run: async ({ storer }) => {
      await storer.saveSession(KEY, { data: "{}", expiresAt: at(1_000) });
      assert.ok(await storer.loadSession(KEY, at(999)));
      assert.equal(await storer.loadSession(KEY, at(1_000)), null);
      assert.equal(await storer.loadSession(KEY, at(1_001)), null);
    },
  },
  {
    title: "replaces a session, its data and its end, and one that has expired too",
    run: async ({ storer }) => {
      await storer.saveSession(KEY, { data: "one", expiresAt: at(100) });
      await storer.saveSession(KEY, { data: "two", expiresAt: at(50) });
      assert.deepEqual(await storer.loadSession(KEY, at()), { data: "two", expiresAt: at(50) });
      await storer.saveSession(KEY, { data: "three", expiresAt: at(200) });
      assert.deepEqual(await storer.loadSession(KEY, at(100)), { data: "three", expiresAt: at(200) });
    },
  },
  {
    title: "keeps one of twenty parallel saves whole: the data and the end belong together",
    run: async ({ storer }) => {
      await race(20, async (index) => storer.saveSession(KEY, { data: `${index}`, expiresAt: at(1_000 + index) }));
      const session = await storer.loadSession(KEY, at());
      assert.deepEqual(session?.expiresAt, at(1_000 + Number(session?.data)));
    },
  },
  {
    title: "moves the end of a session on a touch, both ways, and leaves its data and other sessions alone",
    run: async ({ storer }) => {
      await storer.saveSession(KEY, { data: "mine", expiresAt: at(100) });
      await storer.saveSession(keyOf("b"), { data: "other", expiresAt: at(100) });
      for (const end of [at(500), at(50)]) {
        await storer.touchSession(KEY, end);
        assert.deepEqual(await storer.loadSession(KEY, at()), { data: "mine", expiresAt: end });
      }
      assert.deepEqual(await storer.loadSession(keyOf("b"), at()), { data: "other", expiresAt: at(100) });
    },
  },
  {
    title: "makes nothing on a touch of a session that is not there or was destroyed",
    run: async ({ storer }) => {
      await storer.touchSession(KEY, at(1_000));
      assert.equal(await storer.loadSession(KEY, at()), null);
      await storer.saveSession(KEY, { data: "{}", expiresAt: at(1_000) });
      await storer.destroySession(KEY);
      await storer.touchSession(KEY, at(1_000));
      assert.equal(await storer.loadSession(KEY, at()), null);
    },
  },
  {
    title: "lets no touch bring back a session that is destroyed at the same time",
    run: async ({ storer }) => {
      for (const round of ROUNDS) {
        const key = keyOf(`${round}`);
        await storer.saveSession(key, { data: "{}", expiresAt: at(1_000) });
        await race(5, async (index) => (index === 2 ? storer.destroySession(key) : storer.touchSession(key, at(2_000))));
        assert.equal(await storer.loadSession(key, at()), null);
      }
    },
  },
  {
    title: "destroys one session, and minds nothing when there is none",
    run: async ({ storer }) => {
      await storer.destroySession(KEY);
      await storer.saveSession(KEY, { data: "mine", expiresAt: at(100) });
      await storer.saveSession(keyOf("b"), { data: "other", expiresAt: at(100) });
      await storer.destroySession(KEY);
      await storer.destroySession(KEY);
      assert.equal(await storer.loadSession(KEY, at()), null);
      assert.equal((await storer.loadSession(keyOf("b"), at()))?.data, "other");
    },
  },
  {
    title: "keeps data as it is: empty, unusual, and 64 KiB of it",
    run: async ({ storer }) => {
      for (const data of ["", "{}", "line\r\nline", ...UNUSUAL_TEXTS, "🦊ü".repeat(10_923)]) {
        await storer.saveSession(KEY, { data, expiresAt: at(100) });
        assert.equal((await storer.loadSession(KEY, at()))?.data, data);
      }
    },
  },
  {
    title: "copies a session on its way in and out",
    run: async ({ storer }) => {
      const given = { data: "{}", expiresAt: at(100) };
      const moved = at(200);
      await storer.saveSession(KEY, given);
      given.expiresAt.setTime(0);
      const found = await storer.loadSession(KEY, at());
      assert.deepEqual(found, { data: "{}", expiresAt: at(100) });
      found.expiresAt.setTime(0);
      scribble(found, "data", "spoilt");
      assert.deepEqual(await storer.loadSession(KEY, at()), { data: "{}", expiresAt: at(100) });
      await storer.touchSession(KEY, moved);
      moved.setTime(0);
      assert.deepEqual(await storer.loadSession(KEY, at()), { data: "{}", expiresAt: at(200) });
    },
  },
  {
    title: "sweeps sessions that have expired, and never a live one",
    run: async ({ storer }) => {
      for (const index of Array(7).keys()) await storer.saveSession(keyOf(`${index}`), { data: "{}", expiresAt: at(100) });
      await storer.saveSession(KEY, { data: "live", expiresAt: at(101) });
      assert.equal(await sweepAll(storer, at(100)), 7);
      assert.equal((await storer.loadSession(KEY, at(100)))?.data, "live");
    },
  },
  {
    title: "rejects once it is closed, and never says that there is no session",
    run: async ({ storer, close }) => {
      if (!(await close())) return;
      await assert.rejects(async () => storer.loadSession(KEY, at()));
      await assert.rejects(async () => storer.saveSession(KEY, { data: "{}", expiresAt: at(1) }));
      await assert.rejects(async () => storer.touchSession(KEY, at(1)));
      await assert.rejects(async () => storer.destroySession(KEY));
    },
  },
];

/** What a storer of the capability `session-keeping` promises. */
export const sessionKeepingConformance: Suite<SessionKeepingServerStorer> = { name: "session-keeping", cases };
