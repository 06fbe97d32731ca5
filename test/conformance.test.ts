/** Behaviours that the table of conformance claims for core and its defaults: see docs/conformance.md. @module */
import assert from "node:assert/strict";
import { attempt, disable, enable, login, logout, refuse, register as registering, type Subscription, stepUp } from "@castellan/core";
import { memoryStorer, TEST_SECRET } from "@castellan/testkit";
import { castellan, expressSessions, outboxMailer } from "castellan";
import express, { type NextFunction, type Request, type Response } from "express";
import { describe, it } from "vitest";
import { ANN, BOB, haveUser, logIn, logOut, OTHER_PASSWORD, PASSWORD, signedIn, startDoors, verdictOf, whoIs } from "./support/doors.ts";
import { doorways, PIN, pin } from "./support/modules.ts";
import { parts } from "./support/parts.ts";

const settings = { rootUrl: "https://app.example.com", keys: ["a-key-of-the-tests-9876543210-zyxwvutsrqponm"], sweepEvery: null };

describe("a gate", () => {
  it("T01.01: without modules is ready, and every page is there for strangers", async () => {
    const gate = castellan({ ...settings, storer: memoryStorer(), sessions: expressSessions({ secret: TEST_SECRET }), modules: {} });
    await gate.ready();
    assert.deepEqual([gate.describe().modules, gate.describe().routes], [[], []]);
    await gate.close();
  });

  it("T05.07 T05.08 T05.09: tells which modules it has: to the application, to pages and to JSON clients", async () => {
    const app = await startDoors();
    const modules = ["auth", "logout", "register", "extra"];
    assert.deepEqual(app.gate.describe().modules, modules);
    const json = await app.browser().json("GET", "/auth/login");
    assert.deepEqual(Reflect.get(Object(json.json()), "modules"), Object.fromEntries(modules.map((name) => [name, true])));
    assert.equal((await app.browser().get("/auth/login")).page.link("Create an account").href, "/auth/register");
  });

  it("T06.01: fills every seam that is left out: hasher, policy, pages, identifier, mailer, logger, clock, chance", async () => {
    const storer = memoryStorer();
    const gate = castellan({ ...settings, storer, sessions: expressSessions({ secret: TEST_SECRET }), modules: {} });
    await storer.createUser({ pid: "p", login: ANN, email: ANN, passwordHash: null, profile: {}, createdAt: new Date(0) });
    assert.ok("ok" in ((await gate.updatePassword("p", PASSWORD)) ?? {}));
    assert.match(String(storer.dump().users[0]?.passwordHash), /^\$2b\$12\$/);
    assert.equal(await gate.verifyPassword("p", PASSWORD), true);
    await gate.close();
  });
});

describe("gate.updatePassword", () => {
  it("T01.02: replaces the stored hash, so that the new password counts and the old one does not", async () => {
    const app = await startDoors();
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    assert.ok("ok" in ((await app.gate.updatePassword(pid, OTHER_PASSWORD)) ?? {}));
    assert.equal(verdictOf(await logIn(app.browser())), "401 invalid_credentials");
    assert.equal(verdictOf(await logIn(app.browser(), ANN, OTHER_PASSWORD)), "200 signed_in");
    assert.equal(await whoIs(browser), "nobody", "and every sign-in of before is over");
  });
});

describe("gate.require()", () => {
  const startGuarded = () =>
    startDoors({
      extra: doorways(),
      add: (app, gate) => {
        for (const respond of ["redirect", "unauthorized", "notFound"] as const) {
          app.get(`/${respond}`, gate.require({ respond }), (req, res) => void res.send(gate.user(req).login));
          app.get(`/${respond}/full`, gate.require({ respond, level: "full" }), (req, res) => void res.send(gate.user(req).login));
          app.get(`/${respond}/two`, gate.require({ respond, twoFactored: true }), (req, res) => void res.send(gate.user(req).login));
        }
        app.use(
          "/team",
          gate.require(),
          express.Router().get("/plans", (_req, res) => void res.send("plans")),
        );
      },
    });

  it("T01.03: lets in whoever is signed in, and gate.user(req) is that user", async () => {
    const app = await startGuarded();
    await haveUser(app);
    assert.equal((await (await signedIn(app)).get("/account")).text, `account of ${ANN}`);
  });

  it("T01.04 T01.10: lets half a sign-in in where nothing more is asked, and not where a full one is", async () => {
    const app = await startGuarded();
    await haveUser(app);
    const browser = app.browser();
    await browser.get(`/auth/remembered?login=${ANN}`);
    assert.equal((await browser.get("/account")).text, `account of ${ANN}`);
    assert.equal((await browser.get("/notFound/full")).status, 404);
    assert.equal((await browser.get("/unauthorized/full")).status, 403);
  });

  it("T01.05 T01.11: asks for a second factor where one is wanted: 404 without, the page with it", async () => {
    const app = await startDoors({
      extra: pin({ has: ({ login: whose }) => whose === BOB }),
      add: (express, gate) =>
        void express.get(
          "/two",
          gate.require({ twoFactored: true, respond: "notFound" }),
          (req, res) => void res.send(gate.user(req).login),
        ),
    });
    await haveUser(app);
    await haveUser(app, BOB);
    assert.equal((await (await signedIn(app)).get("/two")).status, 404);
    const browser = app.browser();
    await logIn(browser, BOB);
    assert.equal((await browser.get("/two")).status, 404, "a login that waits is none");
    await browser.json("POST", "/auth/pin", { pin: PIN });
    assert.equal((await browser.get("/two")).text, BOB);
  });

  it("T01.06 T01.07: answers strangers with 404 or 401 where it is told to, as a page and as JSON", async () => {
    const app = await startGuarded();
    for (const [path, status] of [
      ["/notFound", 404],
      ["/unauthorized", 401],
    ] as const) {
      const page = await app.browser().get(path);
      assert.deepEqual([page.status, page.redirects.length], [status, 0]);
      assert.equal((await app.browser().json("GET", path)).status, status);
    }
  });

  it("T01.08: sends strangers to the login page with the way back in redir, and tells a JSON client 401", async () => {
    const app = await startGuarded();
    const reply = await app.browser().get("/account?tab=1&q=ä", { followRedirects: false });
    assert.equal(reply.status, 303);
    assert.equal(reply.location, `/auth/login?${new URLSearchParams({ redir: "/account?tab=1&q=%C3%A4" })}`);
    assert.equal(verdictOf(await app.browser().json("GET", "/account")), "401 login_required");
  });

  it("T01.09: names the whole path in redir also where it stands below a mounted path", async () => {
    const app = await startGuarded();
    const reply = await app.browser().get("/team/plans", { followRedirects: false });
    assert.equal(reply.location, "/auth/login?redir=%2Fteam%2Fplans");
  });
});

describe("what a request keeps", () => {
  it("T02.01 T02.05: session and cookies can be read by the next request, and what is put is seen at once, the last value last", async () => {
    const app = await startDoors({ extra: parts() });
    const browser = app.browser();
    assert.equal((await browser.json("POST", "/auth/parts/state", {})).status, 200);
    assert.equal(Reflect.get(Object((await browser.json("GET", "/auth/parts/state")).json()), "location"), "/state/blue/round");
    const cookie = browser.jar.get("__Host-castellan-shape")?.value ?? "";
    assert.ok(cookie !== "" && !cookie.includes("round"), "sealed");
  });

  it("T02.03 T02.04: what the application puts into the session is stored, whether it sets a status or only sends", async () => {
    const app = await startDoors({
      add: (express, gate) => {
        express.get("/status", async (req, res) => {
          (await gate.session(req)).put("one", 1);
          res.status(204).end();
        });
        express.get("/body", async (req, res) => {
          (await gate.session(req)).put("two", 2);
          res.write("some");
          res.end(" text");
        });
        express.get("/both", async (req, res) => {
          const session = await gate.session(req);
          res.json([session.get("one"), session.get("two")]);
        });
      },
    });
    const browser = app.browser();
    await browser.get("/status");
    await browser.get("/body");
    assert.deepEqual((await browser.get("/both")).json(), [1, 2]);
  });

  it("T02.02: a cookie that comes after the answer is an error that says so, and nothing worse", async () => {
    const errors: unknown[] = [];
    const app = await startDoors({
      add: (express, gate) => {
        express.get("/late", (req, res) => {
          res.send("sent");
          try {
            gate.csrfToken(req);
          } catch (error) {
            errors.push(error);
          }
        });
      },
    });
    assert.equal((await app.browser().get("/late")).text, "sent");
    assert.match(String(errors), /the answer has been sent/);
  });

  it("T02.06: a message for the next page is read once, and is not there before", async () => {
    const app = await startDoors({ add: (express, gate) => void express.get("/flash", (req, res) => void res.json(gate.flash(req))) });
    await haveUser(app);
    const browser = app.browser();
    assert.equal((await browser.get("/flash")).json(), null);
    const { page } = await browser.get("/auth/login");
    await page.form("/auth/login").submit({ email: ANN, password: PASSWORD });
    assert.deepEqual((await browser.get("/flash")).json(), { kind: "success", reason: "signed_in", text: "You are signed in." });
    assert.equal((await browser.get("/flash")).json(), null);
  });
});

describe("the current user", () => {
  it("T03.01 T03.04: is the one that the session's sign-in names, loaded from the storer", async () => {
    const app = await startDoors({
      add: (express, gate) =>
        void express.get("/who", async (req, res) => void res.json([await gate.currentUser(req), (await gate.currentSignIn(req))?.pid])),
    });
    const pid = await haveUser(app);
    const [user, pidOfSignIn] = Object((await (await signedIn(app)).get("/who")).json());
    assert.deepEqual([Reflect.get(user, "pid"), Reflect.get(user, "login"), pidOfSignIn], [pid, ANN, pid]);
    assert.deepEqual((await app.browser().get("/who")).json(), [null, null]);
  });

  it("T03.02 T03.05 T03.07 T03.08 T03.10 T03.11: is asked for once in a request; whoever asks again gets the same object", async () => {
    const app = await startDoors({
      add: (express, gate) =>
        void express.get("/twice", gate.require(), async (req, res) => {
          const [one, two] = [await gate.currentUser(req), await gate.currentUser(req)];
          res.json([one === two, gate.user(req) === one]);
        }),
    });
    await haveUser(app);
    const browser = await signedIn(app);
    app.asked();
    assert.deepEqual((await browser.get("/twice")).json(), [true, true]);
    assert.equal(app.asked().filter((operation) => operation === "findSignIn").length, 1);
  });

  it("T03.03 T03.06 T03.09 T03.12: gate.user(req) throws where require() let nobody in, and says what to do", async () => {
    const errors: unknown[] = [];
    const app = await startDoors({
      add: (express, gate) => {
        express.get("/open", (req, res) => void res.send(gate.user(req).login));
        express.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
          errors.push(error);
          res.status(500).send("our own error page");
        });
      },
    });
    assert.equal((await app.browser().get("/open")).status, 500);
    assert.match(String(errors), /gate\.user\(req\) needs gate\.require\(\)/);
  });
});

describe("a channel", () => {
  const watch = <Event>(heard: string[], name: string, { before, after }: Subscription<Event>) => {
    before("guard", () => void heard.push(`before ${name}`));
    after("notify", () => void heard.push(`after ${name}`));
  };

  it("T04.01: runs what is subscribed before and after, each on its side and for its own event only", async () => {
    const app = await startDoors();
    const pid = await haveUser(app);
    const heard: string[] = [];
    watch(heard, "attempt", app.gate.on(attempt));
    watch(heard, "login", app.gate.on(login));
    watch(heard, "logout", app.gate.on(logout));
    const browser = app.browser();
    await logIn(browser, ANN, "wrong");
    assert.deepEqual(heard.splice(0), ["before attempt"]);
    await logIn(browser);
    assert.deepEqual(heard.splice(0), ["before attempt", "after attempt", "before login", "after login"]);
    await logOut(browser);
    assert.deepEqual(heard.splice(0), ["before logout", "after logout"]);
    app.gate.on(disable).after("notify", (event) => void heard.push(`disabled ${event.pid}`));
    await app.gate.disable(pid);
    assert.deepEqual(heard, [`disabled ${pid}`]);
  });

  it("T04.02: ends with the first reply: that one is sent, later handlers and the action do not run", async () => {
    const app = await startDoors();
    await haveUser(app);
    const heard: string[] = [];
    const refusal = (reason: string) => refuse(403, reason);
    app.gate
      .on(login)
      .before("guard", () => void heard.push("first"))
      .before("guard", () => refusal("busy"))
      .before("guard", () => {
        heard.push("third");
        return refusal("not_found");
      })
      .after("notify", () => void heard.push("after"));
    const browser = app.browser();
    assert.equal(verdictOf(await logIn(browser)), "403 busy");
    assert.deepEqual([heard, await whoIs(browser)], [["first"], "nobody"]);
  });

  it("T04.03: ends with the first error: later handlers and the action do not run, and the answer is no success", async () => {
    const app = await startDoors();
    await haveUser(app);
    const heard: string[] = [];
    app.gate
      .on(login)
      .before("guard", () => Promise.reject(new Error("the list of guests is away")))
      .before("guard", () => void heard.push("second"));
    const browser = app.browser();
    const reply = await logIn(browser);
    assert.equal(verdictOf(reply), "503 unavailable");
    assert.doesNotMatch(reply.text, /guests/);
    assert.deepEqual([heard, await whoIs(browser)], [[], "nobody"]);
    assert.ok(app.log.some(({ level, fields }) => level === "error" && JSON.stringify(fields).includes("the list of guests is away")));
  });

  it("T04.04: has a verb for a name, and describe() lists who is subscribed where", async () => {
    const app = await startDoors();
    const channels = [attempt, login, logout, registering, stepUp, disable, enable];
    assert.deepEqual(
      channels.map(({ name }) => name),
      ["attempt", "login", "logout", "register", "stepUp", "disable", "enable"],
    );
    app.gate.on(login).before("guard", () => null);
    assert.deepEqual(app.gate.describe().channels, [
      { channel: "changePassword", plan: ["notify 300 auth"] },
      { channel: "login", plan: ["guard 300 application"] },
    ]);
  });
});

describe("gate.email", () => {
  it("T05.10: hands text and HTML to the mailer, from the sender and with the subject prefix of the options", async () => {
    const clock = { now: () => new Date(0) };
    const mailer = outboxMailer({ clock });
    const mail = { from: { name: "The gate", address: "gate@example.com" }, subjectPrefix: "[app] " };
    const gate = castellan({
      ...settings,
      storer: memoryStorer(),
      sessions: expressSessions({ secret: TEST_SECRET }),
      modules: {},
      mailer,
      mail,
    });
    await gate.email({ to: { name: "Ann", address: ANN }, subject: "Hello", text: "Hello, Ann", html: "<p>Hello, Ann</p>" });
    await gate.deliverMails();
    const [sent] = mailer.list();
    assert.match(String(sent?.message.messageId), /^<[\w-]{22}@example\.com>$/);
    assert.deepEqual(sent?.message, {
      messageId: sent?.message.messageId,
      from: mail.from,
      to: { name: "Ann", address: ANN },
      subject: "[app] Hello",
      text: "Hello, Ann",
      html: "<p>Hello, Ann</p>",
    });
    await gate.close();
  });
});
