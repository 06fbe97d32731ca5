/** What nobody can tell by asking for a link, how many mails anybody can cause, and what still stands against whoever has one. @module */
import assert from "node:assert/strict";
import type { Answer } from "@castellan/testkit";
import { days, minutes, seconds } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  type App,
  ask,
  has,
  haveUser,
  linkFor,
  mailsTo,
  newToken,
  OTHER_PASSWORD,
  operationsOf,
  PIN,
  ROOT,
  recoverBy,
  signIn,
  spend,
  startApp,
  statusAndReason,
  tokenFor,
  userOf,
  visible,
} from "./support.ts";

const BOB = "bob@example.com";
const from = (app: App, host: number) => app.browser({ headers: { "X-Forwarded-For": `198.51.100.${host}` } });

describe("asking for a link", () => {
  it("W17 is answered alike for known, unconfirmed, disabled, unknown and impossible logins, and for those that come too soon, with the same work", async () => {
    const app = await startApp();
    await haveUser(app, BOB, BOB, false);
    await app.gate.disable(await haveUser(app, "out@example.com"));
    const seen: unknown[] = [];
    for (const email of [ANN, BOB, "out@example.com", "nobody@example.com", "no address at all"]) {
      let json: Answer | undefined;
      const work = await operationsOf(app, async () => {
        json = await ask(app, email);
      });
      const soon = await operationsOf(app, async () => assert.deepEqual(visible(await ask(app, email)), json && visible(json)));
      const { page } = await app.browser().get("/auth/recover");
      const asPage = visible(await page.form("/auth/recover").submit({ email }, { followRedirects: false }));
      seen.push({ json: json && visible(json), page: asPage, work, soon });
    }
    for (const one of seen) assert.deepEqual(one, seen[0]);
    assert.equal((await mailsTo(app, ANN)).length, 1);
  });

  it("C18 R95 of twenty that come at once one is mailed, and its link works", async () => {
    const app = await startApp();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(app, ANN)));
    assert.deepEqual(new Set(answers.map(statusAndReason)), new Set(["200 recovery_sent"]));
    assert.equal((await mailsTo(app, ANN)).length, 1);
    assert.equal((await spend(app, await tokenFor(app))).status, 200);
  });

  it("R95 mails once in five minutes and five times a day for one login, however often and from wherever it is asked", async () => {
    const app = await startApp();
    const sent = async (): Promise<number> => (await mailsTo(app, ANN)).length;
    await Promise.all(Array.from({ length: 50 }, (_, host) => from(app, host).json("POST", "/auth/recover", { email: ANN })));
    assert.equal(await sent(), 1);
    app.clock.advance(seconds(299));
    await ask(app, ` ${ANN.toUpperCase()}`);
    assert.equal(await sent(), 1);
    app.clock.advance(seconds(1));
    for (let turn = 2; turn <= 8; turn += 1) {
      await ask(app, ANN);
      assert.equal(await sent(), Math.min(turn, 5));
      app.clock.advance(minutes(5));
    }
    app.clock.advance(days(1));
    await ask(app, ANN);
    assert.equal(await sent(), 6);
  });

  it("is 429 with Retry-After from the twenty-first on in an hour from one network, whoever it is about", async () => {
    const app = await startApp();
    for (let turn = 0; turn < 20; turn += 1) assert.equal((await ask(app, `somebody-${turn}@example.com`)).status, 200);
    for (const email of [ANN, "nobody@example.com"]) {
      const refused = await ask(app, email);
      assert.deepEqual([statusAndReason(refused), refused.headers["retry-after"]], ["429 too_many_attempts", "3600"]);
    }
    assert.equal((await from(app, 9).json("POST", "/auth/recover", { email: ANN })).status, 200);
    assert.equal((await mailsTo(app, ANN)).length, 1);
  });

  it("does not keep the owner out meanwhile: the password still works, and an older link until a newer one is mailed", async () => {
    const app = await startApp();
    const token = await newToken(app);
    await Promise.all(Array.from({ length: 20 }, (_, host) => from(app, host).json("POST", "/auth/recover", { email: ANN })));
    assert.equal((await spend(app, token)).status, 200);
  });
});

describe("a recovery that signs in goes through the door of every sign-in", () => {
  const recover = { signIn: true } as const;
  const wholly = async (app: App, email: string) => {
    const browser = app.browser();
    await ask(app, email);
    const answer = await recoverBy(browser, (await linkFor(app, email)).slice(ROOT.length));
    return { browser, answer };
  };

  it("an unconfirmed address stands against it; the password is saved all the same", async () => {
    const app = await startApp({ recover });
    await haveUser(app, BOB, BOB, false);
    const { browser, answer } = await wholly(app, BOB);
    assert.equal(answer.status, 403);
    assert.match(answer.page.text, /Please confirm your address first/);
    assert.equal(statusAndReason(await browser.json("GET", "/account")), "401 login_required");
    assert.equal(statusAndReason(await signIn(app.browser(), OTHER_PASSWORD, BOB)), "403 not_confirmed");
  });

  it("with byRecovery the link confirms the address that it was mailed to, and lets its owner in", async () => {
    const app = await startApp({ recover, confirm: { byRecovery: true } });
    await haveUser(app, BOB, BOB, false);
    const { browser, answer } = await wholly(app, BOB);
    assert.equal(answer.text, "start");
    assert.equal((await browser.get("/account")).text, `account of ${BOB}`);
    assert.deepEqual((await userOf(app, BOB)).confirmedAt, app.clock.now());
  });

  it("with byRecovery a link to a secondary address proves nothing about the first", async () => {
    const app = await startApp({ recover, confirm: { byRecovery: true } });
    const pid = await haveUser(app, BOB, BOB, false);
    await app.storer.setSecondaryEmails(pid, ["bob@home.example"]);
    await ask(app, BOB);
    const answer = await recoverBy(app.browser(), (await linkFor(app, "bob@home.example")).slice(ROOT.length));
    assert.equal(answer.status, 403);
    assert.equal((await userOf(app, BOB)).confirmedAt, null);
  });

  it("a lock by attempts ends with it, an administrator's stands", async () => {
    const app = await startApp({ recover });
    for (let turn = 0; turn < 7; turn += 1) await signIn(app.browser(), "wrong");
    assert.equal(statusAndReason(await signIn(app.browser(), OTHER_PASSWORD)), "403 account_locked");
    const unlocked = await wholly(app, ANN);
    assert.equal(unlocked.answer.text, "start");
    await haveUser(app, BOB);
    await app.gate.lock.lock((await userOf(app, BOB)).pid);
    const locked = await wholly(app, BOB);
    assert.equal(locked.answer.status, 403);
    assert.equal(statusAndReason(await locked.browser.json("GET", "/account")), "401 login_required");
  });

  it("a disabled account stays out", async () => {
    const app = await startApp({ recover });
    const token = await newToken(app);
    const browser = app.browser();
    await app.gate.disable((await userOf(app)).pid);
    assert.equal(statusAndReason(await spend(app, token, OTHER_PASSWORD, browser)), "410 link_invalid");
    app.clock.advance(minutes(5));
    assert.equal(statusAndReason(await spend(app, await newToken(app), OTHER_PASSWORD, browser)), "403 account_disabled");
    assert.equal(statusAndReason(await browser.json("GET", "/account")), "401 login_required");
  });

  it("a second factor is asked for", async () => {
    const app = await startApp({ recover: { signIn: true, afterRecover: "/account" }, hasPin: () => true });
    const { browser, answer } = await wholly(app, ANN);
    assert.equal(answer.url, `${ROOT}/auth/pin`);
    assert.equal(statusAndReason(await browser.json("GET", "/account")), "401 login_required");
    const done = await answer.page.form("/auth/pin").submit({ pin: PIN });
    assert.equal(done.text, `account of ${ANN}`);
    assert.ok(await has(app, OTHER_PASSWORD));
  });
});
