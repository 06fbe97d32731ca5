/** Attacks on what second factors share: leftovers, budgets, failures in the middle, and two requests at once. @module */
import assert from "node:assert/strict";
import { digest, readCode } from "@castellan/core";
import { days, minutes } from "castellan";
import express, { type Express } from "express";
import { describe, it } from "vitest";
import {
  ANN,
  answerPin,
  answerRecovery,
  giveCard,
  givePin,
  logIn,
  PASSWORD,
  PIN,
  parallel,
  pidOf,
  signedIn,
  startApp,
  type TestGate,
  tally,
  told,
  UNTHROTTLED,
  verdictOf,
  waiting,
  whoIsFull,
} from "../packages/twofactor/test/support.ts";

const CODES = ["j6xgr-tk61h-gpp6t-6yn2w-9q062-d", "k6xgr-tk61h-gpp6t-6yn2w-9q062-e"] as const;
const hashes = CODES.map((code) => digest("recovery code", readCode(code) ?? ""));

/** An attacker has as many networks as they like. */
const ANY_NETWORK = { "attempt/network": { max: 10_000, per: minutes(15) } };

describe("recovery codes of a factor that is gone", () => {
  it("prove nothing any more once the last factor was removed", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app, ANN, hashes);
    const owner = await signedIn(app);
    assert.equal(verdictOf(await owner.json("POST", "/auth/2fa/pin/remove", {})), "200 factor_removed");
    const thief = app.browser();
    assert.equal(verdictOf(await logIn(thief)), "200 signed_in");
    await answerRecovery(thief, CODES[0]);
    assert.equal((await thief.json("GET", "/safe")).status, 403);
  });

  it("prove nothing any more after an administrator's reset", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app, ANN, hashes);
    assert.ok(await app.gate.twofactor.reset(pidOf(ANN)));
    const thief = app.browser();
    assert.equal(verdictOf(await logIn(thief)), "200 signed_in");
    await answerRecovery(thief, CODES[0]);
    assert.equal((await thief.json("GET", "/safe")).status, 403);
  });
});

describe("guesses of the second factor", () => {
  it("are not multiplied by browsers in which only the password was given, before there was a factor", async () => {
    let looked = 0;
    const app = await startApp({ hooks: { evaluating: () => void looked++ }, gate: { limits: ANY_NETWORK } });
    const jars = [];
    for (let index = 0; index < 5; index++) {
      const browser = app.browser();
      assert.equal(verdictOf(await logIn(browser)), "200 signed_in");
      jars.push(browser);
    }
    await givePin(app);
    for (const browser of jars) {
      for (let round = 0; round < 3; round++) {
        await logIn(browser);
        for (let guess = 0; guess < 5; guess++) await answerPin(browser, "000000");
      }
    }
    assert.ok(looked <= 20, `${looked} guesses were looked at within an hour`);
  });

  it("that stop short of the last try do not stay unknown to the owner for ever", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app);
    for (let round = 0; round < 10; round++) {
      const thief = await waiting(app);
      for (let guess = 0; guess < 4; guess++) await answerPin(thief, "000000");
    }
    assert.ok((await app.mails()).some(({ subject }) => /password/i.test(subject)));
  });
});

describe("a failure in the middle", () => {
  it("of a counter, after the code was right, does not cost the recovery code and keep the owner out", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app, ANN, hashes);
    const browser = await waiting(app);
    const { storer } = app;
    const { forgetUses } = storer;
    Object.assign(storer, {
      forgetUses: async () => {
        throw new Error("the counters are away");
      },
    });
    const first = await answerRecovery(browser, CODES[0]);
    Object.assign(storer, { forgetUses });
    if (first.status !== 200) assert.equal(verdictOf(await answerRecovery(browser, CODES[0])), "200 signed_in");
    assert.equal(await whoIsFull(browser), ANN);
  });

  it("of telling the owner does not cost the recovery code and keep the owner out", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app, ANN, hashes);
    const browser = await waiting(app);
    const { storer } = app;
    const { queueMail } = storer;
    Object.assign(storer, {
      queueMail: async () => {
        throw new Error("the queue is away");
      },
    });
    const first = await answerRecovery(browser, CODES[0]);
    Object.assign(storer, { queueMail });
    if (first.status !== 200) assert.equal(verdictOf(await answerRecovery(browser, CODES[0])), "200 signed_in");
    assert.equal(await whoIsFull(browser), ANN);
  });
});

describe("a removal that fails once the factor is off", () => {
  it("does not keep the owner from being told", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app);
    await giveCard(app);
    const browser = await signedIn(app);
    const before = (await app.mails()).length;
    const { endSignIns } = app.storer;
    Object.assign(app.storer, {
      endSignIns: async () => {
        throw new Error("away");
      },
    });
    await browser.json("POST", "/auth/2fa/pin/remove", {});
    Object.assign(app.storer, { endSignIns });
    const user = await app.storer.load(pidOf(ANN));
    assert.ok(user);
    assert.deepEqual(app.gate.twofactor.methodsOf(user), ["card"]);
    assert.ok((await app.mails()).length > before, "it is off, and nobody was told");
  });
});

describe("a reset by an administrator", () => {
  it("leaves no factor, also when the epoch moves on in the middle", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app);
    await giveCard(app);
    const { storer } = app;
    const { disableTotp } = storer;
    let first = true;
    Object.assign(storer, {
      disableTotp: async (pid: string, epoch: number) => {
        if (first) {
          first = false;
          await storer.advanceEpoch(pid);
        }
        return disableTotp(pid, epoch);
      },
    });
    assert.ok(await app.gate.twofactor.reset(pidOf(ANN)));
    const user = await storer.load(pidOf(ANN));
    assert.ok(user);
    assert.deepEqual(app.gate.twofactor.methodsOf(user), []);
  });
});

function bank(app: Express, gate: TestGate): void {
  app.use(express.urlencoded({ extended: false, limit: "1mb" }));
  app.get("/transfer", gate.require(), async (req, res) => void res.json(await gate.preserved(req)));
  const form = { at: "/transfer", preserve: ["to", "amount"] };
  app.post("/transfer", gate.require({ twoFactored: true, within: minutes(5), form }), (_req, res) => void res.send("done"));
}

describe("a form that is too long to be kept", () => {
  it("does not come back with what was typed for another post before", async () => {
    const app = await startApp({ add: bank, gate: { limits: UNTHROTTLED } });
    await givePin(app);
    const browser = await signedIn(app);
    app.clock.advance(minutes(6));
    await browser.post("/transfer", { to: "Bob", amount: "1" });
    await browser.post("/transfer", { to: "C".repeat(3000), amount: "2" });
    const answer = await answerPin(browser, PIN);
    assert.equal(answer.status, 200);
    assert.deepEqual(told(await browser.json("GET", "/transfer")), {});
  });
  it("is not shown to whoever sends the cookie again after an hour", async () => {
    const app = await startApp({ add: bank, gate: { limits: UNTHROTTLED } });
    await givePin(app);
    const browser = await signedIn(app);
    app.clock.advance(minutes(6));
    await browser.post("/transfer", { to: "Bob", amount: "1" });
    const kept = browser.jar.get("__Host-castellan-form");
    assert.ok(kept);
    app.clock.advance(minutes(60));
    await logIn(browser);
    assert.equal(verdictOf(await answerPin(browser, PIN)), "200 signed_in");
    const sid = browser.jar.get("__Host-castellan-sid");
    const back = await browser.json("GET", "/transfer", undefined, {
      headers: { cookie: `__Host-castellan-sid=${sid?.value}; __Host-castellan-form=${kept.value}` },
    });
    assert.deepEqual(told(back), {});
  });
});

describe("a browser that is trusted", () => {
  it("is trusted by a secret of its own, not by one that somebody else had left in it before", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED }, twofactor: { trust: days(30) } });
    const BOB = "bob@example.com";
    await givePin(app);
    await givePin(app, BOB);
    const shared = app.browser();
    await logIn(shared, BOB);
    await answerPin(shared, PIN, { trust: "on" });
    const bobs = shared.fork();
    await shared.json("POST", "/auth/logout", {});
    await logIn(shared, ANN);
    assert.equal(verdictOf(await answerPin(shared, PIN, { trust: "on" })), "200 signed_in");
    assert.equal(verdictOf(await logIn(bobs, ANN)), "200 second_factor_required");
  });

  it("that was ended is not trusted again by a copy of its old cookie, once its owner ticks the box anew", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED }, twofactor: { trust: days(30) } });
    await givePin(app);
    const owner = app.browser();
    await logIn(owner);
    assert.equal(verdictOf(await answerPin(owner, PIN, { trust: "on" })), "200 signed_in");
    const thief = owner.fork();
    for (const name of ["sid", "browser"]) thief.jar.delete(`__Host-castellan-${name}`);
    assert.equal(verdictOf(await owner.json("POST", "/auth/2fa/trusted/end", {})), "200 browser_untrusted");
    assert.equal(verdictOf(await logIn(thief)), "200 second_factor_required");
    await logIn(owner);
    assert.equal(verdictOf(await answerPin(owner, PIN, { trust: "on" })), "200 signed_in");
    assert.equal(verdictOf(await logIn(thief)), "200 second_factor_required");
  });
});

describe("an owner whose password somebody knows", () => {
  it("gets in by a recovery code within a day of that somebody's guessing", async () => {
    const app = await startApp({ gate: { limits: ANY_NETWORK } });
    await givePin(app, ANN, hashes);
    const seen: string[] = [];
    for (let hour = 0; hour < 24; hour++) {
      for (let round = 0; round < 3; round++) {
        const thief = app.browser();
        if (verdictOf(await logIn(thief)) !== "200 second_factor_required") break;
        for (let guess = 0; guess < 5; guess++) await answerPin(thief, "000000");
      }
      app.clock.advance(minutes(30));
      const owner = app.browser();
      await logIn(owner);
      const verdict = verdictOf(await answerRecovery(owner, CODES[0]));
      if (verdict === "200 signed_in") return;
      seen.push(verdict);
      app.clock.advance(minutes(31));
    }
    assert.fail(`never within a day: ${[...new Set(seen)].join(", ")}`);
  });
});

describe("requests at once in one browser", () => {
  it("that type the password once more (a double click) leave it signed in", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    const browser = await signedIn(app);
    const answers = await parallel(5, () => browser.json("POST", "/auth/reauthenticate", { password: PASSWORD }));
    assert.equal(await whoIsFull(browser), ANN, JSON.stringify(tally(answers)));
  });

  it("that give the second factor leave it signed in", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app);
    const browser = await waiting(app);
    const answers = await parallel(5, () => answerPin(browser));
    assert.equal(await whoIsFull(browser), ANN, JSON.stringify(tally(answers)));
  });

  it("that give the second factor again leave it signed in", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app);
    const browser = await signedIn(app);
    const answers = await parallel(5, () => answerPin(browser));
    assert.equal(await whoIsFull(browser), ANN, JSON.stringify(tally(answers)));
  });
  it("that remove a factor leave it signed in", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app);
    await giveCard(app);
    const browser = await signedIn(app);
    const answers = await parallel(5, () => browser.json("POST", "/auth/2fa/pin/remove", {}));
    assert.equal(await whoIsFull(browser), ANN, JSON.stringify(tally(answers)));
  });
});
