/** The session store is away, broken or disconnected: F12, F13. */
import assert from "node:assert/strict";
import { minutes } from "@castellan/core";
import { type Answer, TEST_SECRET } from "@castellan/testkit";
import { adoptedSession, expressSessions } from "castellan";
import session from "express-session";
import { describe, it } from "vitest";
import {
  ANN,
  type DoorApp,
  haveUser,
  logIn,
  logOut,
  OTHER_PASSWORD,
  PASSWORD,
  sessionIdOf,
  signedIn,
  startDoors,
  verdictOf,
  whoIs,
} from "./support/doors.ts";
import { doorways, PIN, pin } from "./support/modules.ts";
import { NaiveStore, type StoreOperation } from "./support/session-stores.ts";

async function startWith(store: NaiveStore, extra = doorways()): Promise<DoorApp> {
  return startDoors({
    sessions: expressSessions({ secret: TEST_SECRET, store }),
    extra,
    add: (app) => {
      app.get("/fill", (req, res) => {
        Reflect.set(req.session, "cart", "book");
        res.send("filled");
      });
      app.get("/cart", (req, res) => void res.send(String(Reflect.get(req.session, "cart"))));
    },
  });
}

function assertPlain(answer: Answer): void {
  assert.equal(verdictOf(answer), "503 unavailable");
  assert.doesNotMatch(answer.text, /broken|disconnected|Error:|\.[jt]s:/);
}

const OPERATIONS: readonly StoreOperation[] = ["get", "set", "touch", "destroy"];

describe.each(OPERATIONS)("while the session store fails to %s (F13)", (operation) => {
  it("a login succeeds whole or not at all, and no success is told before the session is written", async () => {
    const store = new NaiveStore();
    const app = await startWith(store);
    const pid = await haveUser(app);
    const browser = app.browser();
    store.broken.add(operation);
    const answer = await logIn(browser);
    store.broken.clear();
    if (answer.status === 200) return assert.equal(await whoIs(browser), ANN);
    assertPlain(answer);
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
    assert.equal(verdictOf(await logIn(browser)), "200 signed_in");
  });

  it("a login by form shows the failure as a page, and leads nowhere", async () => {
    const store = new NaiveStore();
    const app = await startWith(store);
    await haveUser(app);
    const browser = app.browser();
    const { page } = await browser.get("/auth/login");
    store.broken.add(operation);
    const answer = await page.form().submit({ email: ANN, password: PASSWORD }, { followRedirects: false });
    store.broken.clear();
    if (answer.status !== 503) return assert.equal(await whoIs(browser), ANN);
    assert.match(String(answer.headers["content-type"]), /html/);
    assert.equal(answer.location, null);
    assert.equal(await whoIs(browser), "nobody");
  });

  it("a logout ends the sign-in, and is no success if the session could not be ended", async () => {
    const store = new NaiveStore();
    const app = await startWith(store);
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    store.broken.add(operation);
    const answer = await logOut(browser);
    store.broken.clear();
    if (answer.status !== 200) assertPlain(answer);
    else assert.equal(await whoIs(old), "nobody");
    if (operation === "destroy") assert.deepEqual(await app.gate.signIns(pid), []);
    await logOut(old);
    assert.equal(await whoIs(old), "nobody");
  });

  it("nobody is let in who was not, and who is signed in is let in or told plainly", async () => {
    const store = new NaiveStore();
    const app = await startWith(store);
    await haveUser(app);
    const browser = await signedIn(app);
    app.clock.advance(minutes(2));
    store.broken.add(operation);
    assert.equal(verdictOf(await app.browser().json("GET", "/account")), "401 login_required");
    const answer = await browser.json("GET", "/account");
    if (answer.status !== 200) assertPlain(answer);
    store.broken.clear();
    assert.equal(await whoIs(browser), ANN);
  });

  it("a change of password leaves this browser signed in, or nobody, and every other one out", async () => {
    const store = new NaiveStore();
    const app = await startWith(store);
    const pid = await haveUser(app);
    const [browser, elsewhere] = [await signedIn(app), await signedIn(app)];
    store.broken.add(operation);
    const answer = await browser.json("POST", "/auth/password", { from: PASSWORD, to: OTHER_PASSWORD });
    store.broken.clear();
    assert.ok([200, 503].includes(answer.status));
    const changed = await app.gate.verifyPassword(pid, OTHER_PASSWORD);
    assert.equal(await whoIs(elsewhere), changed ? "nobody" : ANN);
    if (answer.status === 200) assert.equal(await whoIs(browser), ANN);
  });

  it("a second factor is spent for a sign-in, or for nothing", async () => {
    const store = new NaiveStore();
    const app = await startWith(store, pin());
    const pid = await haveUser(app);
    const browser = app.browser();
    await logIn(browser);
    store.broken.add(operation);
    const answer = await browser.json("POST", "/auth/pin", { pin: PIN });
    store.broken.clear();
    if (answer.status === 200) return assert.equal(await whoIs(browser), ANN);
    assertPlain(answer);
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
  });

  it("a stranger's page is not touched by it", async () => {
    const store = new NaiveStore();
    const app = await startWith(store);
    store.broken.add(operation);
    assert.equal((await app.browser().get("/")).text, "start");
    assert.equal((await app.browser().get("/auth/login")).status, 200);
    assert.deepEqual(store.calls, []);
  });
});

describe("a session store that has lost its connection (F12)", () => {
  const disconnected = async () => {
    const store = new NaiveStore();
    const app = await startWith(store);
    await haveUser(app);
    const browser = await signedIn(app);
    store.emit("disconnect");
    return { store, app, browser };
  };

  it("signs nobody in, nobody out with success, and lets nobody pass by the lack of a session", async () => {
    const { store, app, browser } = await disconnected();
    const stranger = app.browser();
    assertPlain(await logIn(stranger));
    assertPlain(await logOut(browser));
    assertPlain(await browser.json("GET", "/account"));
    assert.equal(verdictOf(await app.browser().json("GET", "/account")), "401 login_required");
    store.emit("connect");
    assert.equal(await whoIs(stranger), "nobody");
    assert.equal(verdictOf(await logIn(stranger)), "200 signed_in");
    assert.equal(verdictOf(await logOut(stranger)), "200 signed_out");
  });

  it("writes nothing for the application either, and says so in the log", async () => {
    const { store, app } = await disconnected();
    await app.browser().get("/fill");
    assert.match(JSON.stringify(app.log), /a session could not be written/);
    assert.equal(
      [...store.rows.values()].some((row) => row.includes("book")),
      false,
    );
  });

  it("lets nobody in by an adopted express-session either", async () => {
    const store = new NaiveStore();
    const own = session({ secret: TEST_SECRET, store, resave: false, saveUninitialized: false });
    const app = await startDoors({ sessions: adoptedSession(), first: (express) => express.use(own) });
    await haveUser(app);
    const browser = await signedIn(app);
    assert.equal(await whoIs(browser), ANN);
    store.emit("disconnect");
    for (const visitor of [browser, app.browser()]) {
      for (const answer of [await logIn(visitor), await logOut(visitor), await visitor.json("GET", "/account")]) {
        assert.equal(answer.status, 503);
        assertPlain(answer);
      }
      assert.equal((await visitor.get("/account")).status, 503);
    }
    store.emit("connect");
    assert.equal(await whoIs(browser), ANN);
  });
});

describe("a session that the store has lost", () => {
  it("does not sign anybody out: who is signed in is in the storer (F14)", async () => {
    const store = new NaiveStore();
    const app = await startWith(store);
    await haveUser(app);
    const browser = await signedIn(app);
    await browser.get("/fill");
    store.rows.clear();
    assert.equal(await whoIs(browser), ANN);
    assert.equal((await browser.get("/cart")).text, "undefined");
    const id = sessionIdOf(browser);
    await browser.get("/fill");
    assert.equal(sessionIdOf(browser), id);
    assert.equal((await browser.get("/cart")).text, "book");
    assert.equal(await whoIs(browser), ANN);
    assert.equal(verdictOf(await logOut(browser)), "200 signed_out");
  });

  it("does not come back as the session of somebody who was signed out", async () => {
    const store = new NaiveStore();
    const app = await startWith(store);
    await haveUser(app);
    const browser = await signedIn(app);
    const before = new Map(store.rows);
    const old = browser.fork();
    await logOut(browser);
    // A replica that lags behind, or a write that was under way.
    for (const [key, row] of before) store.rows.set(key, row);
    assert.equal(await whoIs(old), "nobody");
    assert.equal((await old.get("/cart")).text, "undefined");
  });
});
