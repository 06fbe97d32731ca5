/** Making one-time passwords, and throwing them away. @module */
import assert from "node:assert/strict";
import { digest, readCode } from "@castellan/core";
import { otp } from "@castellan/otp";
import { memoryStorer } from "@castellan/testkit";
import { ConfigError, castellan, expressSessions, minutes } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  add,
  atRest,
  BOB,
  CAT,
  clear,
  logIn,
  make,
  parallel,
  pidOf,
  signedIn,
  startApp,
  stored,
  told,
  verdictOf,
  whoIsFull,
} from "./support.ts";

const ADD = "/auth/otp/add";
const CLEAR = "/auth/otp/clear";

const parts = () => ({
  rootUrl: "https://app.example.com",
  keys: ["nothing is sealed by this key: 0123456789"],
  sessions: expressSessions({ secret: "nothing is signed by this secret: 0123456789" }),
  sweepEvery: null,
});

describe("making one", () => {
  it("T17.01: wants a storer that keeps them: told at the start", () => {
    const { addOneTimePassword: _, ...rest } = memoryStorer();
    // Plain JavaScript may leave an operation out.
    const storer = rest as ReturnType<typeof memoryStorer>;
    assert.throws(() => castellan({ ...parts(), storer, modules: { otp: otp() } }), /addOneTimePassword/);
    assert.ok(castellan({ ...parts(), storer: memoryStorer(), modules: { otp: otp() } }));
  });

  it("T17.10: shows how many there are, and how many there can be", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    assert.match((await browser.get(ADD)).page.text, /You have 0 of at most 5\./);
    await add(browser);
    assert.match((await browser.get(ADD)).page.text, /You have 1 of at most 5\./);
    const { count, password } = told(await browser.json("GET", ADD));
    assert.deepEqual([count, password], [1, null]);
  });

  it("T17.11: shows it once, of 130 random bits, and stores its hash", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    const made = await (await browser.get(ADD)).page.form(ADD).submit({});
    assert.equal(made.headers["cache-control"], "no-store");
    const [password = ""] = /([0-9a-hjkmnp-tv-z]{5}-){5}[0-9a-hjkmnp-tv-z]/.exec(made.page.text) ?? [];
    assert.deepEqual(stored(app), [digest("one-time password", readCode(password) ?? "")]);
    assert.equal((await browser.get(ADD)).text.includes(password), false);
  });

  it("T17.12: stops at five, of however many at once, and says so", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    await add(browser);
    const answers = await parallel(20, () => add(browser));
    assert.equal(answers.filter(({ status }) => status === 200).length, 4);
    assert.equal(answers.filter((answer) => verdictOf(answer) === "409 one_time_passwords_full").length, 16);
    assert.equal(stored(app).length, 5);
    const page = await browser.get(ADD);
    assert.deepEqual(
      page.page.forms.filter(({ action }) => action.endsWith(ADD)),
      [],
    );
    for (const answer of answers) {
      const { password } = told(answer);
      if (typeof password === "string") assert.equal(verdictOf(await logIn(app.browser(), password)), "200 signed_in");
    }
  });

  it("T17.13 T17.14: is for nobody who is not signed in, by GET or by POST", async () => {
    const app = await startApp();
    const browser = app.browser();
    assert.match((await browser.get(ADD)).url, /\/auth\/login/);
    for (const method of ["GET", "POST"] as const)
      assert.equal((await browser.json(method, ADD, method === "POST" ? {} : undefined)).status, 401);
  });

  it("W04: wants a whole sign-in of the last fifteen minutes: half of one would make itself whole", async () => {
    const app = await startApp();
    const browser = app.browser();
    await browser.json("POST", "/auth/login", { email: ANN, password: "correct horse battery staple", remember: true });
    browser.jar.delete("__Host-castellan-sid");
    assert.equal(verdictOf(await add(browser)), "403 full_login_required");
    const full = await signedIn(app);
    app.clock.advance(minutes(16));
    const refused = await add(full);
    assert.equal(verdictOf(refused), "403 recent_login_required");
    assert.equal(told(refused)["location"], "/auth/reauthenticate");
    assert.equal(
      verdictOf(await full.json("POST", "/auth/reauthenticate", { password: "correct horse battery staple" })),
      "200 proved_again",
    );
    assert.equal((await add(full)).status, 200);
  });

  it("wants the second factor of whoever has one, of late", async () => {
    const app = await startApp();
    const browser = await signedIn(app, CAT);
    assert.equal((await add(browser)).status, 200);
    app.clock.advance(minutes(16));
    await browser.json("POST", "/auth/reauthenticate", { password: "correct horse battery staple" });
    assert.equal(verdictOf(await add(browser)), "403 recent_login_required");
    await browser.json("POST", "/auth/pin", { pin: "2718" });
    assert.equal((await add(browser)).status, 200);
  });

  it("leaves it nowhere: not at rest, not in the log, not in a mail", async () => {
    const app = await startApp();
    const password = await make(app);
    const texts = [atRest(app), JSON.stringify(app.log), JSON.stringify(await app.mails())];
    for (const text of texts) for (const form of [password, readCode(password) ?? "?"]) assert.equal(text.includes(form), false);
  });

  it("is told to the owner by mail", async () => {
    const app = await startApp();
    await make(app);
    const mail = (await app.mails()).find(({ subject }) => subject === "A one-time password was made");
    assert.match(mail?.text ?? "", /It has 1 now/);
  });

  it("goes by the number that the option says", async () => {
    const app = await startApp({ most: 1 });
    const browser = await signedIn(app);
    assert.deepEqual([(await add(browser)).status, verdictOf(await add(browser))], [200, "409 one_time_passwords_full"]);
  });

  it("says at the start what is wrong with its options", () => {
    const start = (options: object) => () => castellan({ ...parts(), storer: memoryStorer(), modules: { otp: otp(options) } });
    for (const most of [0, 21, 2.5, "5", Number.NaN])
      assert.throws(start({ most }), (error) => error instanceof ConfigError && /`most`/.test(error.message));
    assert.throws(start({ recent: 0 }), /`recent`/);
  });
});

describe("a new password", () => {
  it("ends all of them", async () => {
    const app = await startApp();
    const password = await make(app);
    await app.gate.updatePassword(pidOf(ANN), "another correct horse");
    assert.equal(verdictOf(await logIn(app.browser(), password)), "401 invalid_credentials");
    assert.equal(await app.gate.otp.count(pidOf(ANN)), 0);
  });

  it("that comes while one is made leaves none", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    const { addOneTimePassword } = app.storer;
    app.storer.addOneTimePassword = async (...given) => {
      await app.gate.updatePassword(pidOf(ANN), "another correct horse");
      return addOneTimePassword(...given);
    };
    assert.equal(verdictOf(await add(browser)), "409 account_changed");
    assert.deepEqual(stored(app), []);
  });
});

describe("throwing them away", () => {
  it("T17.15: shows how many there are, and changes nothing by a GET", async () => {
    const app = await startApp();
    await make(app);
    const browser = await signedIn(app);
    assert.match((await browser.get(CLEAR)).page.text, /You have 1\./);
    assert.equal(told(await browser.json("GET", CLEAR))["count"], 1);
    assert.equal(stored(app).length, 1);
  });

  it("T17.16: removes all of them, and nobody else's, and tells the owner", async () => {
    const app = await startApp();
    const [password, bobs] = [await make(app), await make(app, BOB)];
    await make(app);
    const browser = await signedIn(app);
    const cleared = await (await browser.get(CLEAR)).page.form(CLEAR).submit({});
    assert.match(cleared.page.text, /Your one-time passwords are gone\./);
    assert.equal(verdictOf(await logIn(app.browser(), password)), "401 invalid_credentials");
    assert.equal(verdictOf(await logIn(app.browser(), bobs, BOB)), "200 signed_in");
    const subjects = (await app.mails()).map(({ subject }) => subject);
    assert.equal(subjects.filter((subject) => subject === "Your one-time passwords were thrown away").length, 1);
    assert.equal(verdictOf(await clear(browser)), "200 one_time_passwords_cleared");
    assert.equal((await app.mails()).length, subjects.length);
  });

  it("T17.17 T17.18: is for nobody who is not signed in, by GET or by POST", async () => {
    const app = await startApp();
    await make(app);
    const browser = app.browser();
    assert.match((await browser.get(CLEAR)).url, /\/auth\/login/);
    assert.equal((await browser.json("GET", CLEAR)).status, 401);
    assert.equal((await clear(browser)).status, 401);
    assert.equal(stored(app).length, 1);
  });

  it("can be done by the application", async () => {
    const app = await startApp();
    await make(app);
    await make(app);
    assert.deepEqual(
      [await app.gate.otp.count(pidOf(ANN)), await app.gate.otp.clear(pidOf(ANN)), await app.gate.otp.count(pidOf(ANN))],
      [2, 2, 0],
    );
    assert.equal(await app.gate.otp.clear("nobody"), 0);
    assert.equal(await whoIsFull(await signedIn(app)), ANN);
  });
});
