/** Attacks by what comes out: markup, caches, errors, and lines in the log. */
import assert from "node:assert/strict";
import { jsonLogger, Unavailable } from "@castellan/core";
import type { BrowserClient } from "@castellan/testkit";
import { describe, it } from "vitest";
import {
  ANN,
  BOB,
  haveUser,
  logIn,
  logOut,
  PASSWORD,
  parallel,
  SESSION_COOKIE,
  sessionIdOf,
  signedIn,
  startDoors,
  whoIs,
} from "./support/doors.ts";
import { sendRaw } from "./support/raw.ts";
import { storerKinds } from "./support/storers.ts";

const MARKUP = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`;

describe("what a visitor typed", () => {
  it("is text on every page that shows it again, and the page runs no script (R143)", async () => {
    const app = await startDoors();
    const query = new URLSearchParams({ redir: `/a?b=${MARKUP}`, error: MARKUP, reason: MARKUP, message: MARKUP, email: MARKUP });
    for (const path of ["/auth/login", "/auth/register", "/auth/logout"]) {
      const browser = app.browser({ headers: { "Accept-Language": MARKUP, Referer: `https://x/${MARKUP}` } });
      const { page, text, headers } = await browser.get(`${path}?${query}`);
      const again = path === "/auth/logout" ? null : await page.form(path).submit({ email: MARKUP, password: MARKUP });
      for (const shown of [text, again?.text ?? ""]) {
        assert.ok(!shown.includes("<script") && !shown.includes("<img"), path);
      }
      for (const { "content-security-policy": policy = "" } of [headers, again?.headers ?? headers]) {
        assert.match(String(policy), /default-src 'none'/);
        assert.doesNotMatch(String(policy), /script-src|unsafe/);
      }
    }
  });

  it("comes back to a script as JSON and as nothing else (R143)", async () => {
    const app = await startDoors();
    const answer = await app.browser().json("POST", "/auth/register", { email: MARKUP, password: MARKUP });
    assert.equal(answer.headers["content-type"], "application/json; charset=utf-8");
    assert.equal(answer.headers["x-content-type-options"], "nosniff");
    assert.ok(!answer.text.includes(`"password":"`));
  });
});

describe("a page that a cache may see", () => {
  it("is never kept where it sets one of our cookies or belongs to one person, on the application's pages too (R18, R144)", async () => {
    const app = await startDoors({
      add: (web, gate) => {
        web.get("/form", (req, res) => void res.send(`<form>${gate.csrfToken(req)}</form>`));
        web.get("/message", (req, res) => void res.send(gate.flash(req)?.text ?? "none"));
      },
    });
    await haveUser(app);
    const visits = async (browser: BrowserClient) => {
      const paths = ["/form", "/account", "/message", "/auth/login", "/auth/register", "/auth/logout", "/full"];
      const answers = [];
      for (const path of paths) answers.push(await browser.get(path, { followRedirects: false }));
      return answers;
    };
    for (const browser of [app.browser(), await signedIn(app)]) {
      for (const answer of [...(await visits(browser)), await logIn(browser), await logOut(browser), await logIn(browser, ANN, "wrong")]) {
        const personal = answer.setCookies.length > 0 || answer.text.includes(ANN);
        if (personal) assert.equal(answer.headers["cache-control"], "no-store", `${answer.method} ${answer.url}`);
      }
    }
  });
});

describe("an error", () => {
  for (const kind of storerKinds) {
    it(`tells the visitor nothing but to come back: no stack, no query, no file (${kind})`, async () => {
      const app = await startDoors({ kind });
      await haveUser(app);
      const browser = await signedIn(app);
      app.away(true);
      const answers = [
        await browser.get("/account"),
        await browser.json("GET", "/account"),
        await logIn(browser),
        await logOut(browser),
        await browser.json("POST", "/auth/register", { email: BOB, password: PASSWORD }),
      ];
      for (const { status, text, headers } of answers) {
        assert.equal(status, 503);
        assert.doesNotMatch(text, /secret-detail|node_modules|castellan_|SQLITE|no such table|at .*:\d+:\d+|app\.db/);
        assert.equal(headers["cache-control"], "no-store");
      }
      app.away(false);
      assert.equal(await whoIs(browser), ANN);
    });
  }

  it("of a logger that fails itself takes neither the request nor the process with it", async () => {
    const broken = (): never => {
      throw new Error("the disk is full");
    };
    const app = await startDoors({ gate: { logger: { info: broken, warn: broken, error: broken } } });
    await haveUser(app);
    app.away(true);
    assert.equal((await logIn(app.browser())).status, 503);
    app.away(false);
    assert.equal((await logIn(app.browser())).status, 200);
  });
});

describe("the log", () => {
  it("gets one plain line for each failure, whatever stands in path, headers and fields, and no secret (R147)", async () => {
    const lines: string[] = [];
    const app = await startDoors({ gate: { logger: jsonLogger((line) => void lines.push(line), { now: () => new Date(0) }) } });
    await haveUser(app);
    const owner = await signedIn(app);
    app.away(true);
    const forged = '\r\n{"level":"info","message":"signed in as admin"}\u001b[2J\u2028\u0085';
    const headers = { "User-Agent": "x\u0085\u009b31m", "X-CSRF-Token": "a-forged-token" };
    await app
      .browser({ headers })
      .json("POST", `/auth/login?${encodeURIComponent(forged)}`, { email: `x${forged}@example.com`, password: "hunter2-hunter2-hunter2" });
    await app.browser().json("POST", "/auth/register", { email: BOB, password: `${PASSWORD} and more` });
    await app.browser({ headers: { Cookie: `${SESSION_COOKIE}=${sessionIdOf(owner)}` } }).get(`/account/${"a".repeat(3000)}`);
    await app.browser({ headers: { Cookie: `${SESSION_COOKIE}=${sessionIdOf(owner)}` } }).get("/account");
    assert.ok(lines.length >= 3);
    for (const line of lines) {
      assert.ok(line.endsWith("\n"));
      assert.doesNotMatch(line.slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      assert.equal(typeof JSON.parse(line), "object");
      assert.ok(line.length < 4000);
      for (const secret of ["hunter2", PASSWORD, sessionIdOf(owner)?.slice(10, 40) ?? "?", "a-forged-token", BOB, ANN])
        assert.ok(!line.includes(secret), line);
    }
  });

  it("keeps what a driver puts beside its message to itself", async () => {
    const lines: string[] = [];
    const app = await startDoors({ gate: { logger: jsonLogger((line) => void lines.push(line), { now: () => new Date(0) }) } });
    await haveUser(app);
    app.before("findByLogin", () => {
      const error = Object.assign(new Error("the query failed"), {
        parameters: [ANN, "a-hash"],
        detail: `Key (login)=(${ANN})`,
        sql: `SELECT '${ANN}'`,
      });
      throw new Unavailable("away", { cause: error });
    });
    assert.equal((await logIn(app.browser())).status, 503);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /the query failed/);
    assert.ok(!lines.join("").includes(ANN) && !lines.join("").includes("a-hash"));
  });

  it("is not filled by clients that hang up while they are sending", async () => {
    const app = await startDoors();
    await app.gate.ready();
    const head =
      "POST /auth/login HTTP/1.1\r\nHost: app.example.test\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    await parallel(20, () => sendRaw(app.url, head, { hangUp: true }));
    assert.equal(await whoIs(app.browser()), "nobody");
    assert.deepEqual(app.log, []);
  });
});

describe("cookies that come twice (R145)", () => {
  it("count for nothing: the session, the token and the message", async () => {
    const app = await startDoors();
    await haveUser(app);
    const browser = await signedIn(app);
    const visitor = app.browser();
    const { text } = await visitor.get("/account");
    assert.ok(text.includes("Sign in"));
    const token = String(Reflect.get(Object((await visitor.json("GET", "/auth/login")).json()), "csrfToken"));
    const sid = `${SESSION_COOKIE}=${sessionIdOf(browser)}`;
    const csrf = `__Host-castellan-csrf=${visitor.jar.get("__Host-castellan-csrf")?.value}`;
    for (const lines of [
      [`${sid}; ${sid}`],
      [sid, sid],
      [`${SESSION_COOKIE}=x`, sid],
      [sid, `${SESSION_COOKIE}=`],
      [`${sid}; ${SESSION_COOKIE} =x`],
    ]) {
      assert.equal(await whoIs(app.browser({ headers: { Cookie: lines } })), "nobody", lines.join(" | "));
    }
    const posted = (lines: readonly string[]) =>
      app
        .browser({ headers: { Cookie: lines } })
        .post("/auth/login", { email: ANN, password: PASSWORD, _csrf: token }, { followRedirects: false });
    assert.equal((await posted([csrf, csrf])).status, 403);
    assert.equal((await posted([`__Host-castellan-csrf=a.b; ${csrf}`])).status, 403);
    assert.equal((await posted([csrf])).status, 303);
  });
});
