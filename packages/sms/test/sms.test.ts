/** Setting codes by text message up, signing in with them, and removing them. @module */
import assert from "node:assert/strict";
import { refuse } from "@castellan/core";
import { addFactor } from "@castellan/twofactor";
import { login, minutes, seconds } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  codeIn,
  confirm,
  givePin,
  giveSms,
  logIn,
  MASKED,
  NUMBER,
  problemsOf,
  sendAgain,
  setUp,
  signedIn,
  signedInBySms,
  startApp,
  told,
  userOf,
  validate,
  verdictOf,
  waiting,
  whoIsFull,
  wrong,
} from "./support.ts";

describe("the module", () => {
  it("T20.01: brings four pages, what they post to, and the ways to send again", async () => {
    const app = await startApp();
    const routes = app.gate.describe().routes.filter((route) => route.endsWith(" (sms)"));
    const pages = ["GET", "POST"].flatMap((method) =>
      ["confirm", "remove", "setup", "validate"].map((page) => `${method} /2fa/sms/${page}`),
    );
    const expected = [...pages, "POST /2fa/sms/confirm/send", "POST /2fa/sms/send"].map((route) => `${route} (sms)`);
    assert.deepEqual(routes.toSorted(), expected.toSorted());
  });

  it("does not start without a sender that can send, without twofactor, or with countries that nobody has", async () => {
    const broken = { problem: "no sender here: npm install carrier-pigeon", send: async () => {} };
    await assert.rejects(startApp({ sender: broken }), /carrier-pigeon/);
    // @ts-expect-error: plain JavaScript can forget the options
    await assert.rejects(startApp({ sms: {} }), /say where numbers may be from/);
    await assert.rejects(startApp({ sms: { countries: ["UK", "ch", "EU"] } }), /write "GB".*"ch" is no country.*"EU" is no country/s);
    await assert.rejects(startApp({ sms: { countries: ["CH"], lasts: minutes(11), tries: 0 } }), /`lasts`.*`tries`/s);
    // @ts-expect-error: both at once
    await assert.rejects(startApp({ sms: { countries: ["CH"], dangerouslyAllowAllCountries: true } }), /not both/);
  });
});

describe("setting it up", () => {
  it("T20.06: proposes the number that the application knows, and sends nothing by GET", async () => {
    const app = await startApp({ sms: { countries: ["CH"], numberFor: ({ login: who }) => (who === ANN ? "079 123 45 67" : null) } });
    const browser = await signedIn(app);
    const { page } = await browser.get("/auth/2fa/sms/setup");
    assert.equal(page.form("/auth/2fa/sms/setup").field("phone_number").value, "079 123 45 67");
    assert.deepEqual(told(await browser.json("GET", "/auth/2fa/sms/setup"))["values"], { phone_number: "079 123 45 67" });
    for (const path of ["setup", "confirm", "validate", "remove"]) await browser.json("GET", `/auth/2fa/sms/${path}`);
    for (const path of ["send", "confirm/send"]) assert.equal((await browser.json("GET", `/auth/2fa/sms/${path}`)).status, 405);
    assert.deepEqual([app.sender.messages, app.storer.dump().challenges], [[], []]);
  });

  it("T20.07: wants a number", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    const answer = await browser.json("POST", "/auth/2fa/sms/setup", {});
    assert.deepEqual([answer.status, problemsOf(answer)], [422, ["phone_number required"]]);
    assert.deepEqual(app.sender.messages, []);
  });

  it("T20.08: sends a code to the number that was named, of which the session knows nothing, and leads to the page for it", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    const { page } = await browser.get("/auth/2fa/sms/setup");
    const next = await page.form("/auth/2fa/sms/setup").submit({ phone_number: "+41 79 123 45 67" });
    assert.equal(new URL(next.url).pathname, "/auth/2fa/sms/confirm");
    assert.match(next.page.text, /A code is on its way to your phone/);
    assert.match(next.page.text, /\+41\s•••\s••67/);
    const [message, ...more] = app.sender.messages;
    assert.deepEqual([message?.to, more], [NUMBER, []]);
    assert.match(message?.text ?? "", /^\d{6} is your code for Example\..*\n\n@app\.example\.test #\d{6}$/);
    assert.equal(message?.text.slice(0, 6), message?.text.slice(-6));
    assert.equal((await userOf(app)).smsNumber, null);
  });

  it("T20.11: is done with the right code: the recovery codes are shown once, and the number is the user's", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    const elsewhere = await signedIn(app);
    assert.equal(verdictOf(await setUp(browser, "0041 79 123-45-67")), "200 sms_sent");
    const answer = await confirm(browser, codeIn(app));
    assert.equal(verdictOf(answer), "200 factor_added");
    const { codes } = told(answer);
    assert.ok(Array.isArray(codes) && codes.length === 10);
    assert.equal((await userOf(app)).smsNumber, NUMBER);
    assert.deepEqual(app.storer.dump().challenges, []);
    // This browser stays signed in, with the factor; all others are signed out.
    assert.deepEqual([await whoIsFull(browser), await whoIsFull(elsewhere)], [ANN, "nobody"]);
    assert.equal((await browser.json("GET", "/safe")).text, `safe of ${ANN}`);
    assert.deepEqual(
      (await app.mails()).map(({ subject }) => subject),
      ["A second factor was added: Text message"],
    );
    const { factors } = told(await browser.json("GET", "/auth/2fa")) as { factors: { method: string; detail: string | null }[] };
    assert.deepEqual(
      factors.map(({ method, detail }) => [method, detail]),
      [
        ["pin", null],
        ["sms", MASKED],
      ],
    );
    assert.equal(app.gate.sms.numberOf(await userOf(app)), MASKED);
    assert.equal(app.gate.sms.numberOf({ ...(await userOf(app)), smsNumber: null }), null);
  });

  it("says what was wrong with a code, on its field, and takes the right one after it", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    await setUp(browser);
    const code = codeIn(app);
    for (const typed of [wrong(code), "12345", "1234567", "abcdef", `${code}${code}`]) {
      const answer = await confirm(browser, typed);
      assert.deepEqual([verdictOf(answer), problemsOf(answer)], ["401 code_invalid", ["code code_invalid"]], typed);
      if (typed === "abcdef") break;
    }
    assert.equal(verdictOf(await confirm(browser, `${code.slice(0, 3)} ${code.slice(3)}`)), "200 factor_added");
  });

  it("is not begun where it is on already, and wants a fresh sign-in", async () => {
    const app = await startApp();
    await giveSms(app);
    const browser = await signedInBySms(app);
    for (const [method, path] of [
      ["GET", "setup"],
      ["POST", "setup"],
      ["GET", "confirm"],
      ["POST", "confirm"],
      ["POST", "confirm/send"],
    ] as const) {
      const answer = await browser.json(
        method,
        `/auth/2fa/sms/${path}`,
        method === "POST" ? { phone_number: NUMBER, code: "123456" } : undefined,
      );
      assert.equal(verdictOf(answer), "409 sms_set_up_already", `${method} ${path}`);
    }
    const other = await startApp();
    const late = await signedIn(other);
    other.clock.advance(minutes(16));
    assert.equal(verdictOf(await setUp(late)), "403 recent_login_required");
    assert.equal(verdictOf(await setUp(other.browser())), "401 login_required");
    assert.deepEqual(other.sender.messages, []);
  });

  it("can be refused by a guard of the application; nothing changes then", async () => {
    const app = await startApp();
    app.gate.on(addFactor).before("guard", ({ method }) => (method === "sms" ? refuse(403, "account_disabled") : null));
    const browser = await signedIn(app);
    await setUp(browser);
    assert.equal(verdictOf(await confirm(browser, codeIn(app))), "403 account_disabled");
    assert.equal((await userOf(app)).smsNumber, null);
  });

  it("lets in whoever must have a factor and had none, back to the page that was wanted", async () => {
    const app = await startApp({ twofactor: { required: true } });
    const browser = app.browser();
    const login = (await browser.get("/auth/login?redir=%2Ffull")).page;
    const enrol = await login.form("/auth/login").submit({ email: ANN, password: "correct horse battery staple" });
    const setup = await enrol.page.link("Text message").follow();
    const asked = await setup.page.form("/auth/2fa/sms/setup").submit({ phone_number: NUMBER });
    const done = await asked.page.form("/auth/2fa/sms/confirm").submit({ code: codeIn(app) });
    assert.equal((await done.page.link("I have kept them").follow()).text, `full ${ANN}`);
  });
});

describe("signing in with it", () => {
  it("T20.02: sends nothing where a guard has refused the login before", async () => {
    const app = await startApp();
    await giveSms(app);
    app.gate.on(login).before("guard", () => refuse(403, "account_disabled"));
    assert.equal(verdictOf(await logIn(app.browser())), "403 account_disabled");
    assert.deepEqual(app.sender.messages, []);
  });

  it("T20.03: is not asked of a user without a number", async () => {
    const app = await startApp();
    assert.equal(verdictOf(await logIn(app.browser())), "200 signed_in");
    assert.deepEqual(app.sender.messages, []);
  });

  it("T20.04: sends a code with the right password, and leads to the page for it", async () => {
    const app = await startApp();
    await giveSms(app);
    const browser = app.browser();
    const { page } = await browser.get("/auth/login?redir=%2Ffull");
    const asked = await page.form("/auth/login").submit({ email: ANN, password: "correct horse battery staple" });
    assert.equal(new URL(asked.url).pathname, "/auth/2fa/sms/validate");
    assert.equal(asked.redirects[0]?.status, 303);
    assert.equal(app.sender.messages.length, 1);
    assert.match(asked.page.text, /\+41\s•••\s••67/);
    const again = await asked.page.form("/auth/2fa/sms/validate").submit({ code: wrong(codeIn(app)) });
    assert.match(again.page.text, /This code is not right/);
    assert.equal((await again.page.form("/auth/2fa/sms/validate").submit({ code: codeIn(app) })).text, `full ${ANN}`);
    assert.deepEqual(app.storer.dump().challenges, []);
    const [signIn] = await app.gate.signIns((await userOf(app)).pid);
    assert.deepEqual(
      signIn?.factors.map(({ method }) => method),
      ["password", "sms"],
    );
  });

  it("sends nothing for a wrong password", async () => {
    const app = await startApp();
    await giveSms(app);
    assert.equal(
      verdictOf(await app.browser().json("POST", "/auth/login", { email: ANN, password: "a wrong one, I fear" })),
      "401 invalid_credentials",
    );
    assert.deepEqual(app.sender.messages, []);
  });

  it("T20.05: sends no second code within a minute, says how long to wait, and the first one stays good", async () => {
    const app = await startApp();
    await giveSms(app);
    const browser = await waiting(app);
    app.clock.advance(seconds(20));
    const refused = await sendAgain(browser);
    assert.deepEqual([verdictOf(refused), refused.headers["retry-after"], told(refused)["sent"]], ["429 sms_limited", "40", true]);
    assert.equal(app.sender.messages.length, 1);
    assert.equal(verdictOf(await validate(browser, codeIn(app))), "200 signed_in");
  });

  it("T20.09: shows each of its pages, and sends nothing by it", async () => {
    const app = await startApp();
    await giveSms(app);
    const browser = await waiting(app);
    assert.equal((await browser.get("/auth/2fa/sms/validate")).page.heading, "Code by text message");
    assert.equal(verdictOf(await validate(browser, codeIn(app))), "200 signed_in");
    assert.equal((await browser.get("/auth/2fa/sms/remove")).page.heading, "Remove codes by text message");
    assert.equal(app.sender.messages.length, 1);
    const other = await startApp();
    const stranger = await signedIn(other);
    assert.equal((await stranger.get("/auth/2fa/sms/setup")).page.heading, "Set up codes by text message");
    const empty = await stranger.get("/auth/2fa/sms/confirm");
    assert.equal(empty.page.heading, "Confirm your number");
    assert.match(empty.page.text, /There is no code for a number here/);
    assert.throws(() => empty.page.form("/auth/2fa/sms/confirm"));
    assert.deepEqual(other.sender.messages, []);
  });

  it("T20.10: sends a new code when asked to, to the user's number at a sign-in, to the number that was named at the set-up", async () => {
    const app = await startApp();
    await giveSms(app);
    const browser = await waiting(app);
    app.clock.advance(minutes(1));
    const { page } = await browser.get("/auth/2fa/sms/validate");
    const next = await page.form("/auth/2fa/sms/send").submit({});
    assert.match(next.page.text, /A code is on its way/);
    assert.equal(app.sender.messages.length, 2);
    // The older code is void.
    assert.equal(verdictOf(await validate(browser, codeIn(app, 0))), "401 code_invalid");
    assert.equal(verdictOf(await validate(browser, codeIn(app))), "200 signed_in");

    const other = await startApp();
    const adding = await signedIn(other);
    const nothing = await adding.json("POST", "/auth/2fa/sms/confirm/send", {});
    assert.deepEqual([verdictOf(nothing), other.sender.messages.length], ["409 code_expired", 0]);
    await setUp(adding, NUMBER);
    other.clock.advance(minutes(1));
    assert.equal(verdictOf(await adding.json("POST", "/auth/2fa/sms/confirm/send", {})), "200 sms_sent");
    assert.deepEqual(
      other.sender.messages.map(({ to }) => to),
      [NUMBER, NUMBER],
    );
    assert.equal(verdictOf(await confirm(adding, codeIn(other, 0))), "401 code_invalid");
    assert.equal(verdictOf(await confirm(adding, codeIn(other))), "200 factor_added");
  });

  it("T20.13: a recovery code does in its place, and leads where the login wanted to go", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    await setUp(browser);
    const { codes } = told(await confirm(browser, codeIn(app))) as { codes: string[] };
    app.clock.advance(minutes(1));
    const other = app.browser();
    const asked = told(await logIn(other, ANN, { redir: "/full" }));
    assert.equal(asked["location"], "/auth/2fa/sms/validate");
    const done = await other.json("POST", "/auth/2fa/recovery", { recovery_code: codes[0] });
    assert.deepEqual([verdictOf(done), told(done)["location"]], ["200 signed_in", "/full"]);
    // It counts as a second factor, and nothing waits any more.
    assert.equal((await other.json("GET", "/auth/2fa/sms/remove")).status, 200);
    assert.equal(verdictOf(await validate(app.browser(), codeIn(app))), "401 login_expired");
  });

  it("T20.14: a recovery code that is none is refused on its field", async () => {
    const app = await startApp();
    await giveSms(app);
    const answer = await (await waiting(app)).json("POST", "/auth/2fa/recovery", { recovery_code: "aaaaa-bbbbb" });
    assert.deepEqual([verdictOf(answer), problemsOf(answer)], ["401 code_invalid", ["recovery_code code_invalid"]]);
  });

  it("is offered behind a stronger factor, and then sends when it is asked to", async () => {
    const app = await startApp();
    await giveSms(app);
    await givePin(app);
    const browser = app.browser();
    assert.equal(told(await logIn(browser))["location"], "/auth/2fa/pin/validate");
    assert.deepEqual(app.sender.messages, []);
    const { page } = await browser.get("/auth/2fa/sms/validate");
    assert.match(page.text, /We send a code to \+41\s•••\s••67/);
    const asked = await page.form("/auth/2fa/sms/send").submit({});
    const done = await asked.page.form("/auth/2fa/sms/validate").submit({ code: codeIn(app) });
    assert.equal(done.text, "start");
  });

  it("is refused to whoever has another factor and not this one", async () => {
    const app = await startApp();
    await givePin(app);
    const browser = app.browser();
    await logIn(browser);
    for (const path of ["validate", "send"]) {
      assert.equal(verdictOf(await browser.json("POST", `/auth/2fa/sms/${path}`, { code: "123456" })), "409 factor_not_set_up");
    }
    assert.deepEqual(app.sender.messages, []);
  });
});

describe("giving it once more", () => {
  it("does not make half a sign-in whole: nothing is sent, and no code is looked at (W06)", async () => {
    const app = await startApp();
    await giveSms(app);
    const browser = app.browser();
    assert.equal((await browser.json("POST", "/auth/half", { login: ANN })).status, 200);
    for (const path of ["send", "validate", "setup", "confirm", "confirm/send", "remove"]) {
      const answer = await browser.json("POST", `/auth/2fa/sms/${path}`, { code: "123456", phone_number: NUMBER });
      assert.equal(verdictOf(answer), "403 full_login_required", path);
    }
    assert.deepEqual([app.sender.messages, await whoIsFull(browser)], [[], "nobody"]);
  });

  it("is asked for by a page that wants it fresh, and leads back there", async () => {
    const app = await startApp();
    await giveSms(app);
    const browser = await signedInBySms(app);
    app.clock.advance(minutes(6));
    const asked = await browser.get("/safe");
    assert.equal(new URL(asked.url).pathname, "/auth/2fa/sms/validate");
    assert.equal(app.sender.messages.length, 1);
    const sent = await asked.page.form("/auth/2fa/sms/send").submit({});
    assert.equal(app.sender.messages.length, 2);
    assert.deepEqual(
      app.storer.dump().challenges.map(({ purpose }) => purpose),
      ["sms/again"],
    );
    const done = await sent.page.form("/auth/2fa/sms/validate").submit({ code: codeIn(app) });
    assert.equal(done.text, `safe of ${ANN}`);
  });
});

describe("removing it", () => {
  it("T20.12: needs the factor, or a recovery code in its place: number and mark are gone, recovery codes stay", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    await setUp(browser);
    const { codes } = told(await confirm(browser, codeIn(app))) as { codes: string[] };
    app.clock.advance(minutes(16));
    const missing = await browser.json("POST", "/auth/2fa/sms/remove", {});
    assert.deepEqual([verdictOf(missing), told(missing)["location"]], ["403 recent_login_required", "/auth/2fa/sms/validate"]);
    const proved = await browser.json("POST", "/auth/2fa/recovery", { recovery_code: codes[9] });
    assert.equal(verdictOf(proved), "200 factor_given");
    const { page } = await browser.get("/auth/2fa/sms/remove");
    assert.match(page.text, /\+41\s•••\s••67/);
    const done = await page.form("/auth/2fa/sms/remove").submit({});
    assert.match(done.page.text, /The second factor is removed/);
    assert.equal((await userOf(app)).smsNumber, null);
    assert.equal(await app.gate.twofactor.recoveryCodesLeft((await userOf(app)).pid), 9);
    assert.equal(verdictOf(await browser.json("GET", "/auth/2fa/sms/remove")), "409 factor_not_set_up");
    assert.equal(verdictOf(await logIn(app.browser())), "200 signed_in");
  });

  it("T20.15: is not had by a wrong code: it is refused on its field, and the factor stays", async () => {
    const app = await startApp();
    await giveSms(app);
    const browser = await signedInBySms(app);
    app.clock.advance(minutes(16));
    await sendAgain(browser);
    const answer = await validate(browser, wrong(codeIn(app)));
    assert.deepEqual([verdictOf(answer), problemsOf(answer)], ["401 code_invalid", ["code code_invalid"]]);
    assert.equal(verdictOf(await browser.json("POST", "/auth/2fa/sms/remove", {})), "403 recent_login_required");
    assert.equal((await userOf(app)).smsNumber, NUMBER);
  });
});
