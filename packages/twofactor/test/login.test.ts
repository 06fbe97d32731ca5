/** Logins that wait for a second factor. @module */
import assert from "node:assert/strict";
import { minutes, seconds } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  answerCard,
  answerPin,
  answerRecovery,
  BOB,
  giveCard,
  givePin,
  logIn,
  parallel,
  pidOf,
  signedIn,
  startApp,
  tally,
  told,
  UNTHROTTLED,
  verdictOf,
  waiting,
  whoIsFull,
} from "./support.ts";

describe("a user with a second factor", () => {
  it("is nobody until it was given, on every page and on every route of the suite", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = await waiting(app);
    for (const path of ["/account", "/full", "/safe", "/auth/password", "/auth/reauthenticate"]) {
      assert.equal((await browser.json("GET", path)).status, 401, path);
    }
    for (const path of ["/auth/2fa/pin/remove", "/auth/2fa/recovery/regen", "/auth/2fa/trusted/end", "/auth/password"]) {
      assert.ok([401, 404].includes((await browser.json("POST", path, {})).status), path);
    }
    // What sets up a factor leads to the one that is there.
    assert.equal(verdictOf(await browser.json("POST", "/auth/2fa/card/setup", { code: "314159" })), "403 second_factor_required");
    assert.deepEqual(await app.gate.signIns(pidOf(ANN)), []);
  });

  it("is signed in by it, with both proofs, and led where the login wanted to go", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = app.browser();
    const page = (await browser.get("/auth/login?redir=%2Ffull")).page;
    const asked = await page.form("/auth/login").submit({ email: ANN, password: "correct horse battery staple" });
    assert.equal(asked.page.heading, "Your code");
    const wrong = await asked.page.form().submit({ code: "000000" });
    assert.match(wrong.page.text, /This code is not right/);
    assert.equal((await wrong.page.form().submit({ code: "271828" })).text, `full ${ANN}`);
    const [signIn] = await app.gate.signIns(pidOf(ANN));
    assert.deepEqual(
      signIn?.factors.map(({ method }) => method),
      ["password", "pin"],
    );
  });

  it("can choose: the stronger factor is offered first, then the weaker one and a recovery code", async () => {
    const app = await startApp();
    await givePin(app, ANN, []);
    await giveCard(app);
    const browser = app.browser();
    assert.equal(told(await logIn(browser))["location"], "/auth/2fa/pin/validate");
    const { ways } = told(await browser.json("GET", "/auth/2fa/choose")) as { ways: { method: string; path: string }[] };
    assert.deepEqual(
      ways.map(({ method }) => method),
      ["pin", "card", "recovery"],
    );
    assert.equal(verdictOf(await answerCard(browser)), "200 signed_in");
  });

  it("is told when the factor could not be offered, and can take another", async () => {
    const app = await startApp({ hooks: { offered: () => "not_sent" } });
    await giveCard(app);
    const browser = app.browser();
    const answer = told(await logIn(browser));
    assert.deepEqual([answer["reason"], answer["location"]], ["not_sent", "/auth/2fa/card/validate"]);
    assert.equal((await browser.json("GET", "/auth/2fa/choose")).status, 200);
  });

  it("gets in by a factor that the user does not have as little as by none", async () => {
    const app = await startApp();
    await giveCard(app);
    const browser = await waiting(app);
    // This factor's code is the same for everybody: it is the desk that refuses.
    assert.equal(verdictOf(await answerPin(browser)), "409 factor_not_set_up");
    assert.equal(await whoIsFull(browser), "nobody");
  });
});

describe("the waiting login", () => {
  it("ends after five wrong answers, also for the right one, and begins again with the password", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = await waiting(app);
    const verdicts: string[] = [];
    for (const _ of Array(5)) verdicts.push(verdictOf(await answerPin(browser, "000000")));
    assert.deepEqual(verdicts, [...Array(4).fill("401 code_invalid"), "401 login_expired"]);
    assert.equal(verdictOf(await answerPin(browser)), "401 login_expired");
    assert.equal(verdictOf(await logIn(browser)), "200 second_factor_required");
    assert.equal(verdictOf(await answerPin(browser)), "200 signed_in");
  });

  it("W05: looks at ten wrong answers an hour, however many logins wait, and then at the right one neither", async () => {
    const app = await startApp();
    await givePin(app);
    let looked = 0;
    const counting = await startApp({
      hooks: { evaluating: () => void looked++ },
      gate: { limits: { "attempt/subject": { max: 1000, per: minutes(15) } } },
    });
    await givePin(counting);
    for (const _ of Array(4)) {
      const browser = await waiting(counting);
      for (const __ of Array(5)) await answerPin(browser, "000000");
    }
    assert.equal(looked, 10);
    const browser = await waiting(counting);
    assert.equal(verdictOf(await answerPin(browser)), "429 too_many_attempts");
    counting.clock.advance(minutes(61));
    assert.equal(verdictOf(await logIn(browser)), "200 second_factor_required");
    assert.equal(verdictOf(await answerPin(browser)), "200 signed_in");
  });

  it("looks at a hundred wrong answers in all until the password is another, and lets a recovery code in meanwhile", async () => {
    const app = await startApp({ gate: { limits: { ...UNTHROTTLED, "twofactor/guess/total": { max: 3, per: minutes(60) } } } });
    const browser = await signedIn(app);
    const added = told(await browser.json("POST", "/auth/2fa/pin/setup", { code: "271828" })) as { codes: string[] };
    const stranger = await waiting(app);
    for (const _ of Array(3)) await answerPin(stranger, "000000");
    assert.equal(verdictOf(await answerPin(stranger)), "429 too_many_attempts");
    const owner = await waiting(app);
    assert.equal(verdictOf(await answerPin(owner)), "429 too_many_attempts");
    assert.equal(verdictOf(await answerRecovery(owner, added.codes[0])), "200 signed_in");
    await app.gate.updatePassword(pidOf(ANN), "a quite different pass phrase");
    const again = app.browser();
    await logIn(again, ANN, "a quite different pass phrase");
    assert.equal(verdictOf(await answerPin(again)), "200 signed_in");
  });

  it("lets the owner's own browser in while strangers have used up theirs", async () => {
    const app = await startApp();
    await givePin(app);
    const owner = await signedIn(app);
    await owner.json("POST", "/auth/logout", {});
    for (const _ of Array(2)) {
      const stranger = await waiting(app);
      for (const __ of Array(5)) await answerPin(stranger, "000000");
    }
    assert.equal(verdictOf(await answerPin(await waiting(app))), "429 too_many_attempts");
    assert.equal(verdictOf(await logIn(owner)), "200 second_factor_required");
    assert.equal(verdictOf(await answerPin(owner)), "200 signed_in");
  });

  it("is over after ten minutes, to the millisecond", async () => {
    const app = await startApp();
    await givePin(app);
    const [late, inTime] = [await waiting(app), await waiting(app)];
    app.clock.advance(seconds(599.999));
    assert.equal(verdictOf(await answerPin(inTime)), "200 signed_in");
    app.clock.advance(seconds(0.001));
    assert.equal(verdictOf(await answerPin(late)), "401 login_expired");
  });

  it("ends with a new password, a sign-out and a change of factors", async () => {
    const app = await startApp();
    await givePin(app);
    const ends = [
      async () => app.gate.updatePassword(pidOf(ANN), "correct horse battery staple"),
      async () => app.gate.endSignIns(pidOf(ANN), "all"),
      async () => giveCard(app),
    ];
    for (const end of ends) {
      const browser = await waiting(app);
      await end();
      assert.equal(verdictOf(await answerPin(browser)), "401 login_expired");
    }
    const browser = await waiting(app);
    await browser.json("POST", "/auth/logout", {});
    assert.equal(verdictOf(await answerPin(browser)), "401 login_expired");
  });

  it("tells the owner once an hour that somebody knows the password", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED } });
    await givePin(app);
    for (const _ of Array(3)) {
      const browser = await waiting(app);
      await parallel(10, () => answerPin(browser, "000000"));
    }
    const subjects = (await app.mails()).map(({ subject }) => subject);
    assert.deepEqual(subjects, ["Somebody may know your password"]);
  });

  it("W13: comes before whoever else is signed in: a code is that of the one who waits", async () => {
    const app = await startApp();
    await givePin(app, BOB);
    const browser = await signedIn(app, ANN);
    assert.equal(verdictOf(await logIn(browser, BOB)), "200 second_factor_required");
    assert.equal(await whoIsFull(browser), "nobody");
    assert.equal(verdictOf(await answerPin(browser)), "200 signed_in");
    assert.equal(await whoIsFull(browser), BOB);
  });

  it("W12: leaves nothing of the former user: the second factor of one is not the other's", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = await signedIn(app);
    assert.equal((await browser.get("/safe")).text, `safe of ${ANN}`);
    assert.equal(verdictOf(await logIn(browser, BOB)), "200 signed_in");
    assert.equal((await browser.json("GET", "/safe")).status, 403);
  });
});

describe("at once", () => {
  it("of twenty right answers one signs in", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED }, twofactor: { tries: 20 } });
    await givePin(app);
    const browser = await waiting(app);
    const answers = await parallel(20, () => answerPin(browser.fork()));
    assert.equal(tally(answers)["200 signed_in"], 1);
    assert.equal((await app.gate.signIns(pidOf(ANN))).length, 1);
  });

  it("of fifty wrong answers with five tries five are looked at", async () => {
    let looked = 0;
    const app = await startApp({ gate: { limits: UNTHROTTLED }, hooks: { evaluating: () => void looked++ } });
    await givePin(app);
    const browser = await waiting(app);
    const answers = await parallel(50, () => answerPin(browser.fork(), "000000"));
    assert.equal(looked, 5);
    assert.deepEqual(Object.keys(tally(answers)).sort(), ["401 code_invalid", "401 login_expired"]);
    assert.equal(verdictOf(await answerPin(browser)), "401 login_expired");
  });

  it("takes an array, an object, nothing and ten thousand signs for no code, and looks at none", async () => {
    let looked = 0;
    const app = await startApp({ hooks: { evaluating: () => void looked++ } });
    await givePin(app);
    const browser = await waiting(app);
    for (const code of [["271828"], { code: "271828" }, null, "", "2".repeat(10_000), 271828]) {
      assert.equal((await answerPin(browser, code)).status, 422);
    }
    assert.equal((await browser.json("POST", "/auth/2fa/pin/validate?code=271828", {})).status, 422);
    assert.equal(looked, 0);
  });
});

describe("the page for a code", () => {
  it("is not shown any more once all tries are used up", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = await waiting(app);
    for (let round = 0; round < 5; round += 1) await answerPin(browser, "000000");
    for (const path of ["/auth/2fa/pin/validate", "/auth/2fa/choose", "/auth/2fa/recovery"]) {
      assert.match((await browser.get(path)).url, /\/auth\/login/);
    }
  });

  it("keeps the box for trusting the browser ticked after a wrong answer", async () => {
    const app = await startApp({ twofactor: { trust: minutes(60) } });
    await givePin(app);
    const browser = await waiting(app);
    const page = await (await browser.get("/auth/2fa/recovery")).page
      .form("/auth/2fa/recovery")
      .submit({ recovery_code: "wrong", trust: true });
    assert.equal(page.page.form("/auth/2fa/recovery").field("trust").attribute("checked"), "");
  });

  it("shows what went well as such, and what went wrong as such", async () => {
    const app = await startApp();
    const inside = await signedIn(app);
    const added = await (await inside.get("/auth/2fa/pin/setup")).page.form("/auth/2fa/pin/setup").submit({ code: "271828" });
    assert.match(added.text, /<p class="notice success" role="status">Your second factor is on/);
  });
});

describe("half a sign-in", () => {
  it("W06: does not become a whole one by a code alone", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = app.browser();
    await browser.json("POST", "/auth/half", { login: ANN });
    assert.equal((await browser.get("/account")).text, `account of ${ANN}`);
    assert.equal(verdictOf(await answerPin(browser)), "403 full_login_required");
    assert.equal(verdictOf(await browser.json("POST", "/auth/2fa/card/setup", { code: "314159" })), "403 full_login_required");
    assert.equal(await whoIsFull(browser), "nobody");
  });
});

describe("a page that asks for a second factor", () => {
  it("leads to the factor and back, and asks again when it was long ago", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = await signedIn(app);
    assert.equal((await browser.get("/safe")).text, `safe of ${ANN}`);
    app.clock.advance(minutes(6));
    const asked = await browser.get("/safe");
    assert.match(asked.url, /\/auth\/2fa\/pin\/validate\?redir=%2Fsafe$/);
    assert.match(asked.page.text, /It has been a while/);
    assert.equal((await asked.page.form("/auth/2fa/pin/validate").submit({ code: "271828" })).text, `safe of ${ANN}`);
  });

  it("leads whoever has none to where it is set up, and back", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    const overview = await browser.get("/safe");
    assert.match(overview.url, /\/auth\/2fa\?redir=%2Fsafe$/);
    const form = (await overview.page.link("Set up Name of pin").follow()).page.form("/auth/2fa/pin/setup");
    const added = await form.submit({ code: "271828" });
    assert.equal((await added.page.link("I have kept them").follow()).text, `safe of ${ANN}`);
  });

  it("tells a JSON client what is missing, and where to give it", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = await signedIn(app);
    app.clock.advance(minutes(6));
    const answer = told(await browser.json("GET", "/safe"));
    assert.deepEqual([answer["reason"], answer["location"]], ["recent_login_required", "/auth/2fa/pin/validate"]);
  });
});
