/** Adding and removing factors, and what ends with it. @module */
import assert from "node:assert/strict";
import { addFactor, removeFactor } from "@castellan/twofactor";
import { minutes, refuse } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  answerCard,
  answerPin,
  answerRecovery,
  BOB,
  CARD,
  giveCard,
  givePin,
  logIn,
  PIN,
  parallel,
  pidOf,
  signedIn,
  startApp,
  tally,
  told,
  verdictOf,
  waiting,
  whoIsFull,
} from "./support.ts";

const addPin = (browser: Awaited<ReturnType<typeof signedIn>>) => browser.json("POST", "/auth/2fa/pin/setup", { code: PIN });
const addCard = (browser: Awaited<ReturnType<typeof signedIn>>) => browser.json("POST", "/auth/2fa/card/setup", { code: CARD });
const removePin = (browser: Awaited<ReturnType<typeof signedIn>>) => browser.json("POST", "/auth/2fa/pin/remove", {});

describe("adding a factor", () => {
  it("shows ten recovery codes once, with the first one only", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    const first = told(await addPin(browser)) as { codes: string[]; reason: string };
    assert.equal(first.reason, "factor_added");
    assert.equal(new Set(first.codes).size, 10);
    for (const code of first.codes) assert.match(code, /^([0-9a-z]{5}-){5}[0-9a-z]$/);
    const second = told(await addCard(browser));
    assert.deepEqual([second["reason"], second["codes"]], ["factor_added", null]);
    assert.equal(await app.gate.twofactor.recoveryCodesLeft(pidOf(ANN)), 10);
    assert.deepEqual(app.gate.twofactor.methodsOf((await app.storer.load(pidOf(ANN))) ?? assert.fail()), ["pin", "card"]);
  });

  it("keeps this browser signed in, under a new session id and with the new proof", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    const before = browser.jar.get("__Host-castellan-sid")?.value;
    await addPin(browser);
    assert.notEqual(browser.jar.get("__Host-castellan-sid")?.value, before);
    assert.equal((await browser.get("/safe")).text, `safe of ${ANN}`);
  });

  it("ends every sign-in that was made without it, and a login that is under way", async () => {
    const app = await startApp();
    const [here, elsewhere] = [await signedIn(app), await signedIn(app)];
    await addPin(here);
    assert.equal(await whoIsFull(elsewhere), "nobody");
    assert.equal(await whoIsFull(here), ANN);
  });

  it("refuses a login that was checked before and is made after it", async () => {
    const app = await startApp();
    const here = await signedIn(app);
    let added = false;
    const { createSignIn } = app.storer;
    // The password was right, nothing was asked for; then the factor is turned on, and only then the row is made.
    app.storer.createSignIn = async (...args) => {
      if (!added) {
        added = true;
        await addPin(here);
      }
      return createSignIn(...args);
    };
    const other = app.browser();
    assert.equal((await logIn(other)).status, 401);
    assert.equal(await whoIsFull(other), "nobody");
  });

  it("W23: wants a recent sign-in, and the factor that is there already", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    app.clock.advance(minutes(16));
    assert.equal(verdictOf(await addPin(browser)), "403 recent_login_required");
    assert.equal((await browser.json("POST", "/auth/reauthenticate", { password: "correct horse battery staple" })).status, 200);
    assert.equal(verdictOf(await addPin(browser)), "200 factor_added");
    app.clock.advance(minutes(16));
    await browser.json("POST", "/auth/reauthenticate", { password: "correct horse battery staple" });
    const asked = told(await addCard(browser));
    assert.deepEqual([asked["reason"], asked["location"]], ["recent_login_required", "/auth/2fa/pin/validate"]);
    assert.equal(verdictOf(await answerPin(browser)), "200 factor_given");
    assert.equal(verdictOf(await addCard(browser)), "200 factor_added");
  });

  it("can be refused by a guard of the application, which then hears of nothing", async () => {
    const app = await startApp();
    const heard: string[] = [];
    app.gate.on(addFactor).before("guard", ({ user }) => (user.login === ANN ? refuse(403, "account_disabled") : null));
    app.gate.on(addFactor).after("record", ({ user, method }) => void heard.push(`${user.login} ${method}`));
    assert.equal(verdictOf(await addPin(await signedIn(app))), "403 account_disabled");
    assert.equal(verdictOf(await addPin(await signedIn(app, BOB))), "200 factor_added");
    assert.deepEqual(heard, [`${BOB} pin`]);
  });

  it("tells the owner by mail, and of the removal", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    await addPin(browser);
    await removePin(browser);
    const mails = await app.mails();
    assert.deepEqual(
      mails.map(({ to, subject }) => [to.address, subject]),
      [
        [ANN, "A second factor was added: Name of pin"],
        [ANN, "A second factor was removed: Name of pin"],
      ],
    );
  });

  it("happens once of twenty times at once, with the codes that were shown", async () => {
    const app = await startApp({
      gate: { limits: { "attempt/subject": { max: 100, per: minutes(15) }, "twofactor/guess": { max: 100, per: minutes(15) } } },
    });
    const browser = await signedIn(app);
    const answers = await parallel(20, () => addPin(browser.fork()));
    assert.equal(tally(answers)["200 factor_added"], 1);
    const { codes } = told(answers.find((answer) => answer.status === 200) ?? assert.fail()) as { codes: string[] };
    const other = await waiting(app);
    assert.equal(verdictOf(await answerRecovery(other, codes[3])), "200 signed_in");
  });
});

describe("removing a factor", () => {
  it("wants a second factor given recently: W03, a password alone removes none", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = await signedIn(app);
    app.clock.advance(minutes(16));
    await browser.json("POST", "/auth/reauthenticate", { password: "correct horse battery staple" });
    assert.equal(verdictOf(await removePin(browser)), "403 recent_login_required");
    assert.equal(verdictOf(await browser.json("GET", "/auth/2fa/pin/remove")), "403 recent_login_required");
    assert.equal(verdictOf(await answerPin(browser)), "200 factor_given");
    assert.equal(verdictOf(await removePin(browser)), "200 factor_removed");
    assert.equal(verdictOf(await logIn(app.browser())), "200 signed_in");
  });

  it("takes its mark from this sign-in, and ends every other", async () => {
    const app = await startApp();
    await givePin(app);
    const [here, elsewhere] = [await signedIn(app), await signedIn(app)];
    await removePin(here);
    assert.equal(await whoIsFull(here), ANN);
    assert.equal((await here.json("GET", "/safe")).status, 403);
    assert.equal(await whoIsFull(elsewhere), "nobody");
  });

  it("says so where there is none, and leaves the other factor alone", async () => {
    const app = await startApp();
    await giveCard(app);
    const browser = await waiting(app);
    await answerCard(browser);
    assert.equal(verdictOf(await removePin(browser)), "409 factor_not_set_up");
    assert.equal(verdictOf(await logIn(app.browser())), "200 second_factor_required");
  });

  it("can be refused by a guard", async () => {
    const app = await startApp();
    await givePin(app);
    app.gate.on(removeFactor).before("guard", () => refuse(403, "account_disabled"));
    assert.equal(verdictOf(await removePin(await signedIn(app))), "403 account_disabled");
    assert.equal(verdictOf(await logIn(app.browser())), "200 second_factor_required");
  });

  it("is not done by a GET, nor by a foreign page", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = await signedIn(app);
    assert.equal((await browser.get("/auth/2fa/pin/remove")).status, 200);
    const foreign = { from: "https://evil.example", mode: "navigate" as const };
    assert.equal(
      (await browser.request("POST", "/auth/2fa/pin/remove", { ...foreign, headers: { accept: "application/json" } })).status,
      403,
    );
    assert.equal(verdictOf(await logIn(app.browser())), "200 second_factor_required");
  });

  it("can be done by an administrator for somebody who lost everything: all factors and sign-ins end, and each is told of", async () => {
    const app = await startApp();
    await givePin(app);
    await giveCard(app);
    const browser = await signedIn(app);
    const heard: unknown[] = [];
    app.gate.on(removeFactor).after("record", ({ method, ctx }) => void heard.push([method, ctx]));
    assert.equal(await app.gate.twofactor.reset(pidOf(ANN)), true);
    assert.deepEqual(heard, [
      ["pin", null],
      ["card", null],
    ]);
    assert.equal(await whoIsFull(browser), "nobody");
    assert.equal(verdictOf(await logIn(app.browser())), "200 signed_in");
    assert.equal(await app.gate.twofactor.reset(pidOf(ANN)), false);
    assert.equal(await app.gate.twofactor.reset("pid-nobody"), false);
  });
});

describe("where a second factor is demanded", () => {
  it("leads whoever has none to set one up, and to nothing else, and then in", async () => {
    const app = await startApp({ twofactor: { required: true } });
    const browser = app.browser();
    const enrol = await (await browser.get("/auth/login?redir=%2Ffull")).page
      .form("/auth/login")
      .submit({ email: ANN, password: "correct horse battery staple" });
    assert.equal(enrol.page.heading, "Set up a second factor");
    for (const path of ["/account", "/full", "/auth/2fa/recovery/regen", "/auth/password"]) {
      assert.equal((await browser.json("GET", path)).status, 401, path);
    }
    for (const path of ["/auth/2fa/pin/validate", "/auth/2fa/recovery"]) {
      assert.equal(verdictOf(await browser.json("POST", path, { code: PIN, recovery_code: "x" })), "403 factor_needed", path);
    }
    assert.deepEqual(await app.gate.signIns(pidOf(ANN)), []);
    const form = (await enrol.page.link("Name of pin").follow()).page.form("/auth/2fa/pin/setup");
    const added = await form.submit({ code: PIN });
    assert.equal(added.page.heading, "Your second factor is on");
    assert.equal((await added.page.link("I have kept them").follow()).text, `full ${ANN}`);
    const [signIn] = await app.gate.signIns(pidOf(ANN));
    assert.deepEqual(
      signIn?.factors.map(({ method }) => method),
      ["password", "pin"],
    );
  });

  it("asks a function of the user, afresh at each sign-in", async () => {
    const must = new Set([BOB]);
    const app = await startApp({ twofactor: { required: ({ login }) => must.has(login) } });
    assert.equal(verdictOf(await logIn(app.browser(), ANN)), "200 signed_in");
    assert.equal(verdictOf(await logIn(app.browser(), BOB)), "200 factor_needed");
    must.clear();
    assert.equal(verdictOf(await logIn(app.browser(), BOB)), "200 signed_in");
  });

  it("runs the guards again before it lets in", async () => {
    const app = await startApp({ twofactor: { required: true } });
    const browser = app.browser();
    await logIn(browser);
    await app.storer.lockUser(pidOf(ANN), new Date(app.clock.now().getTime() + minutes(5)));
    assert.equal(verdictOf(await addPin(browser)), "403 account_locked");
    assert.equal(await whoIsFull(browser), "nobody");
  });

  it("lets one of twenty set-ups at once in", async () => {
    const limits = { "attempt/subject": { max: 100, per: minutes(15) }, "twofactor/guess": { max: 100, per: minutes(15) } };
    const app = await startApp({ twofactor: { required: true }, gate: { limits } });
    const browser = app.browser();
    await logIn(browser);
    const answers = await parallel(20, () => addPin(browser.fork()));
    assert.equal(tally(answers)["200 factor_added"], 1);
    assert.equal((await app.gate.signIns(pidOf(ANN))).length, 1);
  });

  it("keeps the last factor, and says why", async () => {
    const app = await startApp({ twofactor: { required: true } });
    await givePin(app);
    await giveCard(app);
    const browser = await signedIn(app);
    assert.equal(verdictOf(await removePin(browser)), "200 factor_removed");
    const other = await waiting(app);
    await answerCard(other);
    assert.equal(verdictOf(await other.json("POST", "/auth/2fa/card/remove", {})), "409 last_factor");
  });
});
