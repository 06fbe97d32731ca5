/** What a session id is worth: a new one at every step up and down, and nothing once it is old (R11, R12, R14, R17, R18, R20). */
import assert from "node:assert/strict";
import { digest, seconds, stepUp } from "@castellan/core";
import { describe, it } from "vitest";
import {
  ANN,
  haveUser,
  logIn,
  logOut,
  OTHER_PASSWORD,
  PASSWORD,
  SESSION_COOKIE,
  sessionIdOf,
  signedIn,
  startDoors,
  verdictOf,
  whoIs,
} from "./support/doors.ts";
import { doorways } from "./support/modules.ts";
import { storerKinds } from "./support/storers.ts";

describe.each(storerKinds)("a session id (%s)", (kind) => {
  it("is new after a login, and the one from before is nobody's (R11)", async () => {
    const app = await startDoors({
      kind,
      add: (express, gate) =>
        express.get("/cart", async (req, res) => {
          (await gate.session(req)).put("cart", "book");
          await (await gate.session(req)).save();
          res.send("ok");
        }),
    });
    await haveUser(app);
    const browser = app.browser();
    await browser.get("/cart");
    const before = sessionIdOf(browser);
    assert.ok(before);
    const fixer = browser.fork();
    assert.equal((await logIn(browser)).status, 200);
    assert.notEqual(sessionIdOf(browser), before);
    assert.equal(await whoIs(browser), ANN);
    assert.equal(await whoIs(fixer), "nobody");
  });

  it("is new after a second login, and the first one is dead", async () => {
    const app = await startDoors({ kind });
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    await logIn(browser);
    assert.notEqual(sessionIdOf(browser), sessionIdOf(old));
    assert.equal(await whoIs(old), "nobody");
    assert.equal((await app.gate.signIns(pid)).length, 1);
  });

  it("is gone after a logout, and the old one is dead", async () => {
    const app = await startDoors({ kind });
    await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    assert.equal((await logOut(browser)).status, 200);
    assert.equal(sessionIdOf(browser), null);
    assert.equal(await whoIs(old), "nobody");
    await logIn(browser);
    assert.notEqual(sessionIdOf(browser), sessionIdOf(old));
    assert.equal(await whoIs(old), "nobody");
  });

  it("is new after a step up, and the old one is dead", async () => {
    const app = await startDoors({ kind, extra: doorways() });
    await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    assert.equal(verdictOf(await browser.json("POST", "/auth/step-up", { password: PASSWORD })), "200 signed_in");
    assert.notEqual(sessionIdOf(browser), sessionIdOf(old));
    assert.equal(await whoIs(browser), ANN);
    assert.equal(await whoIs(old), "nobody");
  });

  it("is new after a change of password, and the old one is dead", async () => {
    const app = await startDoors({ kind, extra: doorways() });
    await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    assert.equal((await browser.json("POST", "/auth/password", { from: PASSWORD, to: OTHER_PASSWORD })).status, 200);
    assert.notEqual(sessionIdOf(browser), sessionIdOf(old));
    assert.equal(await whoIs(browser), ANN);
    assert.equal(await whoIs(old), "nobody");
  });

  it("is new after a registration that signs in", async () => {
    const app = await startDoors({ kind });
    await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    assert.equal((await browser.json("POST", "/auth/register", { email: "new@example.com", password: PASSWORD })).status, 200);
    assert.equal(await whoIs(browser), "new@example.com");
    assert.equal(await whoIs(old), "nobody");
  });

  it("is new after half a sign-in", async () => {
    const app = await startDoors({ kind, extra: doorways() });
    await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    await browser.get(`/auth/remembered?login=${ANN}`);
    assert.notEqual(sessionIdOf(browser), sessionIdOf(old));
    assert.equal(await whoIs(browser), ANN);
    assert.equal(await whoIs(old), "nobody");
  });

  it("lies nowhere in the storer, neither as it is nor in what a list of sign-ins shows (R15, R20)", async () => {
    const app = await startDoors({ kind });
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const cookie = decodeURIComponent(sessionIdOf(browser) ?? "");
    const id = cookie.slice(2, cookie.indexOf("."));
    assert.ok(id.length >= 40);
    assert.equal((await app.dump()).includes(id), false);
    const shown = JSON.stringify(await app.gate.signIns(pid));
    assert.equal(shown.includes(id), false);
    assert.equal(shown.includes(digest("sign-in", id)), false);
  });
});

describe("the token against forgery", () => {
  it("of the time before a login is worth nothing after it, nor after the logout (R12)", async () => {
    const app = await startDoors();
    await haveUser(app);
    const browser = app.browser();
    const { page } = await browser.get("/auth/login");
    const token = page.form().field("_csrf").value;
    const signed = await page.form().submit({ email: ANN, password: PASSWORD });
    assert.equal(signed.text, "start");
    const answer = await browser.post("/auth/logout", { _csrf: String(token) });
    assert.equal(answer.status, 403);
    assert.equal(await whoIs(browser), ANN);
    const own = (await browser.get("/auth/logout")).page.form().field("_csrf").value;
    await logOut(browser);
    assert.equal((await browser.post("/auth/logout", { _csrf: String(own) })).status, 403);
  });
});

describe("a session cookie", () => {
  const forged = (value: string): readonly (readonly [string, string])[] => {
    const decoded = decodeURIComponent(value);
    const [id = "", mac = ""] = decoded.slice(2).split(".", 2);
    return [
      ["without its mark", encodeURIComponent(`${id}.${mac}`)],
      ["without a signature", encodeURIComponent(`s:${id}.`)],
      ["without a dot", encodeURIComponent(`s:${id}`)],
      ["with half a signature", encodeURIComponent(`s:${id}.${mac.slice(0, 20)}`)],
      ["with another id under its signature", encodeURIComponent(`s:${id.slice(1)}x.${mac}`)],
      ["of JSON", encodeURIComponent(`j:{"pid":"ann"}`)],
      ["of four kilobytes", encodeURIComponent(`s:${"a".repeat(4000)}.${mac}`)],
      ["that climbs", encodeURIComponent(`s:../user/1.${mac}`)],
      ["with broken escapes", `s%3A${id}.%zz%`],
      ["that is empty", ""],
      ["that names a prototype", encodeURIComponent(`s:__proto__.${mac}`)],
    ];
  };

  it("that we did not sign is nobody's, never an error, and asks the storer nothing (R17, R20)", async () => {
    const app = await startDoors();
    await haveUser(app);
    const browser = await signedIn(app);
    for (const [what, value] of forged(sessionIdOf(browser) ?? "")) {
      app.asked();
      const answer = await app.browser().get("/me", { headers: { Cookie: `${SESSION_COOKIE}=${value}` } });
      assert.deepEqual([answer.status, answer.text], [200, "nobody"], what);
      assert.deepEqual(app.asked(), [], what);
    }
  });

  it("that comes twice is nobody's", async () => {
    const app = await startDoors();
    await haveUser(app);
    const value = sessionIdOf(await signedIn(app));
    const twice = `${SESSION_COOKIE}=${value}; ${SESSION_COOKIE}=${value}`;
    assert.equal((await app.browser().get("/me", { headers: { Cookie: twice } })).text, "nobody");
  });

  it("never goes out on an answer that a cache may keep, nor does what only one person may see (R18)", async () => {
    const app = await startDoors();
    await haveUser(app);
    const browser = app.browser();
    const login = await logIn(browser);
    assert.match(login.setCookies.join(), /castellan-sid=.*HttpOnly/);
    const account = await browser.get("/account");
    for (const { headers } of [login, account]) {
      assert.equal(headers["cache-control"], "no-store");
      assert.match(String(headers.vary), /Cookie/);
    }
  });
});

describe("a step up", () => {
  it("tells whoever listens, and leaves the handle of the sign-in as it was", async () => {
    const app = await startDoors({ extra: doorways() });
    const pid = await haveUser(app);
    const heard: string[] = [];
    app.gate.on(stepUp).after("notify", ({ user }) => void heard.push(user.login));
    const browser = await signedIn(app);
    const [before] = await app.gate.signIns(pid);
    app.clock.advance(seconds(1));
    await browser.json("POST", "/auth/step-up", { password: PASSWORD });
    const [after, ...others] = await app.gate.signIns(pid);
    assert.deepEqual(heard, [ANN]);
    assert.equal(others.length, 0);
    assert.equal(after?.id, before?.id);
    assert.deepEqual(after?.factors, [{ method: "password", at: app.clock.now() }]);
  });
});
