/** Signing in without the routes: from the application's own handlers and scripts. @module */
import assert from "node:assert/strict";
import express, { type Express } from "express";
import { describe, it } from "vitest";
import { ANN, haveUser, kept, PASSWORD, startApp, type TestGate } from "./support.ts";

/** A login of the application's own, with an answer of its own. */
const ownLogin = (app: Express, gate: TestGate): void => {
  app.post("/own/login", express.json(), async (req, res) => {
    const { email, password } = Object(req.body);
    const outcome = await gate.auth.login({ login: String(email), password: String(password) }, req);
    if ("refused" in outcome) {
      const { refused } = outcome;
      res.status(refused.kind === "redirect" ? 200 : refused.status).json({ no: refused.reason });
      return;
    }
    res.json({ hello: outcome.ok.login, now: (await gate.currentUser(req))?.login });
  });
};

describe("gate.auth.authenticate", () => {
  it("answers the user for the right password, and signs nobody in", async () => {
    const app = await startApp();
    const outcome = await app.gate.auth.authenticate({ login: " Ann@Example.com", password: PASSWORD });
    assert.ok("ok" in outcome);
    assert.equal(outcome.ok.pid, `pid-of-${ANN}`);
    assert.equal(kept(app).signIns.size, 0);
  });

  it("refuses whatever is wrong with one answer, at the price of one hash", async () => {
    const app = await startApp();
    await haveUser(app, "eve@example.com", null);
    const answers = [];
    for (const [login, password] of [
      [ANN, "wrong"],
      ["bob@example.com", PASSWORD],
      ["eve@example.com", ""],
      ["", ""],
      ["no address", "x"],
    ] as const) {
      const before = app.hasher.calls.verify;
      answers.push(await app.gate.auth.authenticate({ login, password }));
      assert.equal(app.hasher.calls.verify - before, 1);
    }
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    const [first] = answers;
    assert.ok(first && "refused" in first && first.refused.kind === "refusal");
    assert.deepEqual([first.refused.status, first.refused.reason], [401, "invalid_credentials"]);
  });

  it("counts with the login page: 10 wrong ones, then nobody gets in", async () => {
    const app = await startApp();
    for (let time = 0; time < 10; time += 1) await app.gate.auth.authenticate({ login: ANN, password: "wrong" });
    const outcome = await app.gate.auth.authenticate({ login: ANN, password: PASSWORD });
    assert.ok("refused" in outcome && outcome.refused.kind === "refusal");
    assert.deepEqual([outcome.refused.status, outcome.refused.retryAfter], [429, 900]);
    const reply = await app.browser().json("POST", "/auth/login", { email: ANN, password: PASSWORD });
    assert.equal(reply.status, 429);
  });

  it("refuses a disabled account after the right password, and says nothing of it after a wrong one", async () => {
    const app = await startApp();
    await app.gate.disable(`pid-of-${ANN}`);
    const wrong = await app.gate.auth.authenticate({ login: ANN, password: "wrong" });
    const right = await app.gate.auth.authenticate({ login: ANN, password: PASSWORD });
    const reasons = [wrong, right].map((outcome) => "refused" in outcome && outcome.refused.kind === "refusal" && outcome.refused.reason);
    assert.deepEqual(reasons, ["invalid_credentials", "account_disabled"]);
  });

  it("counts by network with a request, and not without", async () => {
    const app = await startApp({
      add: (express, gate) => {
        express.get("/basic", async (req, res) => {
          const outcome = await gate.auth.authenticate({ login: String(req.query["login"]), password: "wrong" }, req);
          res.sendStatus("refused" in outcome && outcome.refused.kind === "refusal" ? outcome.refused.status : 200);
        });
      },
    });
    for (let index = 0; index < 60; index += 1)
      await app.gate.auth.authenticate({ login: `script-${index}@example.com`, password: "wrong" });
    const statuses = [];
    for (let index = 0; index < 51; index += 1) statuses.push((await app.browser().get(`/basic?login=u${index}@example.com`)).status);
    assert.deepEqual([statuses.slice(0, 50).every((status) => status === 401), statuses[50]], [true, 429]);
  });
});

describe("gate.auth.login", () => {
  it("signs in the browser that sent the request, under a new session id, and the application answers", async () => {
    const app = await startApp({ add: ownLogin });
    const browser = app.browser();
    const reply = await browser.json("POST", "/own/login", { email: ANN, password: PASSWORD });
    assert.deepEqual(reply.json(), { hello: ANN, now: ANN });
    assert.equal((await browser.get("/account")).text, `account of ${ANN}`);
    const first = [...kept(app).signIns.keys()];
    await browser.json("POST", "/own/login", { email: ANN, password: PASSWORD });
    assert.equal(kept(app).signIns.size, 1, "the sign-in before is over");
    assert.notDeepEqual([...kept(app).signIns.keys()], first);
  });

  it("refuses as the login page does: wrong password, disabled account", async () => {
    const app = await startApp({ add: ownLogin });
    const browser = app.browser();
    const wrong = await browser.json("POST", "/own/login", { email: ANN, password: "wrong" });
    assert.deepEqual([wrong.status, wrong.json()], [401, { no: "invalid_credentials" }]);
    await app.gate.disable(`pid-of-${ANN}`);
    const disabled = await browser.json("POST", "/own/login", { email: ANN, password: PASSWORD });
    assert.deepEqual([disabled.status, disabled.json()], [403, { no: "account_disabled" }]);
    assert.equal(kept(app).signIns.size, 0);
  });
});

describe("the world", () => {
  it("when the storer is away, gets 503 as a page and as JSON, no password is told, and nobody is signed in", async () => {
    const app = await startApp();
    const browser = app.browser();
    const { page } = await browser.get("/auth/login");
    app.storer.fail(new Error("connection refused at db.internal"));
    const html = await page.form().submit({ email: ANN, password: PASSWORD });
    const json = await browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD });
    assert.deepEqual([html.status, json.status, Reflect.get(Object(json.json()), "reason")], [503, 503, "unavailable"]);
    for (const { text } of [html, json]) assert.doesNotMatch(text, /db\.internal|correct horse/);
    app.storer.fail(null);
    assert.equal(kept(app).signIns.size, 0);
    assert.doesNotMatch(JSON.stringify(app.log), /correct horse/);
    assert.equal((await page.form().submit({ email: ANN, password: PASSWORD })).text, "start");
  });
});
