/** A slow request that is under way when its sign-in ends does not bring it back: C21, R14. @module */
import assert from "node:assert/strict";
import { type BrowserClient, TEST_SECRET } from "@castellan/testkit";
import { adoptedSession, expressSessions } from "castellan";
import type { Express } from "express";
import session from "express-session";
import { describe, it } from "vitest";
import {
  ANN,
  type Barrier,
  barrier,
  type DoorApp,
  type DoorChanges,
  giveWay,
  haveUser,
  logIn,
  logOut,
  OTHER_PASSWORD,
  PASSWORD,
  signedIn,
  startDoors,
  whoIs,
} from "./support/doors.ts";
import { doorways } from "./support/modules.ts";
import { NaiveStore, sessionStores } from "./support/session-stores.ts";
import { storerKinds } from "./support/storers.ts";

const WAYS = ["reads", "touches", "changes", "changes and saves"] as const;
type Way = (typeof WAYS)[number];

/** A page that looks at its session, waits, and then does what `way` says. */
const slowPage =
  (slow: Barrier) =>
  (express: Express): void => {
    express.get("/slow/:way", async (req, res) => {
      const way = req.params.way as Way; // the tests ask for nothing else
      const before = Reflect.get(req.session, "cart");
      await slow.wait();
      if (way === "touches") req.session.touch();
      if (way.startsWith("changes")) Reflect.set(req.session, "cart", "late");
      if (way === "changes and saves") await new Promise<void>((resolve) => req.session.save(() => resolve()));
      res.send(String(before));
    });
    express.get("/cart", (req, res) => void res.send(String(Reflect.get(req.session, "cart"))));
    express.get("/fill", (req, res) => {
      Reflect.set(req.session, "cart", "book");
      res.send("ok");
    });
  };

/** Somebody with a full cart whose slow request is under way. */
async function underWay(app: DoorApp, way: Way, slow: Barrier) {
  // Some stores go by the wall clock: what is kept now must not be over by theirs.
  app.clock.set(new Date("2090-01-01"));
  const pid = await haveUser(app);
  const browser = await signedIn(app);
  await browser.get("/fill");
  const old = browser.fork();
  const request = browser.fork().get(`/slow/${encodeURIComponent(way)}`);
  await slow.reached;
  return { pid, browser, old, request };
}

async function assertOver(app: DoorApp, old: BrowserClient): Promise<void> {
  assert.equal(await whoIs(old), "nobody");
  assert.equal(new URL((await old.get("/account")).url).pathname, "/auth/login");
  assert.equal((await old.json("GET", "/full")).status, 401);
  assert.equal(app.log.filter(({ level }) => level === "error").length, 0);
}

const withStore = async (name: string): Promise<DoorChanges> => {
  const store = await sessionStores[name]?.();
  return { sessions: expressSessions({ secret: TEST_SECRET, ...(store && { store }) }) };
};

describe.each(storerKinds)("a slow request at logout (%s)", (kind) => {
  describe.each(Object.keys(sessionStores))("with %s", (name) => {
    it.each(WAYS)("that %s its session brings neither the sign-in nor the session's data back (C21, R14)", async (way) => {
      const slow = barrier();
      const app = await startDoors({ kind, ...(await withStore(name)), add: slowPage(slow) });
      const { browser, old, request } = await underWay(app, way, slow);
      assert.equal((await logOut(browser)).status, 200);
      slow.open();
      assert.deepEqual([(await request).status, (await request).text], [200, "book"]);
      await assertOver(app, old);
      assert.equal((await old.fork().get("/cart")).text, "undefined");
    });
  });

  const endings: Readonly<Record<string, (app: DoorApp, pid: string, browser: BrowserClient) => Promise<unknown>>> = {
    "all sign-ins are ended": (app, pid) => app.gate.endSignIns(pid, "all"),
    "this one sign-in is ended": async (app, pid) => app.gate.endSignIns(pid, { id: (await app.gate.signIns(pid))[0]?.id ?? "" }),
    "the person changes the password elsewhere": async (app) => {
      const elsewhere = await signedIn(app);
      assert.equal((await elsewhere.json("POST", "/auth/password", { from: PASSWORD, to: OTHER_PASSWORD })).status, 200);
    },
    "the person changes the password in this browser": async (_app, _pid, browser) => {
      assert.equal((await browser.json("POST", "/auth/password", { from: PASSWORD, to: OTHER_PASSWORD })).status, 200);
    },
    "an administrator sets the password": (app, pid) => app.gate.updatePassword(pid, OTHER_PASSWORD),
    "the user is disabled": (app, pid) => app.gate.disable(pid),
    "the user is deleted": (app, pid) => app.removeUser(pid),
    "the browser signs in anew": (_app, _pid, browser) => logIn(browser),
  };

  it.each(Object.keys(endings))("brings nothing back when %s meanwhile", async (ending) => {
    const slow = barrier();
    const app = await startDoors({ kind, extra: doorways(), add: slowPage(slow) });
    const { pid, browser, old, request } = await underWay(app, "changes and saves", slow);
    await endings[ending]?.(app, pid, browser);
    slow.open();
    await request;
    await assertOver(app, old);
  });
});

describe("a slow request in another process", () => {
  it.each(WAYS)("that %s its session does not bring the sign-in back, though the store takes the session back", async (way) => {
    const slow = barrier();
    const store = new NaiveStore();
    const sessions = () => expressSessions({ secret: TEST_SECRET, store });
    const here = await startDoors({ sessions: sessions(), add: slowPage(slow) });
    const there = await startDoors({ opened: here, sessions: sessions(), add: slowPage(slow) });
    const { browser, old, request } = await underWay(here, way, slow);
    const same = there.browser();
    for (const cookie of browser.jar.cookies) same.jar.put(cookie);
    assert.equal(await whoIs(same), ANN);
    assert.equal((await logOut(same)).status, 200);
    slow.open();
    await request;
    await assertOver(here, old);
  });
});

describe("a slow request of an application that mounts express-session itself", () => {
  it.each(WAYS)("that %s its session at logout does not bring the sign-in back (C21)", async (way) => {
    const slow = barrier();
    const own = session({ secret: TEST_SECRET, store: new NaiveStore(), resave: true, saveUninitialized: false, rolling: true });
    const app = await startDoors({ sessions: adoptedSession(), first: (express) => express.use(own), add: slowPage(slow) });
    const { browser, old, request } = await underWay(app, way, slow);
    assert.equal((await logOut(browser)).status, 200);
    slow.open();
    assert.equal((await request).status, 200);
    await assertOver(app, old);
  });
});

describe("a change of password that is under way at logout", () => {
  it("changes the password, and does not sign the browser in again", async () => {
    const app = await startDoors({ extra: doorways() });
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const [old, slow] = [browser.fork(), barrier()];
    app.hasher.pause(slow.wait());
    const change = browser.json("POST", "/auth/password", { from: PASSWORD, to: OTHER_PASSWORD });
    // Until the old password is being checked, when who is signed in has long been read.
    while (app.hasher.calls.verify < 2) await giveWay();
    await logOut(old.fork());
    slow.open();
    await change;
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
    assert.equal((await logIn(app.browser(), ANN, OTHER_PASSWORD)).status, 200);
  });
});
