/** Signing in by page and by JSON. @module */
import assert from "node:assert/strict";
import { rank, refuse } from "@castellan/core";
import { attempt, attemptFailed, login } from "castellan";
import { describe, expect, it } from "vitest";
import { ANN, haveUser, kept, PASSWORD, signIn, startApp, told, toldOf, tryJson, withoutTokens } from "./support.ts";

describe("the login page", () => {
  it("T09.01 T09.02: answers GET with 200 and a form for login and password, and takes the wanted page along", async () => {
    const app = await startApp();
    assert.deepEqual(app.gate.describe().routes, [
      "GET /login (auth)",
      "POST /login (auth)",
      "GET /reauthenticate (auth)",
      "POST /reauthenticate (auth)",
      "GET /password (auth)",
      "POST /password (auth)",
    ]);
    const { status, page, headers } = await app.browser().get("/auth/login?redir=%2Faccount");
    assert.equal(status, 200);
    assert.equal(page.heading, "Sign in");
    const form = page.form("/auth/login");
    assert.equal(form.field("email").attribute("autocomplete"), "username");
    assert.equal(form.field("password").attribute("autocomplete"), "current-password");
    assert.equal(form.field("password").value, "");
    assert.equal(form.field("redir").value, "/account");
    assert.match(form.field("_csrf").value, /^[\w-]{86}$/);
    assert.equal(headers["cache-control"], "no-store");
    assert.match(String(headers["content-security-policy"]), /default-src 'none'.*frame-ancestors 'none'/);
  });

  it("offers to remember only where something remembers", async () => {
    const app = await startApp();
    const { page } = await app.browser().get("/auth/login");
    assert.equal(
      page.form().fields.find(({ name }) => name === "remember"),
      undefined,
    );
  });

  it("tells a JSON client what the form is made of", async () => {
    const app = await startApp();
    const reply = await app.browser().json("GET", "/auth/login");
    assert.equal(reply.status, 200);
    assert.match(String(reply.headers["content-type"]), /^application\/json/);
    assert.deepEqual(told(reply), {
      status: "success",
      fields: {
        email: { kind: "text", label: "E-mail address", autocomplete: "username", required: true },
        password: { kind: "secret", label: "Password", autocomplete: "current-password", required: true },
      },
      modules: { auth: true },
    });
  });

  it("answers HEAD as GET without a body, OPTIONS with Allow, and anything else with 405 and Allow", async () => {
    const app = await startApp();
    const browser = app.browser();
    const head = await browser.request("HEAD", "/auth/login");
    assert.deepEqual([head.status, head.text], [200, ""]);
    const options = await browser.request("OPTIONS", "/auth/login");
    assert.deepEqual([options.status, options.text, options.headers.allow], [204, "", "GET, HEAD, OPTIONS, POST"]);
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const page = await browser.request(method, "/auth/login", { from: browser.origin });
      assert.deepEqual([page.status, page.headers.allow], [405, "GET, HEAD, OPTIONS, POST"]);
      const json = await browser.json(method, "/auth/login", {});
      assert.deepEqual([json.status, json.headers.allow], [405, "GET, HEAD, OPTIONS, POST"]);
      assert.deepEqual(toldOf(json, "status", "reason"), { status: "failure", reason: "method_not_allowed" });
    }
    assert.deepEqual(kept(app).sessions.size, 0);
  });
});

describe("the right password", () => {
  it("T09.03: leads a browser by 303 to the page after login, signed in, once the handlers before and after were told", async () => {
    const app = await startApp({ auth: { afterLogin: "/account" } });
    const heard: string[] = [];
    app.gate.on(attempt).after("notify", ({ method }) => void heard.push(`attempt by ${method}`));
    app.gate.on(login).before("guard", ({ user, via }) => void heard.push(`before login of ${user.login} via ${via}`));
    app.gate.on(login).after("notify", ({ user, intent }) => void heard.push(`after login of ${user.login} to ${intent.to}`));
    const reply = await signIn(app.browser());
    assert.equal(reply.text, `account of ${ANN}`);
    assert.deepEqual(
      reply.redirects.map(({ status, location }) => [status, location]),
      [[303, "/account"]],
    );
    assert.deepEqual(heard, ["attempt by password", `before login of ${ANN} via auth`, `after login of ${ANN} to /account`]);
    const [row] = kept(app).signIns.values();
    assert.deepEqual([row?.level, row?.factors.map(({ method }) => method)], ["full", ["password"]]);
  });

  it("leaves a message for the next page of the suite", async () => {
    const app = await startApp();
    const browser = app.browser();
    await signIn(browser);
    const { page } = await browser.get("/auth/login");
    assert.match(page.text, /You are signed in\./);
    assert.doesNotMatch((await browser.get("/auth/login")).page.text, /You are signed in\./);
  });

  it("gives a JSON client 200, the location, and a token for the session that has begun", async () => {
    const app = await startApp();
    const browser = app.browser();
    const reply = await tryJson(browser, { email: ANN, password: PASSWORD });
    assert.equal(reply.status, 200);
    assert.equal(reply.location, null);
    assert.deepEqual(told(reply), { status: "success", reason: "signed_in", message: "You are signed in.", location: "/" });
    assert.equal((await browser.json("GET", "/account")).text, `account of ${ANN}`);
    const token = String(Reflect.get(Object(reply.json()), "csrfToken"));
    const next = await browser.post("/auth/login", { email: ANN, password: PASSWORD, _csrf: token }, { followRedirects: false });
    assert.equal(next.status, 303);
  });

  it("is taken as curl sends it: JSON, no cookie, no page before", async () => {
    const app = await startApp();
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ email: ANN, password: PASSWORD });
    const reply = await app.browser().request("POST", "/auth/login", { mode: "bare", headers, body });
    assert.deepEqual([reply.status, told(reply)["reason"]], [200, "signed_in"]);
  });

  it("finds the account however the login is spelled", async () => {
    const app = await startApp();
    for (const email of [" ann@example.com ", "ANN@EXAMPLE.COM", "ａｎｎ@example.com"]) {
      assert.equal((await tryJson(app.browser(), { email, password: PASSWORD })).status, 200, email);
    }
  });

  it("is compared exactly: no trimming, no folding", async () => {
    const app = await startApp();
    for (const password of [` ${PASSWORD}`, `${PASSWORD} `, PASSWORD.toUpperCase()]) {
      assert.equal((await tryJson(app.browser(), { email: ANN, password })).status, 401, password);
    }
  });

  it("gets a stronger hash when the stored one is outdated, and nobody is signed out by that", async () => {
    const app = await startApp();
    const hashOf = () => app.storer.dump().users[0]?.passwordHash;
    const [browser, before] = [app.browser(), hashOf()];
    await signIn(browser);
    assert.equal(hashOf(), before, "a hash of today's cost stays");
    app.hasher.raiseCost();
    await tryJson(app.browser(), { email: ANN, password: "wrong" });
    assert.equal(hashOf(), before, "a wrong password changes nothing");
    await signIn(app.browser());
    assert.notEqual(hashOf(), before);
    assert.equal(app.hasher.isOutdated(String(hashOf())), false);
    assert.equal((await browser.get("/account")).text, `account of ${ANN}`);
    assert.equal((await tryJson(app.browser(), { email: ANN, password: PASSWORD })).status, 200);
  });

  it("T09.04: does not sign in where a guard of the application answers, and the guard's answer is given", async () => {
    const app = await startApp();
    app.gate.on(login).before("guard", () => refuse(403, "account_disabled"));
    const browser = app.browser();
    const wrong = await signIn(browser, ANN, "wrong");
    assert.equal(wrong.status, 401, "the guard is asked only after the right password");
    const page = await signIn(browser);
    assert.equal(page.status, 403);
    assert.match(page.page.text, /This account is disabled/);
    assert.equal(page.page.form("/auth/login").field("email").value, ANN);
    const json = await tryJson(browser, { email: ANN, password: PASSWORD });
    assert.deepEqual([json.status, toldOf(json, "status", "reason")], [403, { status: "failure", reason: "account_disabled" }]);
    assert.equal(kept(app).signIns.size, 0);
  });

  it("T09.05: signs in, and what a handler afterwards does or throws changes neither that nor the answer", async () => {
    const app = await startApp();
    app.gate.on(login).after("notify", () => {
      throw new Error("the audit log is away");
    });
    const browser = app.browser();
    assert.equal((await signIn(browser, ANN, PASSWORD, "/auth/login?redir=/account")).text, `account of ${ANN}`);
    assert.equal(app.log.filter(({ level }) => level === "error").length, 1);
  });
});

describe("a wrong password", () => {
  it("T09.06: gets 401, one reason for everything, the login shown again and never the password; attemptFailed is told", async () => {
    const app = await startApp();
    const failed: string[] = [];
    app.gate.on(attemptFailed).after("notify", ({ subject }) => void failed.push(subject.kind));
    const browser = app.browser();
    const { status, page, text } = await signIn(browser, ANN, "a-wrong-password-1");
    assert.equal(status, 401);
    assert.match(page.text, /These details are not right\./);
    assert.equal(page.form().field("email").value, ANN);
    assert.equal(page.form().field("password").value, "");
    assert.doesNotMatch(text, /a-wrong-password-1/);
    const json = await tryJson(browser, { email: ANN, password: "a-wrong-password-1" });
    assert.equal(json.status, 401);
    assert.deepEqual(toldOf(json, "status", "reason", "message", "values", "problems"), {
      status: "failure",
      reason: "invalid_credentials",
      message: "These details are not right. Check them and try again.",
      values: { email: ANN },
      problems: undefined,
    });
    assert.doesNotMatch(json.text, /a-wrong-password-1/);
    assert.deepEqual(failed, ["known", "known"]);
    assert.equal(kept(app).signIns.size, 0);
    assert.equal(kept(app).sessions.size, 0);
  });

  it("T09.08: is told from an unknown login, an account without a password and a disabled one by nobody: same status, body, queries and hashes", async () => {
    const app = await startApp();
    const disabled = await haveUser(app, "dan@example.com");
    await app.gate.disable(disabled);
    await haveUser(app, "eve@example.com", null);
    const failed: string[] = [];
    app.gate.on(attemptFailed).after("notify", ({ subject }) => void failed.push(subject.kind));

    const measured = [];
    for (const email of [ANN, "bob@example.com", "dan@example.com", "eve@example.com"]) {
      const before = { queries: app.storer.queries, hasher: { ...app.hasher.calls } };
      const json = await tryJson(app.browser(), { email, password: "wrong" });
      const after = { queries: app.storer.queries, hasher: { ...app.hasher.calls } };
      const page = await signIn(app.browser(), email, "wrong");
      const masked = (text: string) => withoutTokens(text).replaceAll(email, "LOGIN");
      measured.push({
        statuses: [json.status, page.status],
        headers: Object.keys(json.headers),
        bodies: [masked(json.text), masked(page.text)],
        queries: Object.fromEntries(Object.entries(after.queries).map(([name, count]) => [name, count - (before.queries[name] ?? 0)])),
        verified: after.hasher.verify - before.hasher.verify,
        hashed: after.hasher.hash - before.hasher.hash,
      });
    }
    const [first, ...others] = measured;
    assert.deepEqual([first?.statuses, first?.verified, first?.hashed], [[401, 401], 1, 0]);
    for (const other of others) assert.deepEqual(other, first);
    assert.deepEqual(new Set(failed), new Set(["known", "unknown"]), "an unknown login counts as an attempt too");
  });

  it("T09.07: is refused by a guard of the channel attempt before it is looked at, the right one too", async () => {
    const app = await startApp();
    const refusal = refuse(423, "busy", { retryAfter: 60 });
    app.gate.on(attempt).before("guard", () => refusal, { rank: rank.locked });
    const before = app.hasher.calls.verify;
    const [right, wrong] = [
      await tryJson(app.browser(), { email: ANN, password: PASSWORD }),
      await tryJson(app.browser(), { email: ANN, password: "no" }),
    ];
    assert.deepEqual([right.status, wrong.status, right.headers["retry-after"]], [423, 423, "60"]);
    assert.deepEqual(told(right), told(wrong));
    assert.equal(app.hasher.calls.verify, before);
  });

  it("says nothing of a disabled account; only the right password is told, with 403", async () => {
    const app = await startApp();
    await app.gate.disable(`pid-of-${ANN}`);
    const page = await signIn(app.browser());
    assert.equal(page.status, 403);
    assert.match(page.page.text, /This account is disabled/);
    assert.deepEqual(toldOf(await tryJson(app.browser(), { email: ANN, password: PASSWORD }), "status", "reason"), {
      status: "failure",
      reason: "account_disabled",
    });
    assert.equal(kept(app).signIns.size, 0);
  });

  it("is no way in for an account without one: neither the empty password nor its hash", async () => {
    const app = await startApp();
    await haveUser(app, "eve@example.com", null);
    for (const password of ["", "null", app.hasher.decoy]) {
      const reply = await tryJson(app.browser(), { email: "eve@example.com", password });
      assert.ok(reply.status === 401 || reply.status === 422, password);
    }
    assert.equal(kept(app).signIns.size, 0);
  });
});

describe("the page that was wanted", () => {
  it("is kept over a wrong password and reached after the right one", async () => {
    const app = await startApp();
    const browser = app.browser();
    const wrong = await signIn(browser, ANN, "wrong", "/auth/login?redir=/account");
    assert.equal(wrong.page.form().field("redir").value, "/account");
    const empty = await wrong.page.form().submit({ email: "", password: "" });
    assert.equal(empty.status, 422);
    const right = await empty.page.form().submit({ email: ANN, password: PASSWORD });
    assert.equal(right.text, `account of ${ANN}`);
  });

  it("is taken from the query by a JSON client too, and the body's counts first", async () => {
    const app = await startApp();
    const values = { email: ANN, password: PASSWORD };
    const byQuery = await app.browser().json("POST", "/auth/login?redir=/account%3Fa%3D1", values);
    assert.equal(told(byQuery)["location"], "/account?a=1");
    const byBody = await app.browser().json("POST", "/auth/login?redir=/other", { ...values, redir: "/account" });
    assert.equal(told(byBody)["location"], "/account");
  });

  // A value may be harmless as a path of ours; then it may be kept.
  const elsewhere = [
    [
      "//evil.example",
      "/////evil.example",
      "/\\evil.example",
      "\\\\\\evil.example",
      "\\/evil.example",
      "/\t/evil.example",
      "/\n/evil.example",
    ],
    ["/%09/evil.example", "/%0a/evil.example", "%2f%2fevil.example", "/..//evil.example", "/.//evil.example", "/a/../..//evil.example"],
    ["/%2e%2e//evil.example", "/;@evil.example", "/@evil.example", " //evil.example", "\u0000//evil.example", "/ /evil.example"],
    ["https://evil.example", "https:evil.example", "https:/evil.example", "http:///evil.example", "HTTPS://EVIL.EXAMPLE", "//0x7f000001"],
    [
      "https://app.example.test@evil.example",
      "https://app.example.test.evil.example",
      "//app.example.test@evil.example",
      "///evil.example",
    ],
    ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "evil.example", "@evil.example", "?//evil.example", "#//evil.example"],
    ["/\u2028/evil.example", "／／evil.example", "/\u00a0//evil.example", `/${"a".repeat(3000)}`],
  ].flat();

  it.each(elsewhere)("R96 R99: is of this site or not at all: %j", async (redir) => {
    const app = await startApp();
    const values = { email: ANN, password: PASSWORD };
    const inQuery = `/auth/login?${new URLSearchParams({ redir })}`;
    const browser = app.browser();
    const shown = await browser.get(inQuery);
    const replies = [
      await shown.page.form().submit(values, { followRedirects: false }),
      await app.browser().json("POST", "/auth/login", { ...values, redir }),
      await app.browser().json("POST", inQuery, values),
    ];
    for (const reply of replies) {
      if (reply.status === 422) continue;
      const location = reply.location ?? String(told(reply)["location"]);
      assert.equal(new URL(location, app.rootUrl).origin, app.rootUrl, location);
      expect(location).toMatch(/^\/(?![/\\])/);
    }
    const [page] = replies;
    assert.equal(page?.status, 303);
  });

  it("R98: is never taken from Referer", async () => {
    const app = await startApp();
    const values = { email: ANN, password: PASSWORD };
    const reply = await app.browser().json("POST", "/auth/login", values, { headers: { Referer: "https://evil.example/" } });
    assert.equal(told(reply)["location"], "/");
  });

  it("is not a list: one that comes twice is none", async () => {
    const app = await startApp();
    const reply = await app.browser().json("POST", "/auth/login?redir=/a&redir=/b", { email: ANN, password: PASSWORD });
    assert.equal(told(reply)["location"], "/");
  });
});
