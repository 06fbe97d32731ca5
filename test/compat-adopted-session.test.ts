import assert from "node:assert/strict";
import { type Harness, TEST_SECRET } from "@castellan/testkit";
import { adoptedSession } from "castellan";
import express, { type Express } from "express";
import session from "express-session";
import { describe, it } from "vitest";
import { haveUser, PASSWORD, signIn } from "./support/app.ts";
import { addPages, type GateChanges, type MountedGate, startMounted, wholeFlow } from "./support/mounted.ts";

interface Parts {
  readonly store?: session.Store;
  readonly options?: Partial<session.SessionOptions>;
  readonly gate?: GateChanges;
  readonly add?: (app: Express, gate: MountedGate) => void;
}

/** An application that mounts express-session itself, as it did before it had a gate. */
const startAdopted = ({
  store = new session.MemoryStore(),
  options = {},
  gate = {},
  add = () => {},
}: Parts = {}): Promise<Harness<MountedGate>> =>
  startMounted({
    gate: { sessions: adoptedSession(), ...gate },
    app(made) {
      const app = express();
      app.use(
        session({
          secret: TEST_SECRET,
          store,
          resave: false,
          saveUninitialized: false,
          proxy: true,
          cookie: { secure: true, httpOnly: true, sameSite: "lax" },
          ...options,
        }),
      );
      app.use(made.clientState());
      app.use("/auth", made.router);
      addPages(app, made);
      app.get("/count", (req, res) => {
        req.session.count = (req.session.count ?? 0) + 1;
        res.send(String(req.session.count));
      });
      app.post("/order", (_req, res) => void res.send("ordered"));
      add(app, made);
      return app;
    },
  });

describe("adoptedSession()", () => {
  it("lets people and clients sign up, in and out with the application's own express-session", async () => {
    await wholeFlow(await startAdopted(), { mount: "/auth" });
  });

  it("works with an express-session that saves every visitor and every request", async () => {
    await wholeFlow(await startAdopted({ options: { saveUninitialized: true, resave: true, rolling: true } }), { mount: "/auth" });
  });

  it("gives whoever signs in a new session id: one that was planted before opens nothing", async () => {
    const app = await startAdopted();
    await haveUser(app);
    const browser = app.browser();
    await browser.get("/count");
    const attacker = browser.fork();
    const planted = browser.jar.get("connect.sid")?.value;
    await signIn(browser);
    assert.equal((await browser.json("GET", "/account")).status, 200);
    assert.notEqual(browser.jar.get("connect.sid")?.value, planted);
    assert.equal((await attacker.json("GET", "/account")).status, 401);
  });

  it("ends a session at sign-out: its cookie is removed, and a copy of it opens nothing", async () => {
    const app = await startAdopted();
    await haveUser(app);
    const browser = app.browser();
    await signIn(browser);
    const thief = browser.fork();
    assert.equal((await browser.json("POST", "/auth/logout", {})).status, 200);
    assert.equal(browser.jar.get("connect.sid"), null);
    assert.equal((await thief.json("GET", "/account")).status, 401);
  });

  it("keeps the application's own values across requests, and across sign-in and sign-out where `keep` names them", async () => {
    const app = await startAdopted({ gate: { keep: ["count"] } });
    await haveUser(app);
    const browser = app.browser();
    assert.equal((await browser.get("/count")).text, "1");
    await signIn(browser);
    assert.equal((await browser.get("/count")).text, "2");
    assert.equal((await browser.get("/account")).text, "account of ann@example.com");
    await browser.json("POST", "/auth/logout", {});
    assert.equal((await browser.get("/count")).text, "3");
    assert.equal((await browser.json("GET", "/account")).status, 401);
  });

  it("says in the log what to mount when express-session is missing, and lets nobody in", async () => {
    const app = await startMounted({
      gate: { sessions: adoptedSession() },
      app(gate) {
        const main = express();
        main.use(gate.clientState());
        main.use("/auth", gate.router);
        addPages(main, gate);
        return main;
      },
    });
    const browser = app.browser();
    assert.equal((await browser.get("/")).text, "start");
    const answers = [
      await browser.get("/auth/login"),
      await browser.get("/account"),
      await browser.json("POST", "/auth/login", { email: "ann@example.com", password: PASSWORD }),
    ];
    for (const { status, text } of answers) {
      assert.equal(status, 503);
      assert.match(text, /This is not available right now/);
    }
    for (const { message, fields } of app.log) {
      assert.equal(message, "a request failed");
      assert.match(String(Reflect.get(Object(fields["error"]), "message")), /mount express-session before gate\.clientState\(\)/);
    }
  });

  it("lets nobody in while the session store is away, and says so with 503", async () => {
    const store = new session.MemoryStore();
    const app = await startAdopted({ store });
    await haveUser(app);
    const browser = app.browser();
    await signIn(browser);
    store.emit("disconnect");
    const refused = [await browser.get("/account"), await browser.json("GET", "/account"), await signInByJson(app)];
    assert.deepEqual(
      refused.map(({ status }) => status),
      [503, 503, 503],
    );
    store.emit("connect");
    assert.equal((await browser.get("/account")).text, "account of ann@example.com");
  });

  it("signs nobody in when the session cannot be written", async () => {
    class FullStore extends session.MemoryStore {
      override set(_id: string, _data: session.SessionData, done: (error?: unknown) => void = () => {}): void {
        done(new Error("the disk is full"));
      }
    }
    const app = await startAdopted({ store: new FullStore() });
    await haveUser(app);
    assert.equal((await signInByJson(app)).status, 503);
    assert.equal(app.storer.dump().signIns.size, 0);
  });

  it("turns away a foreign site's request that brings nothing but the application's session cookie", async () => {
    const app = await startAdopted({ options: { cookie: { secure: true, sameSite: "none" } } });
    await haveUser(app);
    const browser = app.browser();
    await browser.json("POST", "/auth/login", { email: "ann@example.com", password: PASSWORD });
    browser.jar.delete("__Host-castellan-browser");
    assert.deepEqual(
      browser.jar.cookies.map(({ name }) => name),
      ["connect.sid"],
    );
    assert.equal((await browser.post("/order", {}, { from: "https://evil.example" })).status, 403);
    assert.equal((await browser.post("/order", {})).text, "ordered");
  });
});

const signInByJson = (app: Harness<MountedGate>) =>
  app.browser().json("POST", "/auth/login", { email: "ann@example.com", password: PASSWORD });
