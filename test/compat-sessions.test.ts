import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { minutes, seconds } from "@castellan/core";
import { logout } from "@castellan/logout";
import { register } from "@castellan/register";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { type BrowserClient, type Harness, type HarnessOptions, harness, memoryStorer, TEST_SECRET } from "@castellan/testkit";
import { castellan, expressSessions } from "castellan";
import express, { type Express } from "express";
import session from "express-session";
import { describe, it, onTestFinished } from "vitest";
import { PASSWORD } from "./support/app.ts";
import { CountingStore } from "./support/counting-store.ts";
import { type AnyGate, addPages, type GateChanges, type MountedGate, startMounted, wholeFlow } from "./support/mounted.ts";

/** An application that keeps things in `req.session`. */
function appAround(gate: AnyGate): Express {
  const app = express();
  app.use(gate.clientState());
  app.use("/auth", gate.router);
  addPages(app, gate);
  app.get("/count", (req, res) => {
    req.session.count = (req.session.count ?? 0) + 1;
    res.send(String(req.session.count));
  });
  app.get("/look", (req, res) => void res.send(String(req.session.count ?? "nothing")));
  app.get("/cart", (req, res) => {
    req.session.cart = "a lamp";
    res.send("in the cart");
  });
  app.get("/shelf", (req, res) => void res.send(req.session.cart ?? "nothing"));
  app.get("/seen", async (req, res) => {
    const session = await gate.session(req);
    session.put("seen", Number(session.get("seen") ?? 0) + 1);
    await session.save();
    res.send(String(session.get("seen")));
  });
  return app;
}

type Started = Pick<Harness<MountedGate>, "browser">;

const start = (gate: GateChanges = {}): Promise<Harness<MountedGate>> => startMounted({ gate, app: appAround });
const withStore = (store: CountingStore, eager = true): GateChanges => ({
  sessions: expressSessions({ secret: TEST_SECRET, store, eager }),
});

const sqliteGate = (options: HarnessOptions, storer: Awaited<ReturnType<typeof sqlite>>) =>
  castellan({
    ...options,
    storer,
    keep: ["cart"],
    sessions: expressSessions({ secret: TEST_SECRET }),
    modules: { auth: auth(), logout: logout(), register: register() },
  });

async function startWithSqlite(): Promise<Started> {
  const storer = await sqlite(":memory:");
  const started = await harness<ReturnType<typeof sqliteGate>>({ gate: (options) => sqliteGate(options, storer), app: appAround });
  onTestFinished(() => started.close());
  return started;
}

const credentials = { email: "ann@example.com", password: PASSWORD };
const signUp = (browser: BrowserClient) => browser.json("POST", "/auth/register", credentials);
const signIn = (browser: BrowserClient) => browser.json("POST", "/auth/login", credentials);
const signOut = (browser: BrowserClient) => browser.json("POST", "/auth/logout", {});
const textOf = async (browser: BrowserClient, path: string): Promise<string> => (await browser.get(path)).text;

const places: Readonly<Record<string, () => Promise<Started>>> = {
  "in SQLite": startWithSqlite,
  "in the rows of a storer that answers later": () => start({ keep: ["cart"] }),
  "in a store that answers at once": () => start({ keep: ["cart"], ...withStore(new CountingStore("at once")) }),
  "in a store that answers later": () => start({ keep: ["cart"], ...withStore(new CountingStore("later")) }),
};

describe.each(Object.keys(places))("the application's session, kept %s,", (place) => {
  const begin = async (): Promise<BrowserClient> => {
    const app = await places[place]?.();
    if (!app) throw new Error(`there is no place "${place}"`);
    return app.browser();
  };

  it("can be looked at at once in a handler, by anonymous and signed-in visitors, and lasts from request to request", async () => {
    const browser = await begin();
    assert.equal(await textOf(browser, "/look"), "nothing");
    assert.equal(await textOf(browser, "/count"), "1");
    assert.equal(await textOf(browser, "/count"), "2");
    assert.equal(await textOf(browser, "/look"), "2");
    await signUp(browser);
    assert.equal(await textOf(browser, "/count"), "1");
    assert.equal(await textOf(browser, "/count"), "2");
    assert.equal(await textOf(browser, "/account"), "account of ann@example.com");
  });

  it("survives a sign-in and a sign-out as far as `keep` names it, and no further", async () => {
    const browser = await begin();
    await signUp(browser);
    await signOut(browser);
    await browser.get("/cart");
    await browser.get("/count");
    await signIn(browser);
    assert.deepEqual([await textOf(browser, "/shelf"), await textOf(browser, "/look")], ["a lamp", "nothing"]);
    await browser.get("/count");
    await signOut(browser);
    assert.deepEqual([await textOf(browser, "/shelf"), await textOf(browser, "/look")], ["a lamp", "nothing"]);
    assert.equal((await browser.json("GET", "/account")).status, 401);
  });

  it("is also there by gate.session(req)", async () => {
    const browser = await begin();
    assert.deepEqual([await textOf(browser, "/seen"), await textOf(browser, "/seen")], ["1", "2"]);
  });
});

describe("a store that answers later, without `eager`", () => {
  it("is asked by gate.session(req); looking at req.session says so in its error", async () => {
    const store = new CountingStore("later");
    const app = await startMounted({
      gate: withStore(store, false),
      app(gate) {
        const main = appAround(gate);
        main.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
          res.status(500).send(error.message);
        });
        return main;
      },
    });
    const browser = app.browser();
    assert.equal(await textOf(browser, "/seen"), "1");
    assert.equal(await textOf(browser, "/seen"), "2");
    const answer = await browser.get("/look");
    assert.equal(answer.status, 500);
    assert.match(answer.text, /the session is not loaded: its store answers later\. Ask `await gate\.session\(req\)`, or leave `eager` on/);
  });

  it("is not asked by requests that do not look", async () => {
    const store = new CountingStore("later");
    const app = await start(withStore(store, false));
    const browser = app.browser();
    await signUp(browser);
    const { get } = store.calls;
    await browser.get("/account");
    await browser.get("/");
    assert.equal(store.calls.get, get);
  });
});

describe("a session", () => {
  it("is neither made nor looked for by anonymous pages that do not look at it", async () => {
    const store = new CountingStore("at once");
    const app = await start(withStore(store));
    const browser = app.browser();
    await browser.get("/");
    await browser.get("/look");
    await browser.get("/auth/login");
    await browser.json("GET", "/account");
    assert.deepEqual(store.calls, { get: 0, set: 0, touch: 0, destroy: 0 });
    assert.equal(browser.jar.get("__Host-castellan-sid"), null);
  });

  it("that is only read is written at most once a minute, in the storer's rows", async () => {
    const app = await start();
    const browser = app.browser();
    await signUp(browser);
    await browser.get("/count");
    const writes = (): number => (app.storer.queries["saveSession"] ?? 0) + (app.storer.queries["touchSession"] ?? 0);
    const before = writes();
    for (let round = 0; round < 6; round += 1) {
      await browser.get("/look");
      app.clock.advance(seconds(9));
    }
    assert.equal(writes(), before);
    app.clock.advance(minutes(1));
    for (let round = 0; round < 3; round += 1) await browser.get("/look");
    assert.equal(writes(), before + 1);
  });

  it.each(["at once", "later"] as const)(
    "that is only read is written at most once a minute, in any store that answers %s",
    async (answers) => {
      const store = new CountingStore(answers);
      const app = await start(withStore(store));
      const browser = app.browser();
      await signUp(browser);
      await browser.get("/count");
      const before = store.writes;
      for (let round = 0; round < 6; round += 1) {
        await browser.get("/look");
        app.clock.advance(seconds(9));
      }
      assert.equal(store.writes, before);
      app.clock.advance(minutes(1));
      for (let round = 0; round < 3; round += 1) await browser.get("/look");
      assert.equal(store.writes, before + 1);
    },
  );

  it.each(["at once", "later"] as const)(
    "that its store forgot begins anew, and signs nobody out, with a store that answers %s",
    async (answers) => {
      const store = new CountingStore(answers);
      const app = await start(withStore(store));
      const [ann, visitor] = [app.browser(), app.browser()];
      await signUp(ann);
      await ann.get("/count");
      await visitor.get("/count");
      for (const path of ["/count", "/seen"]) {
        store.forget();
        assert.equal(await textOf(ann, "/account"), "account of ann@example.com");
        assert.equal(await textOf(ann, path), "1");
        assert.equal(await textOf(ann, path), "2");
        assert.equal(await textOf(ann, "/account"), "account of ann@example.com");
        assert.equal(await textOf(visitor, path), "1");
        assert.equal(await textOf(visitor, path), "2");
      }
      const thief = ann.fork();
      await signOut(ann);
      assert.equal((await thief.json("GET", "/account")).status, 401);
    },
  );

  it("that was ended does not begin anew under its old id", async () => {
    const store = new CountingStore("later");
    const app = await start(withStore(store));
    const browser = app.browser();
    await signUp(browser);
    const thief = browser.fork();
    const id = browser.jar.get("__Host-castellan-sid")?.value;
    await signOut(browser);
    assert.equal(await textOf(thief, "/count"), "1");
    assert.equal(await textOf(thief, "/count"), "2");
    assert.notEqual(thief.jar.get("__Host-castellan-sid")?.value, id);
  });
});

describe("an express-session of the application's own, beside expressSessions()", () => {
  const around = (place: "before" | "behind") => (gate: MountedGate) => {
    const own = session({ secret: TEST_SECRET, resave: false, saveUninitialized: false, store: new CountingStore("later") });
    const app = express();
    if (place === "before") app.use(own);
    app.use(gate.clientState());
    if (place === "behind") app.use(own);
    app.use(appAround(gate));
    return app;
  };

  it.each(["before", "behind"] as const)("mounted %s clientState(), keeps nobody from signing in and out", async (place) => {
    const app = await startMounted({ app: around(place) });
    await wholeFlow(app, { mount: "/auth" });
    const browser = app.browser();
    assert.deepEqual([await textOf(browser, "/count"), await textOf(browser, "/count")], ["1", "2"]);
    assert.deepEqual([await textOf(browser, "/seen"), await textOf(browser, "/seen")], ["1", "2"]);
  });

  it("keeps req.session to itself where it was first", async () => {
    const app = await startMounted({ app: around("before") });
    const browser = app.browser();
    await browser.get("/count");
    assert.ok(browser.jar.get("connect.sid"));
    assert.equal(browser.jar.get("__Host-castellan-sid"), null);
    await signUp(browser);
    assert.equal(await textOf(browser, "/count"), "2");
    await signOut(browser);
    assert.equal(await textOf(browser, "/count"), "3");
  });
});

describe("while the database cannot be reached at the start", () => {
  it("strangers see public pages, and whoever has a session gets 503 until it is there", async () => {
    let isAway = true;
    const storer = Object.assign(memoryStorer(), {
      async ready(): Promise<void> {
        if (isAway) throw new Error("the database is away");
      },
    });
    const app = await start({ storer });
    const [stranger, ann] = [app.browser(), app.browser()];
    assert.equal(await textOf(stranger, "/"), "start");
    assert.equal((await signUp(ann)).status, 503);
    const headers = { Cookie: "__Host-castellan-sid=from-yesterday" };
    assert.equal((await stranger.request("GET", "/", { headers })).status, 503);
    isAway = false;
    assert.equal((await stranger.request("GET", "/", { headers })).text, "start");
    assert.equal((await signUp(ann)).status, 200);
    assert.equal(await textOf(ann, "/account"), "account of ann@example.com");
  });
});

describe("gate.close()", () => {
  it("may be called again, also at the same time", async () => {
    const app = await start();
    await Promise.all([app.gate.close(), app.gate.close()]);
    await app.gate.close();
  });

  it("may be called again with SQLite and the default seams", async () => {
    const gate = castellan({
      rootUrl: "http://localhost:3000",
      development: true,
      keys: [TEST_SECRET],
      storer: await sqlite(":memory:"),
      sessions: expressSessions({ secret: TEST_SECRET }),
      modules: { auth: auth() },
    });
    await gate.ready();
    await Promise.all([gate.close(), gate.close()]);
    await gate.close();
  });
});
