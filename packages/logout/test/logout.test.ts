/** Signing out by page and by JSON. @module */
import assert from "node:assert/strict";
import { login, logout as logoutChannel, refuse } from "castellan";
import type { Request } from "express";
import { describe, expect, it } from "vitest";
import { ANN, annsBrowser, isSignedIn, startApp, tokenOf, told } from "./support.ts";

const SESSION_COOKIE = /^__Host-castellan-sid=;.*Max-Age=0/;

describe("the page that asks", () => {
  it("answers GET with 200 and a button, and changes nothing", async () => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    const before = app.storer.dump();
    const { status, page } = await browser.get("/auth/logout");
    assert.equal(status, 200);
    assert.equal(page.heading, "Sign out");
    assert.match(page.text, /Do you want to sign out on this device\?/);
    assert.match(page.form("/auth/logout").field("_csrf").value, /^[\w-]{86}$/);
    assert.deepEqual(app.storer.dump(), before);
    assert.deepEqual(told(await browser.json("GET", "/auth/logout")), { status: "success", modules: { auth: true, logout: true } });
    assert.equal(await isSignedIn(browser), true);
    assert.equal((await browser.request("HEAD", "/auth/logout")).status, 200);
    assert.equal(await isSignedIn(browser), true);
    assert.equal((await page.form("/auth/logout").submit()).text, "start");
    assert.equal(await isSignedIn(browser), false);
  });

  it("takes the wanted page along, and needs nobody to be signed in", async () => {
    const app = await startApp();
    const { page } = await app.browser().get("/auth/logout?redir=/bye");
    assert.equal(page.form("/auth/logout").field("redir").value, "/bye");
  });

  it("answers OPTIONS with Allow, and what it does not know with 405 and Allow", async () => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    const allow = "DELETE, GET, HEAD, OPTIONS, POST";
    const options = await browser.request("OPTIONS", "/auth/logout");
    assert.deepEqual([options.status, options.text, options.headers.allow], [204, "", allow]);
    for (const method of ["PUT", "PATCH"]) {
      const page = await browser.request(method, "/auth/logout", { from: browser.origin });
      assert.deepEqual([page.status, page.headers.allow], [405, allow]);
      const json = await browser.json(method, "/auth/logout", {});
      assert.deepEqual([json.status, json.headers.allow, told(json)["reason"]], [405, allow, "method_not_allowed"]);
    }
    assert.equal(await isSignedIn(browser), true);
  });
});

describe("signing out", () => {
  it("T02.08 T10.03: ends the sign-in and the session, removes the cookie, and leads to the page after it by 303", async () => {
    const app = await startApp({ logout: { afterLogout: "/bye" } });
    const browser = await annsBrowser(app);
    const thief = browser.fork();
    const { page } = await browser.get("/auth/logout");
    const reply = await page.form("/auth/logout").submit({}, { followRedirects: false });
    assert.deepEqual([reply.status, reply.location], [303, "/bye"]);
    assert.ok(reply.setCookies.some((line) => SESSION_COOKIE.test(line)));
    assert.equal(reply.headers["cache-control"], "no-store");
    const { signIns, sessions } = app.storer.dump();
    assert.deepEqual([signIns.size, sessions.size], [0, 0]);
    assert.equal(await isSignedIn(browser), false);
    assert.equal(await isSignedIn(thief), false, "a copy of the cookie is worth nothing");
  });

  it("tells so on the next page", async () => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    const { page } = await browser.get("/auth/logout");
    await page.form("/auth/logout").submit();
    assert.match((await browser.get("/auth/login")).page.text, /You are signed out\./);
  });

  it("has the browser forget pages and storage, and does not name cookies: that would reach sibling hosts", async () => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    const reply = await browser.json("POST", "/auth/logout", {});
    assert.equal(reply.headers["clear-site-data"], '"cache", "storage"');
  });

  it("T10.01: takes POST and DELETE from a JSON client: 200, the location, and a token for what comes next", async () => {
    const app = await startApp();
    for (const method of ["POST", "DELETE"]) {
      const browser = await annsBrowser(app);
      const reply = await browser.json(method, "/auth/logout", {});
      assert.deepEqual([reply.status, reply.location], [200, null]);
      assert.deepEqual(told(reply), { status: "success", reason: "signed_out", message: "You are signed out.", location: "/" });
      assert.equal(await isSignedIn(browser), false);
      const token = String(Reflect.get(Object(reply.json()), "csrfToken"));
      assert.equal((await browser.post("/auth/logout", { _csrf: token })).text, "start");
    }
  });

  it("takes a DELETE without a body if the token is in its header", async () => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    assert.equal((await browser.json("DELETE", "/auth/logout")).status, 403);
    assert.equal(await isSignedIn(browser), true);
    const headers = { "X-CSRF-Token": await tokenOf(browser) };
    assert.equal((await browser.json("DELETE", "/auth/logout", undefined, { headers })).status, 200);
    assert.equal(await isSignedIn(browser), false);
  });

  it("leaves the other browsers of the same person alone", async () => {
    const app = await startApp();
    const [here, there] = [await annsBrowser(app), await annsBrowser(app)];
    await here.json("POST", "/auth/logout", {});
    assert.deepEqual([await isSignedIn(here), await isSignedIn(there)], [false, true]);
  });

  it("does the same for a visitor whom nobody knows, twice too, and writes nothing", async () => {
    const app = await startApp();
    const heard: string[] = [];
    app.gate.on(logoutChannel).after("notify", ({ user }) => void heard.push(user.login));
    const browser = app.browser();
    const before = app.storer.dump();
    for (const _time of [1, 2]) {
      const { page } = await browser.get("/auth/logout");
      const reply = await page.form("/auth/logout").submit({}, { followRedirects: false });
      assert.deepEqual([reply.status, reply.location], [303, "/"]);
      assert.equal(told(await browser.json("POST", "/auth/logout", {}))["reason"], "signed_out");
    }
    assert.deepEqual(app.storer.dump(), before);
    assert.deepEqual(heard, []);
  });

  it("is told to the channel logout, with the user and the sign-in that ended", async () => {
    const app = await startApp();
    const heard: string[] = [];
    app.gate
      .on(logoutChannel)
      .after("record", ({ user, signIn }) => void heard.push(`record ${user.login} ${signIn.level}`))
      .after("notify", ({ user }) => void heard.push(`notify ${user.login}`));
    await (await annsBrowser(app)).json("POST", "/auth/logout", {});
    assert.deepEqual(heard, [`record ${ANN} full`, `notify ${ANN}`]);
  });

  it("does not happen where a guard of the application refuses", async () => {
    const app = await startApp();
    app.gate.on(logoutChannel).before("guard", () => refuse(403, "busy"));
    const browser = await annsBrowser(app);
    const json = await browser.json("POST", "/auth/logout", {});
    assert.deepEqual([json.status, told(json)["reason"], json.headers["clear-site-data"]], [403, "busy", undefined]);
    const { page } = await browser.get("/auth/logout");
    assert.equal((await page.form("/auth/logout").submit()).status, 403);
    assert.equal(await isSignedIn(browser), true);
  });

  it("lets the same browser sign in again, with one session and one sign-in", async () => {
    const app = await startApp();
    const vias: string[] = [];
    app.gate.on(login).after("notify", ({ via }) => void vias.push(via));
    const browser = await annsBrowser(app);
    await browser.json("POST", "/auth/logout", {});
    await annsBrowser(app, browser);
    assert.equal(await isSignedIn(browser), true);
    assert.deepEqual([app.storer.dump().signIns.size, app.storer.dump().sessions.size, vias.length], [1, 1, 2]);
  });

  it("while the storer is away gets 503 and signs nobody out by half", async () => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    app.storer.fail(new Error("away"));
    const reply = await browser.json("POST", "/auth/logout", {});
    assert.deepEqual([reply.status, reply.headers["clear-site-data"]], [503, undefined]);
    app.storer.fail(null);
    assert.equal(await isSignedIn(browser), true);
  });
});

describe("GET", () => {
  it("T10.02: signs out only where the application says so dangerously; then from any page", async () => {
    const app = await startApp({ logout: { dangerouslyAllowGet: true } });
    const browser = await annsBrowser(app);
    const reply = await browser.get("/auth/logout?redir=/bye", { from: "https://evil.example", followRedirects: false });
    assert.deepEqual([reply.status, reply.location], [303, "/bye"]);
    assert.equal(await isSignedIn(browser), false);
    const json = await annsBrowser(app);
    assert.equal(told(await json.json("GET", "/auth/logout"))["reason"], "signed_out");
    assert.equal(await isSignedIn(json), false);
  });

  it("from another page asks, as from anywhere", async () => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    const reply = await browser.get("/auth/logout", { from: "https://evil.example" });
    assert.equal(reply.page.heading, "Sign out");
    assert.equal(await isSignedIn(browser), true);
  });
});

describe("where a sign-out leads", () => {
  it("is the page that was asked for, in the body or the query", async () => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    assert.equal(told(await browser.json("POST", "/auth/logout", { redir: "/bye?a=1" }))["location"], "/bye?a=1");
    assert.equal(told(await browser.json("DELETE", "/auth/logout?redir=/bye", {}))["location"], "/bye");
  });

  const elsewhere = [
    "//evil.example",
    "/\\evil.example",
    "/\t/evil.example",
    "/..//evil.example",
    "https://evil.example",
    "javascript:alert(1)",
  ];
  it.each(elsewhere)("R96 R99: is of this site: %j", async (redir) => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    const json = told(await browser.json("POST", "/auth/logout", { redir }));
    assert.equal(json["location"], "/");
    const { page } = await browser.get(`/auth/logout?${new URLSearchParams({ redir })}`);
    assert.equal((await page.form("/auth/logout").submit({}, { followRedirects: false })).location, "/");
  });
});

describe("a request that nobody meant", () => {
  it("from another site, or without the right token, is refused, and Ann stays signed in", async () => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    const _csrf = await tokenOf(browser);
    const foreign = await browser.post("/auth/logout", { _csrf }, { from: "https://evil.example", sameSite: false });
    assert.equal(foreign.status, 403);
    for (const values of [{}, { _csrf: "x" }, { _csrf: await tokenOf(app.browser()) }]) {
      const reply = await browser.post("/auth/logout", values);
      assert.equal(reply.status, 403);
      assert.match(reply.page.text, /open for too long/);
    }
    assert.equal((await browser.post(`/auth/logout?_csrf=${_csrf}`, {})).status, 403);
    assert.equal(await isSignedIn(browser), true);
  });

  const CASES = [
    ["broken JSON", "application/json", "{", 400],
    ["a JSON array", "application/json", "[]", 400],
    ["plain text", "text/plain", "x", 415],
    ["no content type", null, "x", 415],
    ["1 MB", "application/x-www-form-urlencoded", "a".repeat(1_000_000), 413],
  ] as const;
  it.each(CASES)("whose body cannot be read is refused as a page and as JSON: %s", async (_what, type, body, status) => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    const token = await tokenOf(browser);
    const before = app.storer.dump();
    for (const accept of ["text/html", "application/json"]) {
      const headers = { "Content-Type": type, Accept: accept, "X-CSRF-Token": token };
      const reply = await browser.request("POST", "/auth/logout", { from: browser.origin, body, headers });
      assert.equal(reply.status, status);
      expect(reply.headers["content-type"]).toContain(accept);
    }
    assert.deepEqual(app.storer.dump(), before);
  });

  it("with fields of any kind signs out all the same: it reads none", async () => {
    const app = await startApp();
    const browser = await annsBrowser(app);
    const reply = await browser.json("POST", "/auth/logout", { redir: ["/a"], other: { a: 1 }, more: 5 });
    assert.deepEqual([reply.status, told(reply)["location"]], [200, "/"]);
  });

  it("with a forged cookie ends nobody's session", async () => {
    const app = await startApp();
    const anns = await annsBrowser(app);
    for (const cookie of ["s%3Aforged.c2ln", "x", "s%3A.", '"']) {
      const headers = { Cookie: `__Host-castellan-sid=${cookie}` };
      assert.equal((await app.browser().json("POST", "/auth/logout", {}, { headers })).status, 200);
    }
    assert.equal(await isSignedIn(anns), true);
  });
});

describe("what the application keeps in the session", () => {
  const session = (req: Request): object => req.session;
  const startShop = (keep: readonly string[]) =>
    startApp({
      gate: { keep },
      add(app) {
        app.get("/put", (req, res) => {
          Object.assign(session(req), { cart: ["book"], secret: "of the visitor before" });
          res.send("put");
        });
        app.get(
          "/show",
          (req, res) => void res.json([Reflect.get(session(req), "cart") ?? null, Reflect.get(session(req), "secret") ?? null]),
        );
      },
    });

  it("T02.07: survives sign-in and sign-out under the keys of `keep`, each time under another session id; the rest ends", async () => {
    const app = await startShop(["cart"]);
    const browser = app.browser();
    const keys = () => [...app.storer.dump().sessions.keys()].join();
    await browser.get("/put");
    const seen = [keys()];
    await annsBrowser(app, browser);
    assert.deepEqual((await browser.get("/show")).json(), [["book"], null]);
    seen.push(keys());
    await browser.get("/put");
    await browser.json("POST", "/auth/logout", {});
    assert.deepEqual((await browser.get("/show")).json(), [["book"], null]);
    seen.push(keys());
    assert.equal(await isSignedIn(browser), false);
    assert.equal(new Set(seen).size, 3);
    assert.ok(
      seen.every((key) => key !== "" && !key.includes(",")),
      "one session at a time",
    );
  });

  it("ends with the sign-out otherwise", async () => {
    const app = await startShop([]);
    const browser = await annsBrowser(app);
    await browser.get("/put");
    await browser.json("POST", "/auth/logout", {});
    assert.deepEqual((await browser.get("/show")).json(), [null, null]);
  });
});

describe("gate.logout.logout", () => {
  it("signs out the browser that sent the request, and the application answers", async () => {
    const app = await startApp({
      add: (express, gate) => {
        express.get("/own/leave", async (req, res) => {
          const refused = await gate.logout.logout(req);
          res.json({ refused, user: await gate.currentUser(req) });
        });
      },
    });
    const browser = await annsBrowser(app);
    const reply = await browser.get("/own/leave");
    assert.deepEqual(reply.json(), { refused: null, user: null });
    assert.ok(reply.setCookies.some((line) => SESSION_COOKIE.test(line)));
    assert.equal(await isSignedIn(browser), false);
  });

  it("answers what a guard refused with", async () => {
    const app = await startApp({
      add: (express, gate) => {
        express.get("/own/leave", async (req, res) => void res.json(await gate.logout.logout(req)));
      },
    });
    app.gate.on(logoutChannel).before("guard", () => refuse(403, "busy"));
    const browser = await annsBrowser(app);
    assert.equal(Reflect.get(Object((await browser.get("/own/leave")).json()), "reason"), "busy");
    assert.equal(await isSignedIn(browser), true);
  });
});
