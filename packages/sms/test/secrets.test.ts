/** Where codes and numbers are not: logs, sessions, rows; and what a provider's failure tells. @module */
import assert from "node:assert/strict";
import { minutes, seconds } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  codeIn,
  confirm,
  everythingKept,
  giveSms,
  logIn,
  MASKED,
  NUMBER,
  sendAgain,
  setUp,
  signedIn,
  startApp,
  told,
  validate,
  verdictOf,
  waiting,
} from "./support.ts";

const WITHOUT_PLUS = NUMBER.slice(1);

describe("codes and numbers", () => {
  it("lie nowhere but in the message; the number besides in its user's row, once it is proved", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    await setUp(browser);
    const code = codeIn(app);
    await browser.get("/auth/2fa/sms/confirm");
    const under = everythingKept(app);
    for (const kept of [under.users, under.rest, under.log]) {
      assert.ok(!kept.includes(WITHOUT_PLUS));
      assert.ok(!new RegExp(`(?<!\\d)${code}(?!\\d)`).test(kept));
    }
    assert.ok(under.rest.includes("sms/setup"), "the code waits in a row");
    await confirm(browser, code);
    const done = everythingKept(app);
    assert.ok(done.users.includes(WITHOUT_PLUS));
    assert.ok(![done.rest, done.log].some((kept) => kept.includes(WITHOUT_PLUS)));
    app.clock.advance(minutes(1));
    await waiting(app);
    const login = everythingKept(app);
    assert.ok(login.rest.includes("sms/login"), "the code waits in a row");
    assert.ok(
      ![login.rest, login.log].some((kept) => kept.includes(WITHOUT_PLUS) || new RegExp(`(?<!\\d)${codeIn(app)}(?!\\d)`).test(kept)),
    );
  });

  it("are in no page and no answer after the set-up: the number is masked everywhere", async () => {
    const app = await startApp();
    await giveSms(app);
    const browser = await waiting(app);
    const answers = [await browser.get("/auth/2fa/sms/validate"), await browser.json("GET", "/auth/2fa/sms/validate")];
    const code = codeIn(app);
    answers.push(await validate(browser, code));
    for (const path of ["/auth/2fa", "/auth/2fa/choose", "/auth/2fa/sms/remove"])
      answers.push(await browser.get(path), await browser.json("GET", path));
    for (const { text, setCookies, url } of answers) {
      assert.ok(
        ![text, url, ...setCookies].some((part) => part.includes("1234567") || part.includes("123 45 67") || part.includes(code)),
        url,
      );
    }
    assert.equal(told(await browser.json("GET", "/auth/2fa/sms/remove"))["number"], MASKED);
  });

  it("are not in the log either when a sender quotes them in its error", async () => {
    const app = await startApp();
    await giveSms(app);
    let sent = "";
    app.sender.send = async ({ to, text }) => {
      sent = text.slice(0, 6);
      const cause = Object.assign(new Error(`POST /send?to=${encodeURIComponent(to)}&text=${encodeURIComponent(text)}`), {
        config: { auth: "hunter2", text },
      });
      throw new Error(`could not send "${text}" to ${to} (${to.slice(1)})`, { cause });
    };
    const browser = app.browser();
    assert.equal(verdictOf(await logIn(browser)), "200 sms_failed");
    const { log } = everythingKept(app);
    assert.match(log, /a text message could not be sent/);
    assert.match(log, /could not send/);
    assert.match(sent, /^\d{6}$/);
    for (const secret of [WITHOUT_PLUS, sent, "hunter2"]) assert.ok(!log.includes(secret), secret);
  });
});

describe("a sender that fails", () => {
  it("is told plainly, by 503 where the person asked, and another way is on the page; the login waits on", async () => {
    const app = await startApp({
      gate: { limits: { "sms/number": { max: 10, per: minutes(1) }, "sms/account": { max: 10, per: minutes(1) } } },
    });
    await giveSms(app);
    app.sender.failure = new Error("the provider is away");
    const browser = app.browser();
    const login = (await browser.get("/auth/login")).page;
    const asked = await login.form("/auth/login").submit({ email: ANN, password: "correct horse battery staple" });
    assert.match(asked.page.text, /The text message could not be sent/);
    const failed = await asked.page.form("/auth/2fa/sms/send").submit({});
    assert.equal(failed.status, 503);
    assert.match(failed.page.text, /The text message could not be sent/);
    assert.ok(!failed.page.text.includes("the provider is away"));
    const ways = await failed.page.link("Try another way").follow();
    assert.ok(ways.page.links.some(({ text }) => text === "Recovery code"));
    const json = await sendAgain(browser);
    assert.deepEqual([verdictOf(json), told(json)["status"]], ["503 sms_failed", "failure"]);
    app.sender.failure = null;
    assert.equal(verdictOf(await sendAgain(browser)), "200 sms_sent");
    assert.equal(verdictOf(await validate(browser, codeIn(app))), "200 signed_in");
  });

  it("counts in the limits all the same: it may have cost money", async () => {
    const app = await startApp();
    await giveSms(app);
    app.sender.failure = new Error("accepted, then failed");
    const browser = app.browser();
    await logIn(browser);
    app.sender.failure = null;
    assert.equal(verdictOf(await sendAgain(browser)), "429 sms_limited");
    assert.deepEqual(app.sender.messages, []);
  });

  it("at the set-up shows the form again, with the number that was typed", async () => {
    const app = await startApp();
    app.sender.failure = new Error("the provider is away");
    const browser = await signedIn(app);
    const { page } = await browser.get("/auth/2fa/sms/setup");
    const failed = await page.form("/auth/2fa/sms/setup").submit({ phone_number: "+41 79 123 45 67" });
    assert.equal(failed.status, 503);
    assert.equal(failed.page.form("/auth/2fa/sms/setup").field("phone_number").value, "+41 79 123 45 67");
    assert.ok(failed.page.links.some(({ text }) => text === "Choose another way"));
  });

  it("is not waited for without end", async () => {
    const app = await startApp({ sms: { countries: ["CH"], patience: seconds(0.05) } });
    await giveSms(app);
    app.sender.send = () => new Promise(() => {});
    assert.equal(verdictOf(await logIn(app.browser())), "200 sms_failed");
    assert.match(everythingKept(app).log, /no answer within 0\.05 seconds/);
  });

  it("whose message arrives after all has sent a code that works", async () => {
    const app = await startApp({ sms: { countries: ["CH"], patience: seconds(0.05) } });
    await giveSms(app);
    let text = "";
    app.sender.send = (message) => {
      text = message.text;
      return new Promise(() => {});
    };
    const browser = app.browser();
    assert.equal(verdictOf(await logIn(browser)), "200 sms_failed");
    assert.equal(verdictOf(await validate(browser, text.slice(0, 6))), "200 signed_in");
  });
});
