/** Attacks on sessions: fixing, replaying, reviving and confusing them, and what applications do to `req.session` themselves. */
import assert from "node:assert/strict";
import { adoptedSession, expressSessions } from "@castellan/defaults";
import { TEST_SECRET } from "@castellan/testkit";
import cookieParser from "cookie-parser";
import express, { type Express, type Request, type Response } from "express";
import session from "express-session";
import { describe, it } from "vitest";
import {
  ANN,
  BOB,
  barrier,
  type DoorChanges,
  haveUser,
  logIn,
  logOut,
  OTHER_PASSWORD,
  PASSWORD,
  SESSION_COOKIE,
  sessionIdOf,
  signedIn,
  startDoors,
  whoIs,
} from "./support/doors.ts";
import { doorways, PIN, pin } from "./support/modules.ts";
import { sendRaw } from "./support/raw.ts";

const own = (add: (app: Express) => void) => ({ add });

describe("an application that ends req.session by itself, as express-session's users do to sign out", () => {
  const ways: readonly (readonly [string, (req: Request, res: Response) => void])[] = [
    ["destroys it", (req, res) => req.session.destroy(() => res.send("done"))],
    ["regenerates it", (req, res) => req.session.regenerate(() => res.send("done"))],
  ];
  for (const [what, end] of ways) {
    it(`${what}: whoever holds the old cookie is signed in no more`, async () => {
      const app = await startDoors(own((express) => express.post("/end", end)));
      await haveUser(app);
      const browser = await signedIn(app);
      const thief = browser.fork();
      assert.equal((await browser.json("POST", "/end", {})).text, "done");
      assert.equal(await whoIs(thief), "nobody");
      assert.equal(await whoIs(browser), "nobody");
      assert.equal((await logIn(browser)).status, 200);
      assert.equal(await whoIs(browser), ANN);
    });
  }

  const harmless: readonly (readonly [string, (req: Request) => void])[] = [
    ["sets it to null", (req) => void Reflect.set(req, "session", null)],
    ["deletes it", (req) => void Reflect.deleteProperty(req, "session")],
  ];
  for (const [what, change] of harmless) {
    it(`${what}: the request is answered, and the next one knows who is signed in`, async () => {
      const app = await startDoors(
        own((express) =>
          express.post("/end", (req, res) => {
            change(req);
            res.send("done");
          }),
        ),
      );
      await haveUser(app);
      const browser = await signedIn(app);
      assert.equal((await browser.json("POST", "/end", {})).text, "done");
      assert.equal(await whoIs(browser), ANN);
    });
  }
});

describe("a session id", () => {
  it("that an application's own cookie parser reads in another way than we do is nobody's, and no error", async () => {
    const app = await startDoors({
      first: (express) => express.use(cookieParser()),
      add: (express) => express.get("/count", (req, res) => void res.send(String(typeof req.session))),
    });
    await haveUser(app);
    const owner = await signedIn(app);
    const signed = sessionIdOf(owner) ?? "";
    for (const cookie of [
      `${SESSION_COOKIE}=j:{}`,
      `${SESSION_COOKIE}=j%3A%5B%5D`,
      `${SESSION_COOKIE}=s:x.y`,
      `${SESSION_COOKIE}=%E0%A4%A`,
    ]) {
      const stranger = app.browser({ headers: { Cookie: cookie } });
      assert.equal((await stranger.get("/count")).text, "object", cookie);
      assert.equal(await whoIs(stranger), "nobody", cookie);
      assert.equal((await logIn(stranger)).status, 200, cookie);
    }
    // Twice: express-session alone would take the first one, and load the session of whoever planted it.
    const planted = app.browser({ headers: { Cookie: `${SESSION_COOKIE}=${signed}; ${SESSION_COOKIE}=${signed}` } });
    assert.equal(await whoIs(planted), "nobody");
  });

  it("that came twice opens no session for the application either", async () => {
    const app = await startDoors(
      own((express) =>
        express.get("/note", (req, res) => {
          const note = Reflect.get(req.session, "note") ?? "empty";
          Reflect.set(req.session, "note", "a secret note");
          res.send(note);
        }),
      ),
    );
    const browser = app.browser();
    assert.equal((await browser.get("/note")).text, "empty");
    assert.equal((await browser.get("/note")).text, "a secret note");
    const id = sessionIdOf(browser) ?? "";
    const doubled = app.browser({ headers: { Cookie: [`${SESSION_COOKIE}=${id}`, `${SESSION_COOKIE}=${id}`] } });
    assert.equal((await doubled.get("/note")).text, "empty");
  });

  it("that somebody fixed before the login is nobody's after it (R11)", async () => {
    const app = await startDoors(
      own((express) =>
        express.get("/visit", (req, res) => {
          Reflect.set(req.session, "visited", true);
          res.send("ok");
        }),
      ),
    );
    await haveUser(app);
    const attacker = app.browser();
    await attacker.get("/visit");
    const victim = attacker.fork();
    await logIn(victim);
    assert.equal(await whoIs(victim), ANN);
    assert.notEqual(sessionIdOf(victim), sessionIdOf(attacker));
    assert.equal(await whoIs(attacker), "nobody");
  });
});

describe("a logout", () => {
  it("is final, even when a request that changes the session ends after it (R14)", async () => {
    const held = barrier();
    const app = await startDoors(
      own((express) =>
        express.get("/slow", async (req, res) => {
          Reflect.set(req.session, "cart", ["a book"]);
          await held.wait();
          Reflect.set(req.session, "cart", ["a book", "another one"]);
          res.send("late");
        }),
      ),
    );
    await haveUser(app);
    const browser = await signedIn(app);
    const thief = browser.fork();
    const slow = browser.get("/slow");
    await held.reached;
    await logOut(browser.fork());
    held.open();
    assert.equal((await slow).text, "late");
    assert.equal(await whoIs(thief), "nobody");
    assert.equal((await thief.get("/account", { followRedirects: false })).status, 303);
    assert.ok(!(await app.dump()).includes("another one"));
  });

  it("by a process that knows nothing of the session ends it for all of them (R14)", async () => {
    const one = await startDoors({ kind: "sqlite" });
    const other = await startDoors({ opened: one });
    await haveUser(one);
    const browser = await signedIn(one);
    const there = other.browser({ headers: { Cookie: `${SESSION_COOKIE}=${sessionIdOf(browser)}` } });
    assert.equal(await whoIs(there), ANN);
    assert.equal((await there.json("POST", "/auth/logout", {})).status, 200);
    assert.equal(await whoIs(browser), "nobody");
  });
});

describe("a login that waits for its second factor", () => {
  it("ends the sign-in that was there before, for whoever copied its cookie too", async () => {
    const app = await startDoors({ extra: pin({ has: ({ login }) => login === BOB }) });
    await haveUser(app, ANN);
    await haveUser(app, BOB);
    const browser = await signedIn(app, ANN);
    const copy = browser.fork();
    await logIn(browser, BOB);
    assert.equal(await whoIs(browser), "nobody");
    assert.equal(await whoIs(copy), "nobody");
    assert.equal((await browser.json("POST", "/auth/pin", { pin: PIN })).status, 200);
    assert.equal(await whoIs(browser), BOB);
  });
});

describe("half a sign-in", () => {
  const asked = () => startDoors({ extra: bothModules() });
  const bothModules = () => {
    const [doors, second] = [doorways(), pin()];
    return {
      ...second,
      requires: [...doors.requires, ...second.requires],
      start: (core: Parameters<typeof second.start>[0]) => ({ ...Object(doors.start(core)), ...Object(second.start(core)) }),
    };
  };

  it("does not become a whole one by a password alone where a second factor is asked", async () => {
    const app = await asked();
    await haveUser(app);
    const browser = app.browser();
    await browser.get(`/auth/remembered?login=${ANN}`);
    assert.equal(await whoIs(browser), ANN);
    const answer = await browser.json("POST", "/auth/step-up", { password: "correct horse battery staple" });
    assert.notEqual(answer.status, 200);
    assert.notEqual((await browser.get("/full")).text, `full ${ANN}`);
    // The way to full rights is the login, with both factors.
    await logIn(browser);
    assert.notEqual((await browser.get("/full")).text, `full ${ANN}`);
    await browser.json("POST", "/auth/pin", { pin: PIN });
    assert.equal((await browser.get("/full")).text, `full ${ANN}`);
  });
});

describe("a change of password by a handler that asked nobody who is signed in", () => {
  it("keeps that browser signed in, and nobody else", async () => {
    const app = await startDoors({
      add: (express, gate) =>
        express.post("/change/:pid", async (req, res) => {
          await gate.changePassword(req.params.pid, { from: PASSWORD, to: OTHER_PASSWORD }, req);
          res.send("changed");
        }),
    });
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const [copy, other] = [browser.fork(), await signedIn(app)];
    await browser.json("POST", `/change/${pid}`, {});
    assert.deepEqual([await whoIs(browser), await whoIs(copy), await whoIs(other)], [ANN, "nobody", "nobody"]);
  });
});

describe("two gates on one application", () => {
  it("over the same users do not take each other's sign-ins: the one that asks for less is no way into the other", async () => {
    const people = await startDoors({ kind: "sqlite" });
    const staff = await startDoors({ opened: people, gate: { cookiePrefix: "staff" }, extra: pin() });
    await haveUser(people);
    const browser = await signedIn(people);
    const renamed = staff.browser({ headers: { Cookie: `__Host-staff-sid=${sessionIdOf(browser)}` } });
    assert.equal(await whoIs(renamed), "nobody");
    assert.equal(await whoIs(browser), ANN);
  });

  it("do not take each other's cookies, even with the same keys and secrets", async () => {
    const staff = await startDoors({ gate: { cookiePrefix: "staff" } });
    const people = await startDoors();
    await haveUser(people);
    const browser = await signedIn(people);
    const lines = ["sid", "csrf", "flash"].map((name) => [name, browser.jar.get(`__Host-castellan-${name}`)?.value] as const);
    const carried = lines.filter(([, value]) => value !== undefined).map(([name, value]) => `__Host-staff-${name}=${value}`);
    assert.equal(await whoIs(staff.browser({ headers: { Cookie: carried.join("; ") } })), "nobody");
    const visitor = people.browser();
    await visitor.get("/account");
    const flash = visitor.jar.get("__Host-castellan-flash")?.value;
    const there = staff.browser({ headers: { Cookie: `__Host-staff-flash=${flash}` } });
    const { page } = await there.get("/auth/login");
    assert.ok(!page.text.includes("Please sign in to see this page"));
  });
});

describe("an application that mounts express-session itself", () => {
  const adopted = (add: DoorChanges["add"] & {} = () => {}) =>
    startDoors({
      sessions: adoptedSession(),
      first: (app) => {
        app.set("trust proxy", 1);
        app.use(session({ secret: TEST_SECRET, resave: false, saveUninitialized: false, cookie: { secure: true } }));
        app.use(express.json(), express.urlencoded());
      },
      add,
    });

  it("is told apart from strangers' pages before every unsafe request that brings its cookie", async () => {
    const app = await adopted((express) => express.delete("/thing", (_req, res) => void res.send("deleted")));
    await haveUser(app);
    const browser = await signedIn(app);
    assert.equal(await whoIs(browser), ANN);
    const foreign = { from: "https://evil.example", sameSite: false } as const;
    assert.equal((await browser.post("/account", {}, foreign)).status, 403);
    assert.equal((await browser.request("DELETE", "/thing", { ...foreign, mode: "fetch" })).status, 403);
    assert.equal((await browser.post("/account", {})).text, `changed by ${ANN}`);
  });

  it("has its cookie count as ours where neither header tells where a request comes from", async () => {
    const app = await adopted((express, gate) => express.post("/guarded", gate.csrf(), (_req, res) => void res.send("done")));
    await haveUser(app);
    const browser = await signedIn(app);
    const silent = { fetchMetadata: false, originHeader: false } as const;
    assert.equal((await browser.json("POST", "/auth/logout", {}, silent)).status, 403);
    assert.equal((await browser.json("POST", "/guarded", {}, silent)).status, 403);
    assert.equal(await whoIs(browser), ANN);
  });
});

describe("the session store", () => {
  it("that answers later is still asked beforehand after somebody's odd request, so that req.session can be looked at", async () => {
    const app = await startDoors(own((web) => web.get("/note", (req, res) => void res.send(typeof req.session))));
    await haveUser(app);
    const [browser, attacker] = [await signedIn(app), await signedIn(app)];
    for (const target of ["*", "http://app.example.test/note", "http://other/x"]) {
      const cookie = `${SESSION_COOKIE}=${sessionIdOf(attacker)}`;
      await sendRaw(app.url, `OPTIONS ${target} HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\nConnection: close\r\n\r\n`);
      const answer = await browser.get("/note");
      assert.deepEqual([answer.status, answer.text], [200, "object"], target);
    }
  });

  it("failing at the end of an answer is told to the log", async () => {
    const store = new session.MemoryStore();
    const app = await startDoors({
      sessions: expressSessions({ secret: TEST_SECRET, store }),
      add: (express) =>
        express.get("/put", (req, res) => {
          Reflect.set(req.session, "cart", "full");
          store.set = (_id, _data, done) => done?.(new Error("the store is away"));
          res.send("put");
        }),
    });
    const answer = await app.browser().get("/put");
    assert.equal(answer.status, 200);
    assert.equal(app.log.filter(({ message }) => message.includes("session")).length, 1);
  });
});
