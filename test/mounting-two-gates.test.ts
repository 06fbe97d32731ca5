import assert from "node:assert/strict";
import { type BrowserClient, browserClient, type Harness, type HarnessOptions, harness, listen, memoryStorer } from "@castellan/testkit";
import express, { type Express } from "express";
import { describe, it, onTestFinished } from "vitest";
import { PASSWORD } from "./support/app.ts";
import { type MountedGate, mountedGate } from "./support/mounted.ts";

/** Two gates with users of their own. */
interface Pair {
  readonly customers: MountedGate;
  readonly staff: MountedGate;
  ready(): Promise<void>;
  close(): Promise<void>;
}

function pairOf(options: HarnessOptions): Pair {
  const customers = mountedGate(options);
  const staff = mountedGate(options, { storer: memoryStorer(), mount: "/staff/auth", cookiePrefix: "staff" });
  const both = [customers, staff] as const;
  return {
    customers,
    staff,
    ready: async () => void (await Promise.all(both.map((gate) => gate.ready()))),
    close: async () => void (await Promise.all(both.map((gate) => gate.close()))),
  };
}

const STAFF_PASSWORD = "a quite different passphrase";

async function start(add: (app: Express, pair: Pair) => void = () => {}): Promise<Harness<Pair>> {
  const started = await harness({
    gate: pairOf,
    app(pair) {
      const { customers, staff } = pair;
      const app = express();
      app.use(customers.clientState(), staff.clientState());
      app.use("/auth", customers.router);
      app.use("/staff/auth", staff.router);
      app.get("/account", customers.require(), (req, res) => void res.send(`customer ${customers.user(req).login}`));
      app.get("/staff", staff.require(), (req, res) => void res.send(`staff ${staff.user(req).login}`));
      app.get("/both", customers.require(), staff.require(), (req, res) => {
        res.send(`${customers.user(req).pid === staff.user(req).pid}`);
      });
      add(app, pair);
      return app;
    },
  });
  onTestFinished(() => started.close());
  const { customers, staff } = started.gate;
  await customers.register.register({ login: "ann@example.com", password: PASSWORD });
  await staff.register.register({ login: "ann@example.com", password: STAFF_PASSWORD });
  return started;
}

const signIn = async (browser: BrowserClient, mount: string, password: string): Promise<number> =>
  (await browser.json("POST", `${mount}/login`, { email: "ann@example.com", password })).status;

const statusOf = async (browser: BrowserClient, path: string): Promise<number> => (await browser.json("GET", path)).status;

describe("two gates on one application", () => {
  it("have users of their own: a password opens one of them, and a sign-in counts for one of them", async () => {
    const browser = (await start()).browser();
    assert.equal(await signIn(browser, "/staff/auth", PASSWORD), 401);
    assert.equal(await signIn(browser, "/auth", STAFF_PASSWORD), 401);
    assert.equal(await signIn(browser, "/auth", PASSWORD), 200);
    assert.equal((await browser.get("/account")).text, "customer ann@example.com");
    assert.equal(await statusOf(browser, "/staff"), 401);
  });

  it("can be signed in to side by side, and signing out of one leaves the other", async () => {
    const browser = (await start()).browser();
    await signIn(browser, "/auth", PASSWORD);
    await signIn(browser, "/staff/auth", STAFF_PASSWORD);
    assert.equal((await browser.get("/both")).text, "false");
    const { page } = await browser.get("/staff/auth/logout");
    await page.form("/staff/auth/logout").submit({}, { followRedirects: false });
    assert.equal(await statusOf(browser, "/staff"), 401);
    assert.equal((await browser.get("/account")).text, "customer ann@example.com");
  });

  it("send people to their own login page", async () => {
    const browser = (await start()).browser();
    assert.equal(new URL((await browser.get("/account")).url).pathname, "/auth/login");
    assert.equal(new URL((await browser.get("/staff")).url).pathname, "/staff/auth/login");
  });

  it("do not take each other's cookies for their own", async () => {
    const app = await start();
    const browser = app.browser();
    await signIn(browser, "/auth", PASSWORD);
    const sid = browser.jar.get("__Host-castellan-sid");
    assert.ok(sid);
    browser.jar.put({ ...sid, name: "__Host-staff-sid" });
    assert.equal(await statusOf(browser, "/staff"), 401);
    assert.equal(await statusOf(browser, "/account"), 200);
  });

  it("have sessions of their own: req.session is the first one's, gate.session(req) is of the gate that is asked", async () => {
    const app = await start((main, { customers, staff }) => {
      main.get("/write", async (req, res) => {
        req.session.count = 7;
        (await staff.session(req)).put("badge", "silver");
        (await customers.session(req)).put("badge", "gold");
        res.send("written");
      });
      main.get("/read", async (req, res) => {
        const [first, second] = [await customers.session(req), await staff.session(req)];
        res.json({ count: req.session.count, first: first.get("badge"), second: second.get("badge"), apart: first.id !== second.id });
      });
    });
    const browser = app.browser();
    await browser.get("/write");
    assert.deepEqual((await browser.get("/read")).json(), { count: 7, first: "gold", second: "silver", apart: true });
    await signIn(browser, "/staff/auth", STAFF_PASSWORD);
    assert.deepEqual((await browser.get("/read")).json(), { count: 7, first: "gold", apart: true });
  });

  it("have tokens of their own: req.csrfToken() is the first one's, gate.csrfToken(req) is of the gate that is asked", async () => {
    const app = await start((main, { customers, staff }) => {
      main.use(express.urlencoded({ extended: false }));
      main.get("/tokens", (req, res) => {
        res.json({ plain: req.csrfToken?.(), customers: customers.csrfToken(req), staff: staff.csrfToken(req) });
      });
      main.post("/order", customers.csrf(), (_req, res) => void res.send("ordered"));
      main.post("/deliver", staff.csrf(), (_req, res) => void res.send("delivered"));
    });
    const browser = app.browser();
    for (const mount of [null, "/auth", "/staff/auth"]) {
      if (mount) await signIn(browser, mount, mount === "/auth" ? PASSWORD : STAFF_PASSWORD);
      const tokens: unknown = (await browser.get("/tokens")).json();
      const post = async (path: string, token: string): Promise<number> =>
        (await browser.post(path, { _csrf: String(Reflect.get(Object(tokens), token)) })).status;
      assert.equal(await post("/order", "plain"), 200);
      assert.equal(await post("/order", "customers"), 200);
      assert.equal(await post("/order", "staff"), 403);
      assert.equal(await post("/deliver", "staff"), 200);
      assert.equal(await post("/deliver", "plain"), 403);
    }
  });
});

describe("two gates on two applications of one process", () => {
  it("do not mix", async () => {
    const app = await start();
    const { customers, staff } = app.gate;
    const other = express();
    other.use(staff.clientState());
    other.use("/staff/auth", staff.router);
    other.get("/staff", staff.require(), (req, res) => void res.send(`staff ${staff.user(req).login} ${req.session.count ?? 0}`));
    other.get("/account", customers.require(), (_req, res) => void res.send("never"));
    const server = await listen(other);
    onTestFinished(() => server.close());
    const browser = browserClient(server.url, { origin: app.rootUrl, clock: app.clock });
    await signIn(browser, "/staff/auth", STAFF_PASSWORD);
    assert.equal((await browser.get("/staff")).text, "staff ann@example.com 0");
    assert.equal(await statusOf(browser, "/account"), 401);
    const first = app.browser();
    await signIn(first, "/auth", PASSWORD);
    assert.equal(await statusOf(first, "/staff"), 401);
    assert.equal(await statusOf(first, "/account"), 200);
  });
});
