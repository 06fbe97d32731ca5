/** What stands in front of a page: `require()`, what it costs, and how long it lets people in. */
import assert from "node:assert/strict";
import { login, minutes, refuse, seconds } from "@castellan/core";
import { TEST_SECRET } from "@castellan/testkit";
import { expressSessions } from "castellan";
import type { Request, Response } from "express";
import { describe, it } from "vitest";
import {
  ANN,
  type DoorApp,
  type DoorGate,
  haveUser,
  logIn,
  logOut,
  PASSWORD,
  ROOT,
  SESSION_COOKIE,
  sessionIdOf,
  signedIn,
  startDoors,
  verdictOf,
  whoIs,
} from "./support/doors.ts";
import { inProcess } from "./support/in-process.ts";
import { doorways } from "./support/modules.ts";
import { type StorerKind, storerKinds } from "./support/storers.ts";

/** Pages behind every kind of `require()`. */
const pages = (gate: DoorGate) => {
  const shown = (req: Request, res: Response) => void res.send(`page of ${gate.user(req).login}`);
  return {
    "/recent": gate.require({ within: minutes(15) }),
    "/recent-full": gate.require({ level: "full", within: minutes(15) }),
    "/secret": gate.require({ respond: "notFound" }),
    "/api": gate.require({ respond: "unauthorized" }),
    "/half": gate.require({ level: "half" }),
    shown,
  };
};

const startPages = (kind: StorerKind = "memory"): Promise<DoorApp> =>
  startDoors({
    kind,
    extra: doorways(),
    add: (express, gate) => {
      const { shown, ...guarded } = pages(gate);
      for (const [path, guard] of Object.entries(guarded)) express.get(path, guard, shown);
      express.get("/forgotten", (req, res) => void res.send(gate.user(req).login));
      express.get("/remembers", async (req, res) => {
        const outcome = await gate.auth.login({ login: ANN, password: PASSWORD }, req);
        res.send("ok" in outcome ? gate.user(req).login : "refused");
      });
      express.get("/state", async (req, res) => {
        res.json([(await gate.currentUser(req))?.login ?? null, await gate.isFullyAuthed(req), await gate.isTwoFactored(req)]);
      });
      express.get("/quiet", (_req, res) => void res.send("quiet"));
    },
  });

/** A browser that a remember-me cookie vouches for. */
async function remembered(app: DoorApp) {
  const browser = app.browser();
  await browser.get(`/auth/remembered?login=${ANN}`);
  return browser;
}

describe("a page that requires a sign-in", () => {
  it("sends strangers to the login page and brings them back, query and all", async () => {
    const app = await startPages();
    await haveUser(app);
    const browser = app.browser();
    const turned = await browser.get("/account?a=1&b=%2Fx&c=%26");
    assert.equal(new URL(turned.url).pathname, "/auth/login");
    assert.match(turned.page.text, /Please sign in/);
    const wrong = await turned.page.form().submit({ email: ANN, password: "wrong" });
    const back = await wrong.page.form().submit({ email: ANN, password: PASSWORD });
    assert.equal(back.text, `account of ${ANN}`);
    assert.equal(new URL(back.url).search, "?a=1&b=%2Fx&c=%26");
  });

  it("does not send anybody back to what was posted", async () => {
    const app = await startPages();
    await haveUser(app);
    const answer = await app.browser().post("/account?pay=all", {}, { followRedirects: false });
    assert.deepEqual([answer.status, answer.location], [303, "/auth/login"]);
  });

  it("brings nobody back to another site", async () => {
    const app = await startPages();
    await haveUser(app);
    const answer = await app.browser().request("GET", `${ROOT}//evil.example/account`);
    assert.doesNotMatch(String(answer.location), /evil/);
  });

  it.each([
    ["/account", "html", "303 /auth/login?redir=%2Faccount"],
    ["/account", "json", "401 login_required"],
    ["/api", "html", "401"],
    ["/api", "json", "401 login_required"],
    ["/secret", "html", "404"],
    ["/secret", "json", "404 not_found"],
    ["/recent", "json", "401 login_required"],
    ["/half", "json", "401 login_required"],
  ])("answers a stranger at %s who wants %s with %s", async (path, wanted, expected) => {
    const app = await startPages();
    const browser = app.browser();
    const answer = wanted === "json" ? await browser.json("GET", path) : await browser.get(path, { followRedirects: false });
    const told = wanted === "json" ? verdictOf(answer) : `${answer.status} ${answer.location ?? ""}`.trim();
    assert.equal(told, expected);
  });

  it.each([
    ["/account", 200, ""],
    ["/half", 200, ""],
    ["/full", 403, "full_login_required"],
    ["/recent", 403, "recent_login_required"],
    ["/recent-full", 403, "full_login_required"],
    ["/api", 200, ""],
    ["/secret", 200, ""],
  ])("of a half sign-in: %s answers %i %s", async (path, status, reason) => {
    const app = await startPages();
    await haveUser(app);
    const answer = await (await remembered(app)).json("GET", path);
    assert.equal(answer.status, status);
    if (reason) assert.equal(verdictOf(answer), `${status} ${reason}`);
  });

  it("sends a half sign-in to prove itself, and back with full rights", async () => {
    const app = await startPages();
    await haveUser(app);
    const browser = await remembered(app);
    const asked = await browser.get("/full?x=1");
    assert.equal(new URL(asked.url).pathname, "/auth/login");
    const back = await asked.page.form("/auth/login").submit({ email: ANN, password: PASSWORD });
    assert.equal(back.text, `full ${ANN}`);
    assert.equal(new URL(back.url).search, "?x=1");
  });

  it("within a time lets a proof pass for that long, and asks for a new one after it", async () => {
    const app = await startPages();
    await haveUser(app);
    const browser = await signedIn(app);
    app.clock.advance(minutes(15));
    assert.equal((await browser.get("/recent")).text, `page of ${ANN}`);
    app.clock.advance(seconds(1));
    assert.equal(verdictOf(await browser.json("GET", "/recent")), "403 recent_login_required");
    assert.equal((await browser.get("/full")).text, `full ${ANN}`);
    assert.equal((await browser.json("POST", "/auth/step-up", { password: PASSWORD })).status, 200);
    assert.equal((await browser.get("/recent")).text, `page of ${ANN}`);
  });

  it("asks a half sign-in for a login, not for a step up: that one would ask for no second factor", async () => {
    const app = await startPages();
    await haveUser(app);
    const browser = await remembered(app);
    assert.equal(verdictOf(await browser.json("POST", "/auth/step-up", { password: PASSWORD })), "403 full_login_required");
    assert.equal(verdictOf(await browser.json("GET", "/full")), "403 full_login_required");
    assert.equal(await whoIs(browser), ANN);
  });
});

describe("half a sign-in", () => {
  it("that a guard refuses leaves a stranger, and whoever was there before stays", async () => {
    const app = await startPages();
    const pid = await haveUser(app);
    app.gate.on(login).before("guard", ({ proof }) => (proof.method === "remember" ? refuse(403, "account_disabled") : null));
    assert.equal(await whoIs(await remembered(app)), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
    const browser = await signedIn(app);
    await browser.get(`/auth/remembered?login=${ANN}`);
    assert.equal(await whoIs(browser), ANN);
  });

  it("is not made of somebody who is disabled", async () => {
    const app = await startPages();
    await app.gate.disable(await haveUser(app));
    assert.equal(await whoIs(await remembered(app)), "nobody");
  });

  it("asks for no second factor, and gives no rights that need one", async () => {
    const app = await startPages();
    await haveUser(app);
    app.gate.on(login).before("challenge", () => refuse(401, "second_factor_required"));
    const browser = await remembered(app);
    assert.equal(await whoIs(browser), ANN);
    assert.equal(verdictOf(await browser.json("GET", "/full")), "403 full_login_required");
  });
});

describe("who somebody is", () => {
  it.each([
    ["anonymous", async (app: DoorApp) => app.browser(), [null, false, false]],
    ["half signed in", remembered, [ANN, false, false]],
    ["fully signed in", (app: DoorApp) => signedIn(app), [ANN, true, false]],
  ])("is told truly of somebody %s", async (_, visit, expected) => {
    const app = await startPages();
    await haveUser(app);
    const browser = await visit(app);
    assert.deepEqual((await browser.get("/state")).json(), expected);
  });

  it("is an error to ask for with gate.user() where no require() ran", async () => {
    const app = await startPages();
    await haveUser(app);
    app.app.use((error: Error, _req: Request, res: Response, _next: unknown) => void res.status(500).send(error.message));
    for (const browser of [app.browser(), await signedIn(app)]) {
      const answer = await browser.get("/forgotten");
      assert.equal(answer.status, 500);
      assert.match(answer.text, /gate\.user\(req\) needs gate\.require\(\)/);
    }
    // Not even for whoever signs in by this very request.
    assert.match((await app.browser().get("/remembers")).text, /needs gate\.require\(\)/);
  });

  it.each(storerKinds)("is nobody from the next request on when the user is disabled, enabled again or deleted (%s)", async (kind) => {
    const app = await startPages(kind);
    const pid = await haveUser(app);
    const [first, second] = [await signedIn(app), await signedIn(app)];
    await app.gate.disable(pid);
    assert.equal(await whoIs(first), "nobody");
    assert.equal(verdictOf(await logIn(app.browser())), "403 account_disabled");
    await app.gate.enable(pid);
    assert.equal(await whoIs(first), "nobody");
    assert.equal(verdictOf(await logIn(second)), "200 signed_in");
    await app.removeUser(pid);
    assert.equal(await whoIs(second), "nobody");
    assert.equal(verdictOf(await second.json("GET", "/account")), "401 login_required");
  });
});

describe.each(storerKinds)("how long somebody is signed in (%s)", (kind) => {
  const lifetime = { idle: minutes(30), absolute: minutes(100) };
  const start = (): Promise<DoorApp> => startDoors({ kind, gate: { lifetime } });

  it("ends when nothing was done for the idle time, to the moment", async () => {
    const app = await start();
    await haveUser(app);
    const [inTime, late] = [await signedIn(app), await signedIn(app)];
    app.clock.advance(minutes(30 - 1 / 60));
    assert.equal(await whoIs(inTime), ANN);
    app.clock.advance(seconds(1));
    assert.equal(await whoIs(late), "nobody");
    assert.equal(await whoIs(inTime), ANN);
  });

  it("ends with the absolute time, however busy somebody was", async () => {
    const app = await start();
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    for (let minute = 0; minute < 99; minute += 9) {
      assert.equal(await whoIs(browser), ANN, `minute ${minute}`);
      app.clock.advance(minutes(9));
    }
    const [row] = await app.gate.signIns(pid);
    assert.equal(await whoIs(browser), ANN);
    assert.ok(row && row.idleEndsAt <= row.endsAt);
    app.clock.advance(minutes(1));
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
  });

  it("is written down at most once a minute", async () => {
    const app = await start();
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const seen = async () => (await app.gate.signIns(pid))[0]?.seenAt.getTime();
    const atFirst = await seen();
    app.clock.advance(seconds(59));
    await browser.get("/account");
    assert.equal(await seen(), atFirst);
    app.clock.advance(seconds(1));
    await browser.get("/account");
    assert.equal(await seen(), app.clock.now().getTime());
  });

  it("does not begin anew when the clock is set back", async () => {
    const app = await start();
    await haveUser(app);
    const browser = await signedIn(app);
    const later = new Date(app.clock.now().getTime() + 100 * 60_000);
    app.clock.set(new Date(app.clock.now().getTime() - 60_000));
    assert.equal(await whoIs(browser), ANN);
    app.clock.set(later);
    assert.equal(await whoIs(browser), "nobody");
  });
});

describe("what a page costs", () => {
  it.each(storerKinds)("is nothing for a stranger, whatever the cookie (%s)", async (kind) => {
    const app = await startPages(kind);
    await haveUser(app);
    const browser = await signedIn(app);
    const value = sessionIdOf(browser) ?? "";
    app.asked();
    const cookies = ["", "x=y", `${SESSION_COOKIE}=garbage`, `${SESSION_COOKIE}=${value}x`, `${SESSION_COOKIE}=${value.slice(0, -3)}`];
    for (const Cookie of cookies) {
      for (const path of ["/", "/me", "/state", "/account", "/auth/login", "/auth/register"])
        await app.browser().get(path, { headers: Cookie ? { Cookie } : {}, followRedirects: false });
    }
    assert.deepEqual(app.asked(), []);
  });

  it("is one look-up for somebody who is signed in, and none where nobody asks (memory, sessions loaded on demand)", async () => {
    const app = await startDoors({
      sessions: expressSessions({ secret: TEST_SECRET, eager: false }),
      add: (express) => express.get("/quiet", (_req, res) => void res.send("quiet")),
    });
    await haveUser(app);
    const browser = await signedIn(app);
    app.asked();
    for (const path of ["/account", "/full", "/me"]) {
      await browser.get(path);
      assert.deepEqual(app.asked(), ["findSignIn"], path);
    }
    await browser.get("/quiet");
    assert.deepEqual(app.asked(), []);
  });

  it("is one statement for somebody who is signed in, and none where nobody asks (SQLite)", async () => {
    const app = await startPages("sqlite");
    await haveUser(app);
    const browser = await signedIn(app);
    // The first one of a process finds out that the store answers at once.
    await browser.get("/account");
    app.asked();
    for (const path of ["/account", "/full", "/me", "/state", "/recent"]) {
      await browser.get(path);
      const asked = app.asked();
      assert.equal(asked.length, 1, `${path}: ${asked.join("\n")}`);
      assert.match(asked[0] ?? "", /castellan_sign_in/);
    }
    await browser.get("/quiet");
    assert.deepEqual(app.asked(), []);
  });

  it("is one statement more in a minute, for the time of the last use (SQLite)", async () => {
    const app = await startPages("sqlite");
    await haveUser(app);
    const browser = await signedIn(app);
    await browser.get("/account");
    app.clock.advance(minutes(1));
    app.asked();
    await browser.get("/account");
    assert.equal(app.asked().length, 2);
    await browser.get("/account");
    assert.equal(app.asked().length, 1);
  });

  it.each(storerKinds)("is no row, however often strangers look at the login page (%s)", async (kind) => {
    const app = await startDoors({ kind });
    await app.gate.ready();
    const before = await app.dump();
    app.asked();
    const visit = inProcess(app.app, { host: "app.example.test", accept: "text/html", "x-forwarded-proto": "https" });
    for (let count = 0; count < 10_000; count += 1) {
      const answer = await visit("GET", "/auth/login");
      if (answer.statusCode !== 200) assert.fail(`answer ${count} was ${answer.statusCode}`);
    }
    assert.deepEqual(app.asked(), []);
    assert.equal(await app.dump(), before);
  });

  it("ends with the sign-in: a browser that was signed out asks for nothing any more", async () => {
    const app = await startPages("sqlite");
    await haveUser(app);
    const browser = await signedIn(app);
    await logOut(browser);
    app.asked();
    await browser.get("/me");
    assert.deepEqual(app.asked(), []);
  });
});
