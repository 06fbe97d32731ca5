/** Signing in with a one-time password. @module */
import assert from "node:assert/strict";
import { readCode } from "@castellan/core";
import { attempt, attemptFailed, login, refuse } from "castellan";
import { describe, it } from "vitest";
import { ANN, BOB, CAT, logIn, make, parallel, pidOf, signedIn, startApp, stored, tally, told, verdictOf, whoIsFull } from "./support.ts";

const LOGIN = "/auth/otp/login";

describe("a sign-in with a one-time password", () => {
  it("T17.02: has its routes: three pages, each with its POST", async () => {
    const app = await startApp();
    assert.deepEqual(
      app.gate.describe().routes.filter((route) => route.endsWith("(otp)")),
      ["login", "add", "clear"].flatMap((name) => [`GET /otp/${name} (otp)`, `POST /otp/${name} (otp)`]),
    );
  });

  it("T17.03: has a page that takes the wanted page along, and a link on the login page", async () => {
    const app = await startApp();
    const page = (await app.browser().get("/auth/login?redir=%2Ffull")).page;
    const answer = await page.link("Sign in with a one-time password").follow();
    assert.equal(answer.status, 200);
    assert.ok(answer.url.endsWith(`${LOGIN}?redir=%2Ffull`));
    const field = answer.page.form(LOGIN).field("one_time_password");
    assert.deepEqual([field.attribute("autocomplete"), field.attribute("value")], ["one-time-code", null]);
  });

  it("T17.04: signs in, in full, leads on, tells before and after, and spends this one and no other", async () => {
    const app = await startApp();
    const [first, second, third] = [await make(app), await make(app), await make(app)];
    const heard: string[] = [];
    app.gate
      .on(login)
      .before("guard", ({ via }) => void heard.push(`before ${via}`))
      .after("notify", ({ via }) => void heard.push(`after ${via}`));
    const browser = app.browser();
    const form = (await browser.get(`${LOGIN}?redir=%2Ffull`)).page.form(LOGIN);
    assert.equal((await form.submit({ email: ANN, one_time_password: second })).text, `full ${ANN}`);
    assert.deepEqual(heard, ["before otp", "after otp"]);
    const newest = (await app.gate.signIns(pidOf(ANN))).find(({ factors }) => factors.some(({ method }) => method === "otp"));
    assert.deepEqual(
      newest?.factors.map(({ method }) => method),
      ["otp"],
    );
    assert.equal(stored(app).length, 2);
    assert.equal(verdictOf(await logIn(app.browser(), second)), "401 invalid_credentials");
    for (const other of [third, first]) assert.equal(verdictOf(await logIn(app.browser(), other)), "200 signed_in");
  });

  it("T17.05: does not sign in where a guard answers, and the guard's answer is given", async () => {
    const app = await startApp();
    const password = await make(app);
    app.gate.on(login).before("guard", () => refuse(403, "account_disabled"));
    const browser = app.browser();
    assert.equal(verdictOf(await logIn(browser, password)), "403 account_disabled");
    assert.equal(await whoIsFull(browser), "nobody");
  });

  it("T17.06: signs in, and what a handler afterwards throws changes nothing", async () => {
    const app = await startApp();
    const password = await make(app);
    app.gate.on(login).after("notify", () => {
      throw new Error("of the application");
    });
    const browser = app.browser();
    assert.equal(verdictOf(await logIn(browser, password)), "200 signed_in");
    assert.equal(await whoIsFull(browser), ANN);
    assert.match(JSON.stringify(app.log), /of the application/);
  });

  it("T17.07: gets 401 for a wrong one, one reason for everything, the login shown again and never what was typed; attemptFailed is told", async () => {
    const app = await startApp();
    const heard: string[] = [];
    app.gate.on(attemptFailed).after("notify", ({ method }) => void heard.push(method));
    const answer = await (await app.browser().get(LOGIN)).page.form(LOGIN).submit({ email: ANN, one_time_password: "wrong-wrong" });
    assert.equal(answer.status, 401);
    assert.equal(answer.page.form(LOGIN).field("email").attribute("value"), ANN);
    assert.equal(answer.text.includes("wrong-wrong"), false);
    assert.deepEqual(heard, ["otp"]);
  });

  it("T17.08: is refused by a guard of the channel attempt before it is looked at, and not spent", async () => {
    const app = await startApp();
    const password = await make(app);
    let isShut = true;
    app.gate.on(attempt).before("guard", () => (isShut ? refuse(423, "busy") : null));
    assert.equal(verdictOf(await logIn(app.browser(), password)), "423 busy");
    assert.equal(stored(app).length, 1);
    isShut = false;
    assert.equal(verdictOf(await logIn(app.browser(), password)), "200 signed_in");
  });

  it("W05: lets nobody in while the account is locked: a right one gets the answer of a wrong one", async () => {
    const app = await startApp();
    const password = await make(app);
    await app.gate.lock.lock(pidOf(ANN));
    const [right, wrong] = [await logIn(app.browser(), password), await logIn(app.browser(), "0".repeat(26))];
    assert.equal(verdictOf(right), verdictOf(wrong));
    assert.equal(stored(app).length, 1);
  });

  it("T17.09: is told from an unknown login, one without any and somebody else's by nobody: same answer, same queries", async () => {
    const app = await startApp();
    const bobs = await make(app, BOB);
    const asked = async (password: string, email: string) => {
      const before = app.storer.queries;
      const answer = await logIn(app.browser(), password, email);
      const after = app.storer.queries;
      const { csrfToken: _, values, ...body } = told(answer);
      const queries = Object.fromEntries(
        Object.entries(after)
          .map(([name, count]) => [name, count - (before[name] ?? 0)])
          .filter(([, count]) => count !== 0),
      );
      return { status: answer.status, body, queries, email: Object.keys(values ?? {}) };
    };
    const known = await asked("0".repeat(26), ANN);
    for (const [password, email] of [
      ["0".repeat(26), "nobody@example.com"],
      [bobs, ANN],
      [bobs, "nobody@example.com"],
      ["short", ANN],
    ] as const) {
      assert.deepEqual(await asked(password, email), known);
    }
    assert.equal(stored(app, BOB).length, 1);
  });

  it("reads it in capitals, with spaces, without hyphens, and with letters that people take for digits", async () => {
    const app = await startApp();
    for (const form of [
      (text: string) => text.toUpperCase(),
      (text: string) => `  ${text.replaceAll("-", " ")} `,
      (text: string) => text.replaceAll("-", ""),
      (text: string) => text.replaceAll("0", "O").replaceAll("1", "I"),
    ]) {
      assert.equal(verdictOf(await logIn(app.browser(), form(await make(app)))), "200 signed_in");
    }
  });

  it("W18: of twenty uses of one at once signs one in", async () => {
    const app = await startApp();
    const password = await make(app);
    const browsers = Array.from({ length: 20 }, () => app.browser());
    const answers = await parallel(20, (index) => logIn(browsers[index] ?? assert.fail(), password));
    assert.equal(answers.filter((answer) => verdictOf(answer) === "200 signed_in").length, 1);
    const inside = await Promise.all(browsers.map(whoIsFull));
    assert.equal(inside.filter((who) => who === ANN).length, 1);
  });

  it("counts wrong ones in the lock, with those of the password", async () => {
    const app = await startApp();
    for (let round = 0; round < 5; round += 1) {
      await logIn(app.browser(), "0".repeat(26));
      await app.browser().json("POST", "/auth/login", { email: ANN, password: "wrong" });
    }
    const password = stored(app);
    assert.deepEqual(password, []);
    assert.notEqual(
      verdictOf(await app.browser().json("POST", "/auth/login", { email: ANN, password: "correct horse battery staple" })),
      "200 signed_in",
    );
  });

  it("asks whoever has a second factor for it, and is spent by then", async () => {
    const app = await startApp();
    const password = await make(app, CAT);
    const browser = app.browser();
    const pending = await logIn(browser, password, CAT);
    assert.deepEqual([pending.status, told(pending)["location"]], [200, "/auth/pin"]);
    assert.equal(await whoIsFull(browser), "nobody");
    assert.equal(verdictOf(await logIn(app.browser(), password, CAT)), "401 invalid_credentials");
    assert.equal((await browser.json("POST", "/auth/pin", { pin: "2718" })).status, 200);
    assert.equal(await whoIsFull(browser), CAT);
  });

  it("lets nobody in whose address is not confirmed; it is spent all the same: whoever typed it has shown it", async () => {
    const app = await startApp();
    const dan = {
      pid: "pid-of-dan",
      login: "dan@example.com",
      email: "dan@example.com",
      passwordHash: null,
      profile: {},
      createdAt: app.clock.now(),
    };
    assert.ok(await app.storer.createUser(dan));
    const password = await make(app);
    const [hash = ""] = stored(app);
    assert.equal(await app.storer.addOneTimePassword(dan.pid, 0, hash, 5), 1);
    const browser = app.browser();
    assert.equal(verdictOf(await logIn(browser, password, dan.login)), "403 not_confirmed");
    assert.equal(await whoIsFull(browser), "nobody");
    assert.equal(await app.gate.otp.count(dan.pid), 0);
  });

  it("lets no disabled account in", async () => {
    const app = await startApp();
    const password = await make(app);
    await app.gate.disable(pidOf(ANN));
    assert.equal(verdictOf(await logIn(app.browser(), password)), "401 invalid_credentials");
  });

  it("remembers the browser where that was asked for", async () => {
    const app = await startApp();
    const password = await make(app);
    const browser = app.browser();
    await logIn(browser, password, ANN, { remember: true });
    browser.jar.delete("__Host-castellan-sid");
    assert.equal((await browser.get("/half")).text, `half ${ANN}`);
    assert.equal(await whoIsFull(browser), "nobody");
  });

  it("makes a new session id, and takes over nothing of whoever was signed in there", async () => {
    const app = await startApp();
    const password = await make(app);
    const browser = await signedIn(app, BOB);
    const before = browser.jar.get("__Host-castellan-sid")?.value;
    assert.equal(verdictOf(await logIn(browser, password)), "200 signed_in");
    assert.notEqual(browser.jar.get("__Host-castellan-sid")?.value, before);
    assert.equal(await whoIsFull(browser), ANN);
    assert.equal((await app.gate.signIns(pidOf(BOB))).length, 0);
  });

  it("takes an array, an object, nothing and a megabyte for no one-time password, and looks nobody up", async () => {
    const app = await startApp();
    const password = await make(app);
    const browser = app.browser();
    for (const wrong of [[password], { password }, null, "", 7]) assert.equal((await logIn(browser, wrong)).status, 422);
    assert.equal((await logIn(browser, password, [ANN])).status, 422);
    assert.ok([413, 422].includes((await logIn(browser, "0".repeat(1_000_000))).status));
    assert.equal((await browser.json("POST", `${LOGIN}?one_time_password=${password}`, { email: ANN })).status, 422);
    assert.equal(verdictOf(await logIn(browser, password)), "200 signed_in");
  });

  it("is not done by a form of another site", async () => {
    const app = await startApp();
    const password = await make(app);
    const answer = await app.browser().post(LOGIN, { email: ANN, one_time_password: password });
    assert.equal(answer.status, 403);
    assert.equal(stored(app).length, 1);
  });

  it("tells the owner by mail, also where nobody got in by it, and never writes it down", async () => {
    const app = await startApp();
    const password = await make(app, CAT);
    await logIn(app.browser(), password, CAT);
    const used = (await app.mails()).find(({ subject }) => subject === "A one-time password was used");
    assert.match(used?.text ?? "", /0 are left/);
    for (const { text, html } of await app.mails()) {
      for (const form of [password, readCode(password) ?? "?"]) assert.equal(`${text}${html ?? ""}`.includes(form), false);
    }
    assert.deepEqual(tally([await logIn(app.browser(), password, CAT)]), { "401 invalid_credentials": 1 });
  });
});
