/** Signing in with a code of the app, proving it again, and removing the factor. @module */
import assert from "node:assert/strict";
import { memoryStorer } from "@castellan/testkit";
import { totp } from "@castellan/totp";
import { twofactor } from "@castellan/twofactor";
import { ConfigError, castellan, expressSessions, minutes, seconds } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  answer,
  atRest,
  BOB,
  codeOf,
  enrol,
  logIn,
  parallel,
  pidOf,
  remove,
  startApp,
  tally,
  told,
  typed,
  verdictOf,
  whoIsFull,
} from "./support.ts";

const VALIDATE = "/auth/2fa/totp/validate";

describe("a sign-in with an authenticator app", () => {
  it("T19.02: is not asked for a code when another part has answered already", async () => {
    const app = await startApp();
    await enrol(app);
    await app.gate.lock.lock(pidOf(ANN));
    assert.equal((await logIn(app.browser())).status, 403);
    assert.deepEqual(app.storer.dump().challenges, []);
  });

  it("T19.03: is not asked for a code where the user has no secret", async () => {
    const app = await startApp();
    await enrol(app);
    assert.equal(verdictOf(await logIn(app.browser(), BOB)), "200 signed_in");
  });

  it("T19.04: leads to the page for the code, and keeps the page that was wanted", async () => {
    const app = await startApp();
    const { secret } = await enrol(app);
    app.clock.advance(seconds(30));
    const browser = app.browser();
    const login = (await browser.get("/auth/login?redir=%2Ffull")).page.form("/auth/login");
    const asked = await login.submit({ email: ANN, password: "correct horse battery staple" });
    assert.ok(asked.url.endsWith(VALIDATE));
    assert.equal((await asked.page.form(VALIDATE).submit({ code: await codeOf(app, secret) })).text, `full ${ANN}`);
  });

  it("T19.15: shows a form with one field, for digits that a phone may offer", async () => {
    const app = await startApp();
    await enrol(app);
    const { page } = await (await typed(app)).get(VALIDATE);
    const field = page.form(VALIDATE).field("code");
    assert.deepEqual([field.attribute("autocomplete"), field.attribute("inputmode")], ["one-time-code", "numeric"]);
    assert.equal(page.heading, "Your code");
  });

  it("T19.16: says so where the factor is not set up", async () => {
    const app = await startApp();
    const browser = await typed(app);
    assert.equal(verdictOf(await answer(browser, "123456")), "409 factor_not_set_up");
    assert.equal(await whoIsFull(browser), ANN);
  });

  it("T19.17: shows a wrong code on its field, and lets nobody in", async () => {
    const app = await startApp();
    const { secret } = await enrol(app);
    app.clock.advance(minutes(5));
    const browser = await typed(app);
    for (const offset of [-90, 60, 3600]) {
      const wrong = await answer(browser, await codeOf(app, secret, offset));
      assert.equal(verdictOf(wrong), "401 code_invalid");
      assert.deepEqual(
        told(wrong)["problems"],
        [{ message: "This code is not right. Check it and try again.", field: "code", reason: "code_invalid", parameters: {} }].map(
          ({ parameters: _, ...problem }) => problem,
        ),
      );
    }
    assert.equal(await whoIsFull(browser), "nobody");
  });

  it("T19.18: W09: refuses a code that was used, with spaces too, after a wrong one too, and an older one of the window", async () => {
    const app = await startApp();
    const { secret } = await enrol(app);
    app.clock.advance(minutes(5));
    const [older, code] = [await codeOf(app, secret, -30), await codeOf(app, secret)];
    assert.equal(verdictOf(await answer(await typed(app), code)), "200 signed_in");
    const browser = await typed(app);
    assert.equal(verdictOf(await answer(browser, code)), "401 code_used");
    assert.equal(verdictOf(await answer(browser, ` ${code.slice(0, 3)} ${code.slice(3)}`)), "401 code_used");
    assert.equal(verdictOf(await answer(browser, code === "000000" ? "000001" : "000000")), "401 code_invalid");
    assert.equal(verdictOf(await answer(browser, code)), "401 code_used");
    const another = await typed(app);
    assert.equal(verdictOf(await answer(another, older)), "401 code_used");
    app.clock.advance(seconds(30));
    assert.equal(verdictOf(await answer(another, code)), "401 code_used");
    assert.equal(verdictOf(await answer(another, await codeOf(app, secret))), "200 signed_in");
  });

  it("takes the code of the set-up for nothing else", async () => {
    const app = await startApp();
    const { secret } = await enrol(app);
    assert.equal(verdictOf(await answer(await typed(app), await codeOf(app, secret))), "401 code_used");
  });

  it("takes the code of the half-minute before, and not of the next, but where the option says so", async () => {
    const app = await startApp();
    const { secret } = await enrol(app);
    app.clock.advance(minutes(5));
    assert.equal(verdictOf(await answer(await typed(app), await codeOf(app, secret, 30))), "401 code_invalid");
    assert.equal(verdictOf(await answer(await typed(app), await codeOf(app, secret, -30))), "200 signed_in");
    const ahead = await startApp({ totp: { acceptNext: true } });
    const other = await enrol(ahead);
    ahead.clock.advance(minutes(5));
    assert.equal(verdictOf(await answer(await typed(ahead), await codeOf(ahead, other.secret, 30))), "200 signed_in");
    // What was ahead is used up too, and with it the codes before.
    assert.equal(verdictOf(await answer(await typed(ahead), await codeOf(ahead, other.secret))), "401 code_used");
  });

  it("T19.19: lets in by the only recovery code that is left, with the page that was wanted", async () => {
    const app = await startApp();
    const { codes } = await enrol(app);
    for (const code of codes.slice(1)) {
      const browser = await typed(app);
      assert.equal(verdictOf(await browser.json("POST", "/auth/2fa/recovery", { recovery_code: code })), "200 signed_in");
    }
    const browser = app.browser();
    const login = (await browser.get("/auth/login?redir=%2Ffull")).page.form("/auth/login");
    const asked = await login.submit({ email: ANN, password: "correct horse battery staple" });
    const choice = await asked.page.link("Try another way").follow();
    const recovery = await choice.page.link("Recovery code").follow();
    const inside = await recovery.page.form("/auth/2fa/recovery").submit({ recovery_code: codes[0] ?? "" });
    assert.equal(inside.text, `full ${ANN}`);
    assert.equal(await app.gate.twofactor.recoveryCodesLeft(pidOf(ANN)), 0);
  });

  it("T19.20: refuses an invalid recovery code on its field", async () => {
    const app = await startApp();
    await enrol(app);
    const wrong = await (await typed(app)).json("POST", "/auth/2fa/recovery", { recovery_code: "nothing like it" });
    assert.equal(verdictOf(wrong), "401 code_invalid");
    assert.equal((told(wrong)["problems"] as { field: string }[])[0]?.field, "recovery_code");
  });

  it("R24: of twenty uses of one code at once, over five waiting logins and a step-up, one counts", async () => {
    const app = await startApp();
    const { browser: inside, secret } = await enrol(app);
    app.clock.advance(minutes(5));
    const browsers = [...(await parallel(5, () => typed(app))), inside];
    const code = await codeOf(app, secret);
    const answers = await parallel(20, (index) => answer(browsers[index % 6] ?? assert.fail(), code));
    const right = answers.filter((one) => one.status === 200);
    assert.equal(right.length, 1);
  });

  it("C03: of twenty uses of one right code at once in one waiting login signs one in, though five tries are used up", async () => {
    const app = await startApp();
    const { secret } = await enrol(app);
    app.clock.advance(minutes(5));
    const browser = await typed(app);
    const code = await codeOf(app, secret);
    const answers = await parallel(20, () => answer(browser, code));
    assert.equal(answers.filter((one) => verdictOf(one) === "200 signed_in").length, 1);
    assert.equal((await app.gate.signIns(pidOf(ANN))).length, 2);
    assert.equal(await whoIsFull(browser), ANN);
  });

  it("of fifty wrong codes at once with five tries looks at five, and counts them for the account", async () => {
    const app = await startApp();
    const { secret } = await enrol(app);
    app.clock.advance(minutes(5));
    const code = await codeOf(app, secret);
    const browser = await typed(app);
    const answers = await parallel(50, () => answer(browser, code === "000000" ? "000001" : "000000"));
    assert.deepEqual(tally(answers), { "401 code_invalid": 4, "401 login_expired": 46 });
    assert.equal(verdictOf(await answer(browser, code)), "401 login_expired");
    assert.equal(verdictOf(await answer(await typed(app), code)), "200 signed_in");
  });

  it("W05: lets nobody in while the account is locked, by a right code as little as by a wrong one", async () => {
    const app = await startApp();
    const { secret } = await enrol(app);
    app.clock.advance(minutes(5));
    const browser = await typed(app);
    await app.gate.lock.lock(pidOf(ANN));
    const [right, wrong] = [await answer(browser, await codeOf(app, secret)), await answer(browser, "000000")];
    assert.equal(right.status, 401);
    assert.equal(verdictOf(right), verdictOf(wrong));
    assert.equal(await whoIsFull(browser), "nobody");
  });

  it("opens a page that asks for this factor, and is asked again after its time", async () => {
    const app = await startApp();
    const { browser, secret } = await enrol(app);
    assert.equal((await browser.get("/safe")).text, `safe of ${ANN}`);
    app.clock.advance(minutes(6));
    const asked = await browser.get("/safe");
    assert.match(asked.url, /\/auth\/2fa\/totp\/validate\?redir=%2Fsafe$/);
    assert.equal((await asked.page.form(VALIDATE).submit({ code: await codeOf(app, secret) })).text, `safe of ${ANN}`);
  });

  it("takes an array, an object, nothing, ten thousand digits and a code in the query for no code", async () => {
    const app = await startApp();
    const { secret } = await enrol(app);
    app.clock.advance(minutes(5));
    const browser = await typed(app);
    const code = await codeOf(app, secret);
    for (const wrong of [[code], { code }, null, "", "1".repeat(10_000), Number(code)])
      assert.equal((await answer(browser, wrong)).status, 422);
    assert.equal((await browser.json("POST", `${VALIDATE}?code=${code}`, {})).status, 422);
    assert.equal(verdictOf(await answer(browser, code)), "200 signed_in");
  });
});

describe("removing it", () => {
  it("T19.11: is asked for on a page, by whoever gave a second factor of late", async () => {
    const app = await startApp();
    const { browser } = await enrol(app);
    assert.equal((await browser.get("/auth/2fa/totp/remove")).page.heading, "Remove the authenticator app");
  });

  it("T19.12: says so where it is not set up", async () => {
    const app = await startApp();
    const browser = await typed(app);
    assert.equal((await remove(browser)).status, 403);
  });

  it("T19.13: asks for a code first when the last one was long ago, and a wrong one removes nothing and counts", async () => {
    const app = await startApp();
    const { browser } = await enrol(app);
    app.clock.advance(minutes(16));
    const refused = await remove(browser);
    assert.equal(verdictOf(refused), "403 recent_login_required");
    assert.equal(told(refused)["location"], VALIDATE);
    for (let round = 0; round < 10; round += 1) assert.equal(verdictOf(await answer(browser, "000000")), "401 code_invalid");
    assert.equal(verdictOf(await answer(browser, "000000")), "429 too_many_attempts");
    assert.equal((await remove(browser)).status, 403);
    assert.notEqual(await app.storer.totpSecretOf(pidOf(ANN)), null);
  });

  it("T19.14: turns it off after a right code: no code is asked for any more, the mark of this session is gone, and the owner is told", async () => {
    const app = await startApp();
    const { browser, secret } = await enrol(app);
    app.clock.advance(minutes(16));
    assert.equal(verdictOf(await answer(browser, await codeOf(app, secret))), "200 factor_given");
    assert.equal(verdictOf(await remove(browser)), "200 factor_removed");
    assert.equal(await whoIsFull(browser), ANN);
    assert.equal((await browser.json("GET", "/safe")).status, 403);
    assert.equal(verdictOf(await logIn(app.browser())), "200 signed_in");
    assert.equal(await app.storer.totpSecretOf(pidOf(ANN)), null);
    const subjects = (await app.mails()).map(({ subject }) => subject);
    assert.ok(subjects.includes("A second factor was removed: Authenticator app"));
  });

  it("R23: takes no code for it that a sign-in has used", async () => {
    const app = await startApp();
    const { secret } = await enrol(app);
    app.clock.advance(minutes(20));
    const browser = await typed(app);
    const code = await codeOf(app, secret);
    await answer(browser, code);
    const other = await typed(app);
    assert.equal(verdictOf(await answer(other, code)), "401 code_used");
    assert.equal((await remove(other)).status, 401);
  });
});

describe("keys", () => {
  const [OLD, NEW] = ["the-old-key-of-these-tests-0123456789-abcdef", "the-new-key-of-these-tests-9876543210-fedcba"];

  it("may be rotated: the secret is sealed anew at the next right code, and the old key can go", async () => {
    const app = await startApp({ gate: { keys: [OLD] } });
    const { secret } = await enrol(app);
    app.clock.advance(minutes(5));
    const both = await startApp({ like: app, gate: { keys: [NEW, OLD] } });
    const before = await app.storer.totpSecretOf(pidOf(ANN));
    assert.equal(verdictOf(await answer(await typed(both), await codeOf(app, secret))), "200 signed_in");
    assert.notEqual(await app.storer.totpSecretOf(pidOf(ANN)), before);
    assert.equal(atRest(app).includes(secret), false);
    app.clock.advance(minutes(5));
    const newOnly = await startApp({ like: app, gate: { keys: [NEW] } });
    const current = await app.storer.totpSecretOf(pidOf(ANN));
    assert.equal(verdictOf(await answer(await typed(newOnly), await codeOf(app, secret))), "200 signed_in");
    assert.equal(await app.storer.totpSecretOf(pidOf(ANN)), current);
  });

  it("F25: that are gone, or a damaged secret, let nobody in without the factor: the operator is told, and another way is offered", async () => {
    const app = await startApp({ gate: { keys: [OLD] } });
    const { secret, codes } = await enrol(app);
    app.clock.advance(minutes(5));
    const wrong = await startApp({ like: app, gate: { keys: [NEW] } });
    const browser = await typed(wrong);
    const refused = await answer(browser, await codeOf(app, secret));
    assert.equal(verdictOf(refused), "503 totp_unreadable");
    assert.equal(await whoIsFull(browser), "nobody");
    assert.match(JSON.stringify(wrong.log), /TOTP secret cannot be opened/);
    assert.equal(JSON.stringify(wrong.log).includes(secret), false);
    assert.equal(verdictOf(await browser.json("POST", "/auth/2fa/recovery", { recovery_code: codes[0] })), "200 signed_in");
  });
});

it("says at the start what is wrong with its options, and that it needs twofactor", () => {
  const parts = () => ({
    rootUrl: "https://app.example.com",
    keys: ["nothing is sealed by this key: 0123456789"],
    sessions: expressSessions({ secret: "nothing is signed by this secret: 0123456789" }),
    storer: memoryStorer(),
    sweepEvery: null,
  });
  const start = (options: object) => () => castellan({ ...parts(), modules: { twofactor: twofactor(), totp: totp(options) } });
  for (const issuer of ["", " ", "x".repeat(65), 7])
    assert.throws(start({ issuer }), (error) => error instanceof ConfigError && /`issuer`/.test(error.message));
  assert.throws(start({ acceptNext: "yes" }), /`acceptNext`/);
  assert.throws(() => castellan({ ...parts(), modules: { totp: totp() } }), /totp.*twofactor/s);
});
