/** Choosing a new password with the old one. @module */
import assert from "node:assert/strict";
import type { BrowserClient } from "@castellan/testkit";
import { minutes } from "castellan";
import { describe, it } from "vitest";
import { ANN, type MailingApp, PASSWORD, signIn, startMailing, told, toldOf, tryJson, UNTHROTTLED } from "./support.ts";

const NEXT = "a quite different pass phrase";
const SESSION = "__Host-castellan-sid";

async function signedIn(app: MailingApp): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal((await tryJson(browser, { email: ANN, password: PASSWORD })).status, 200);
  return browser;
}

const change = (browser: BrowserClient, values: object = { password: PASSWORD, new_password: NEXT }) =>
  browser.json("POST", "/auth/password", values);
const isIn = async (browser: BrowserClient): Promise<boolean> => (await browser.get("/account")).text === `account of ${ANN}`;
/** Which of the passwords opens the account. */
const opens = async (app: MailingApp, password: string): Promise<boolean> =>
  (await tryJson(app.browser(), { email: ANN, password })).status === 200;

describe("the page", () => {
  it("is for whoever is signed in: others sign in first and come back", async () => {
    const app = await startMailing();
    const browser = app.browser();
    const login = await browser.get("/auth/password");
    assert.match(login.url, /\/auth\/login\?redir=%2Fauth%2Fpassword$/);
    const back = await login.page.form("/auth/login").submit({ email: ANN, password: PASSWORD });
    assert.equal(back.url, `${app.rootUrl}/auth/password`);
    for (const [name, purpose] of [
      ["password", "current-password"],
      ["new_password", "new-password"],
      ["confirm_password", "new-password"],
    ]) {
      assert.match(
        back.text,
        new RegExp(`<input [^>]*name="${name}"[^>]*autocomplete="${purpose}"|<input [^>]*autocomplete="${purpose}"[^>]*name="${name}"`),
      );
    }
  });

  it("asks again whoever signed in more than half an hour ago, and a JSON client too", async () => {
    const app = await startMailing();
    const browser = await signedIn(app);
    app.clock.advance(minutes(30));
    assert.equal((await browser.get("/auth/password")).url, `${app.rootUrl}/auth/password`);
    app.clock.advance(minutes(1));
    assert.deepEqual(toldOf(await change(browser), "status", "reason"), { status: "failure", reason: "recent_login_required" });
    const asked = await browser.get("/auth/password");
    assert.match(asked.page.text, /It has been a while/);
    const back = await asked.page.form("/auth/reauthenticate").submit({ password: PASSWORD });
    assert.equal(back.url, `${app.rootUrl}/auth/password`);
    assert.equal(await opens(app, PASSWORD), true, "nothing was changed meanwhile");
  });

  it("wants a sign-in as fresh as `recent` says", async () => {
    const app = await startMailing({ auth: { recent: minutes(1) } });
    const browser = await signedIn(app);
    app.clock.advance(minutes(2));
    assert.deepEqual([(await change(browser)).status, (await change(app.browser())).status], [403, 401]);
  });

  it("is not there where the application has one of its own", async () => {
    const app = await startMailing({ auth: { changePassword: false } });
    assert.equal((await (await signedIn(app)).get("/auth/password")).status, 404);
  });
});

describe("a new password", () => {
  it("counts from then on, and the old one does not; the person is told, and is where the application says", async () => {
    const app = await startMailing({ auth: { afterChangePassword: "/account" } });
    const browser = app.browser();
    await signIn(browser);
    const { page } = await browser.get("/auth/password");
    const answer = await page.form("/auth/password").submit({ password: PASSWORD, new_password: NEXT, confirm_password: NEXT });
    assert.equal(answer.text, `account of ${ANN}`);
    assert.match((await browser.get("/auth/login")).page.text, /Your password is changed\. You are signed out everywhere else\./);
    assert.deepEqual([await opens(app, PASSWORD), await opens(app, NEXT)], [false, true]);
  });

  it("by JSON needs no confirmation, and answers where to go", async () => {
    const app = await startMailing();
    const { message: _, ...answer } = told(await change(await signedIn(app)));
    assert.deepEqual(answer, { status: "success", reason: "password_changed", location: "/" });
  });

  it("leaves this browser signed in under a new session id, and ends every other sign-in", async () => {
    const app = await startMailing();
    const [here, there] = [await signedIn(app), await signedIn(app)];
    const [before, copy] = [here.jar.get(SESSION)?.value, here.fork()];
    assert.equal((await change(here)).status, 200);
    assert.deepEqual([await isIn(here), await isIn(there), await isIn(copy)], [true, false, false]);
    assert.notEqual(here.jar.get(SESSION)?.value, before);
    assert.equal(app.storer.dump().signIns.size, 1);
  });

  it("is told to the owner by mail, and nothing is told of a change that came to nothing", async () => {
    const app = await startMailing();
    const browser = await signedIn(app);
    await change(browser, { password: "wrong", new_password: NEXT });
    await change(browser, { password: PASSWORD, new_password: "short" });
    assert.equal((await app.mails()).length, 0);
    await change(browser);
    const [mail, ...others] = await app.mails();
    assert.deepEqual([mail?.to.address, mail?.subject, others.length], [ANN, "Your password was changed", 0]);
    assert.doesNotMatch(JSON.stringify([mail, app.log]), /different pass phrase|correct horse/);
  });
});

describe("what is not right", () => {
  it("in the old password is answered as at the login page, and is counted", async () => {
    const app = await startMailing();
    const browser = await signedIn(app);
    for (let time = 0; time < 10; time += 1) {
      const answer = await change(browser, { password: `wrong ${time}`, new_password: NEXT });
      assert.deepEqual([answer.status, told(answer)["reason"]], [401, "invalid_credentials"]);
    }
    assert.equal((await change(browser)).status, 429);
    assert.equal(await isIn(browser), true);
    app.clock.advance(minutes(15));
    assert.equal(await opens(app, PASSWORD), true);
  });

  it("in the new one stands on its field, and the old one stays", async () => {
    const app = await startMailing();
    const browser = await signedIn(app);
    for (const [password, reason] of [
      ["short", "password_too_short"],
      [`${"x".repeat(20)}\0`, "not_text"],
      ["ü".repeat(37), "password_too_long"],
      ["", "required"],
    ]) {
      const answer = await change(browser, { password: PASSWORD, new_password: password });
      assert.equal(answer.status, 422, reason);
      const [problem] = Object(told(answer)["problems"]);
      assert.deepEqual([problem?.field, typeof problem?.reason], ["new_password", "string"]);
    }
    assert.equal(await opens(app, PASSWORD), true);
  });

  it("in the confirmation stands there, and no password is shown again", async () => {
    const app = await startMailing();
    const browser = app.browser();
    await signIn(browser);
    const { page } = await browser.get("/auth/password");
    const answer = await page
      .form("/auth/password")
      .submit({ password: PASSWORD, new_password: NEXT, confirm_password: "something else entirely" });
    assert.equal(answer.status, 422);
    assert.match(answer.page.text, /The two passwords are not the same\./);
    const form = answer.page.form("/auth/password");
    for (const name of ["password", "new_password", "confirm_password"]) assert.equal(form.field(name).value, "");
    assert.equal(await opens(app, PASSWORD), true);
  });

  it("in the form of the request is 422, and passwords in the address count for nothing", async () => {
    const app = await startMailing();
    const browser = await signedIn(app);
    for (const values of [{}, { password: [PASSWORD], new_password: NEXT }, { password: PASSWORD, new_password: { $ne: null } }]) {
      assert.equal((await change(browser, values)).status, 422);
    }
    const query = new URLSearchParams({ password: PASSWORD, new_password: NEXT });
    assert.equal((await browser.json("POST", `/auth/password?${query}`, {})).status, 422);
    assert.equal(await opens(app, PASSWORD), true);
  });

  it("about where a request comes from: another site cannot change a password", async () => {
    const app = await startMailing();
    const browser = await signedIn(app);
    const values = { password: PASSWORD, new_password: NEXT };
    const answer = await browser.post("/auth/password", values, { from: "https://evil.example", sameSite: false });
    assert.equal(answer.status, 403);
    assert.equal((await browser.post("/auth/password", values)).status, 403, "nor can a form without its token");
    assert.equal(await opens(app, PASSWORD), true);
  });
});

describe("changes at once", () => {
  it("in one browser and in twenty: one wins, its password is the one that opens, and the owner is told once", async () => {
    for (const browsers of [1, 20]) {
      const app = await startMailing({ gate: UNTHROTTLED });
      const all: BrowserClient[] = [];
      for (let index = 0; index < browsers; index += 1) all.push(await signedIn(app));
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const browser = all[index % browsers];
          assert.ok(browser);
          return change(browser.fork(), { password: PASSWORD, new_password: `${NEXT} number ${index}` });
        }),
      );
      const winners = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []));
      assert.equal(winners.length, 1);
      for (const { status } of answers) assert.ok([200, 401, 409].includes(status), String(status));
      const opening = [];
      for (let index = 0; index < 20; index += 1) if (await opens(app, `${NEXT} number ${index}`)) opening.push(index);
      assert.deepEqual(opening, winners);
      assert.equal(await opens(app, PASSWORD), false);
      assert.equal((await app.mails()).length, 1);
    }
  });

  it("one after the other in two browsers: the second is signed out already", async () => {
    const app = await startMailing();
    const [one, other] = [await signedIn(app), await signedIn(app)];
    assert.deepEqual([(await change(one)).status, (await change(other)).status], [200, 401]);
  });

  it("with a sign-in by the old password between check and row: nobody gets in by it", async () => {
    const app = await startMailing();
    const browser = await signedIn(app);
    let go = (): void => {};
    app.hasher.pause(
      new Promise<void>((resolve) => {
        go = resolve;
      }),
    );
    const slow = tryJson(app.browser(), { email: ANN, password: PASSWORD });
    const verified = app.hasher.calls.verify;
    while (app.hasher.calls.verify === verified) await new Promise((resolve) => setImmediate(resolve));
    app.hasher.pause(null);
    assert.equal((await change(browser)).status, 200);
    go();
    assert.deepEqual(toldOf(await slow, "reason"), { reason: "account_changed" });
    assert.equal(app.storer.dump().signIns.size, 1);
  });
});

describe("the storer being away", () => {
  it("is a 503, the old password stays, and nobody is signed out", async () => {
    const app = await startMailing();
    const browser = await signedIn(app);
    app.storer.fail(new Error("away"));
    assert.equal((await change(browser)).status, 503);
    app.storer.fail(null);
    assert.deepEqual([await isIn(browser), await opens(app, PASSWORD), (await app.mails()).length], [true, true, 0]);
  });
});
