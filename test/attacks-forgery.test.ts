/** Attacks by forged requests, by odd methods and paths, and by redirects. */
import assert from "node:assert/strict";
import type { BrowserClient } from "@castellan/testkit";
import express from "express";
import { describe, it } from "vitest";
import { ANN, BOB, haveUser, PASSWORD, ROOT, SESSION_COOKIE, sessionIdOf, signedIn, startDoors, whoIs } from "./support/doors.ts";
import { headerOf, rawGet } from "./support/raw.ts";

const EVIL = "https://evil.example";
const tokenFor = async (browser: BrowserClient): Promise<string> =>
  String(Reflect.get(Object((await browser.json("GET", "/auth/login")).json()), "csrfToken"));

const application = () =>
  startDoors({
    add: (web, gate) => {
      web.use(express.urlencoded(), express.json());
      web.post("/guarded", gate.csrf(), gate.require(), (_req, res) => void res.send("changed"));
      web.get("/admin", gate.require({ level: "full", respond: "notFound" }), (_req, res) => void res.send("secret"));
    },
  });

describe("where a request says that it comes from", () => {
  const strange: readonly Readonly<Record<string, string | readonly string[]>>[] = [
    { Origin: EVIL },
    { Origin: "null" },
    { Origin: "" },
    { Origin: [ROOT, EVIL] },
    { Origin: [EVIL, ROOT] },
    { Origin: `${ROOT}, ${EVIL}` },
    { Origin: `${ROOT}.evil.example` },
    { Origin: `${ROOT}:8443` },
    { Origin: ROOT.replace("https", "http") },
    { Origin: `${ROOT}/` },
    { Origin: ROOT.toUpperCase() },
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { "Sec-Fetch-Site": "" },
    { "Sec-Fetch-Site": "SAME-ORIGIN" },
    { "Sec-Fetch-Site": ["same-origin", "cross-site"] },
    { "Sec-Fetch-Site": ["same-origin", "same-origin"] },
    { "Sec-Fetch-Site": "none" },
    { "Sec-Fetch-Site": ["none", "none"], "Sec-Fetch-Mode": "navigate" },
    { "Sec-Fetch-Site": "cross-site", Origin: EVIL, "Sec-Fetch-Mode": "navigate" },
    { "Sec-Fetch-Site": "undefined", Origin: EVIL },
  ];

  it("is believed only when it is exactly ours: every route, with a good token, as a form and as JSON (R81, R90)", async () => {
    const app = await application();
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const token = await tokenFor(browser);
    const [signIn] = await app.gate.signIns(pid);
    for (const headers of strange) {
      for (const path of ["/auth/login", "/auth/logout", "/auth/register", "/account", "/guarded"]) {
        for (const [type, body] of [
          ["application/x-www-form-urlencoded", `email=${BOB}&password=${PASSWORD}&_csrf=${token}`],
          ["application/json", JSON.stringify({ email: BOB, password: PASSWORD, _csrf: token })],
        ] as const) {
          const given = { "Content-Type": type, "X-CSRF-Token": token, ...headers };
          const answer = await browser.request("POST", path, { mode: "bare", headers: given, body });
          assert.equal(answer.status, 403, `${path} ${JSON.stringify(headers)}`);
        }
      }
    }
    assert.deepEqual(
      (await app.gate.signIns(pid)).map(({ id }) => id),
      [signIn?.id],
    );
    assert.equal(await app.storer.findByLogin(BOB), null);
    assert.equal((await browser.json("POST", "/guarded", {})).text, "changed");
  });

  it("left out, with our cookie, needs the token; without it, JSON only (R83, R90)", async () => {
    const app = await application();
    await haveUser(app);
    const browser = await signedIn(app);
    const bare = { mode: "bare" } as const;
    for (const type of ["application/json", "application/x-www-form-urlencoded", "text/plain", null]) {
      for (const path of ["/auth/logout", "/guarded"]) {
        const answer = await browser.request("POST", path, { ...bare, headers: { "Content-Type": type }, body: "{}" });
        assert.ok([403, 415].includes(answer.status), `${path} ${type}: ${answer.status}`);
      }
    }
    assert.equal(await whoIs(browser), ANN);
    // A name that only resembles ours makes nothing weaker.
    const near = { Cookie: "x__Host-castellan-sid=1", "Content-Type": "application/json" };
    assert.equal((await app.browser().request("POST", "/auth/logout", { ...bare, headers: near, body: "{}" })).status, 403);
  });
});

describe("a token of a visitor", () => {
  it("that was planted beside somebody's sign-in is worth nothing (R84)", async () => {
    const app = await application();
    await haveUser(app);
    const [victim, attacker] = [await signedIn(app), app.browser()];
    const token = await tokenFor(attacker);
    const planted = attacker.jar.get("__Host-castellan-csrf")?.value;
    const headers = { Cookie: `${SESSION_COOKIE}=${sessionIdOf(victim)}; __Host-castellan-csrf=${planted}`, "X-CSRF-Token": token };
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    for (const path of ["/auth/logout", "/guarded"]) {
      const answer = await app.browser().request("POST", path, { from: ROOT, headers: { ...headers, ...form }, body: "a=1" });
      assert.equal(answer.status, 403, path);
    }
    assert.equal(await whoIs(victim), ANN);
  });
});

describe("an odd method or path", () => {
  it("changes nothing: HEAD, OPTIONS and overrides are what they are (R89)", async () => {
    const app = await application();
    await haveUser(app);
    const browser = await signedIn(app);
    const override = { "X-HTTP-Method-Override": "POST", "X-HTTP-Method": "DELETE", "X-Method-Override": "DELETE" };
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      for (const path of [
        "/auth/logout?_method=DELETE",
        "/auth/logout?_method=POST",
        `/auth/login?email=${ANN}&password=${PASSWORD}`,
        "/auth/register",
      ]) {
        assert.ok((await browser.request(method, path, { headers: override })).status < 300, `${method} ${path}`);
      }
    }
    for (const method of ["PUT", "PATCH", "TRACE", "PROPFIND", "LOCK"]) {
      const answer = await browser.request(method, "/auth/logout", { from: ROOT, headers: override });
      assert.deepEqual([answer.status, answer.headers.allow], [405, "DELETE, GET, HEAD, OPTIONS, POST"], method);
    }
    assert.equal(await whoIs(browser), ANN);
    const anonymous = app.browser();
    assert.equal((await anonymous.request("HEAD", "/account")).status, 303);
    assert.equal((await anonymous.request("HEAD", "/admin")).status, 404);
  });

  it("leads past no guard, and past no limit (R111, R137, R138)", async () => {
    const app = await application();
    await haveUser(app);
    const headers = {
      "X-Middleware-Subrequest": "middleware:middleware",
      "X-Original-URL": "/",
      "X-Rewrite-URL": "/",
      "X-Forwarded-Uri": "/public",
      "X-Forwarded-User": ANN,
      "Remote-User": ANN,
      "User-Agent": "kube-probe/1.0",
      Authorization: "Basic YW5uOng=",
    };
    const paths = [
      "/admin",
      "/Admin",
      "/admin/",
      "//admin",
      "/admin/.",
      "/x/../admin",
      "/admin%2f",
      "/admin;a",
      "/%61dmin",
      "/admin%00",
      "/admin?/public",
      "/admin#x",
      "/./admin",
    ];
    for (const path of paths) {
      const answer = await rawGet(app.url, path, headers);
      assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`);
      assert.ok(!answer.text.includes("secret"), path);
    }
    let looked = 0;
    for (const [index, path] of ["/auth/login", "/AUTH/login", "/auth/login?x=1", "/auth/login?redir=/a", "/auth/login#x"].entries()) {
      for (let round = 0; round < 4; round += 1) {
        const answer = await app.browser().json("POST", path, { email: ANN, password: `wrong ${index} ${round}` });
        if (answer.status === 401) looked += 1;
      }
    }
    for (const path of ["/auth/login/", "/auth//login", "/auth/%6cogin", "/auth/login;x", "/auth/Login"]) {
      assert.equal((await app.browser().json("POST", path, { email: ANN, password: "wrong" })).status, 404, path);
    }
    assert.equal(looked, 10);
    assert.equal(app.hasher.calls.verify, 10);
  });
});

describe("a wanted page", () => {
  const targets = [
    "//evil.example",
    "/////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "https:evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "/..//evil.example",
    "/.//evil.example",
    "/a/..//evil.example",
    "/%2e//evil.example",
    " //evil.example",
    "http://app.example.test@evil.example",
    "///\\;@evil.example",
    "/\u0000/evil.example",
    "@evil.example",
    ".evil.example",
    "?x",
    "#x",
    "data:text/html,x",
    "//\u2028evil.example",
  ];

  it("of another origin is never gone to: from the query, from the body, as a page and as JSON, at sign-in, registration and sign-out (R96, R99)", async () => {
    const app = await application();
    await haveUser(app);
    for (const [index, redir] of targets.entries()) {
      const query = new URLSearchParams({ redir });
      const flows = [
        (browser: BrowserClient) => browser.json("POST", `/auth/login?${query}`, { email: ANN, password: PASSWORD }),
        (browser: BrowserClient) => browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD, redir }),
        (browser: BrowserClient) => browser.json("POST", `/auth/logout?${query}`, { redir }),
        async (browser: BrowserClient) => {
          const { page } = await browser.get(`/auth/login?${query}`);
          return page.form().submit({ email: ANN, password: PASSWORD }, { followRedirects: false, tamper: { redir } });
        },
      ];
      for (const flow of flows) {
        const answer = await flow(app.browser());
        const to = answer.location ?? Reflect.get(Object(answer.json()), "location");
        assert.equal(to, "/", `${index} ${JSON.stringify(redir)}`);
        assert.equal(answer.headers["set-cookie"]?.some((line) => line.startsWith("a=")) ?? false, false);
      }
    }
  });

  it("that came twice, or in Referer, counts for nothing (R98, R99)", async () => {
    const app = await application();
    await haveUser(app);
    const twice = await app.browser().json("POST", "/auth/login?redir=/a&redir=//evil.example", { email: ANN, password: PASSWORD });
    assert.equal(Reflect.get(Object(twice.json()), "location"), "/");
    const referred = await app
      .browser()
      .json("POST", "/auth/login", { email: ANN, password: PASSWORD }, { headers: { Referer: `${EVIL}/x` } });
    assert.equal(Reflect.get(Object(referred.json()), "location"), "/");
    // A POST whose sign-in is over leads to the login page, and from there to our own start page.
    const over = await app.browser().post("/account", {}, { headers: { Referer: `${EVIL}/x` }, followRedirects: false });
    assert.equal(over.location, "/auth/login");
  });

  it("is local after a detour over the login page, whatever path was asked for (R97, R99)", async () => {
    const app = await startDoors({ add: (web, gate) => web.use(gate.require(), (_req, res) => void res.send("inside")) });
    await haveUser(app);
    for (const path of [
      "//evil.example/%2e%2e",
      "/\\evil.example",
      "/%09/evil.example",
      "/..%2f..//evil",
      "/a?b=//evil.example&c=%0d%0aX:y",
      "/%0d%0aSet-Cookie:x=1",
    ]) {
      const turned = await rawGet(app.url, path);
      const location = new URL(headerOf(turned, "location") ?? "", ROOT);
      assert.deepEqual([turned.status, location.origin, location.pathname], [303, ROOT, "/auth/login"], path);
      const form = await app.browser().json("POST", location.pathname + location.search, { email: ANN, password: PASSWORD });
      assert.equal(new URL(String(Reflect.get(Object(form.json()), "location")), ROOT).origin, ROOT, path);
    }
  });
});
