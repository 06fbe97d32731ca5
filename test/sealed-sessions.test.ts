/** Sessions in sealed cookies: the same promises as with a store, without one. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { logout } from "@castellan/logout";
import { register } from "@castellan/register";
import { type BrowserClient, type Harness, type HarnessOptions, harness, TEST_SECRET } from "@castellan/testkit";
import { type CastellanOptions, castellan, hours, minutes, type SealedSessionsOptions, sealedSessions } from "castellan";
import express, { type Express } from "express";
import { describe, it, onTestFinished } from "vitest";

const COOKIE = "__Host-castellan-sid";
const ANN = "ann@example.com";
const PASSWORD = "correct horse battery staple";
const OTHER_SECRET = "another-secret-of-the-tests-0123456789-abcdef";

const makeGate = (
  options: HarnessOptions,
  sessions: Partial<SealedSessionsOptions>,
  gate: Partial<CastellanOptions<HarnessOptions["storer"], never>>,
) =>
  castellan({
    ...options,
    ...gate,
    sessions: sealedSessions({ secret: TEST_SECRET, ...sessions }),
    modules: { auth: auth(), logout: logout(), register: register() },
  });
type App = Harness<ReturnType<typeof makeGate>>;

const sessionOf = (req: object): Record<string, unknown> => Reflect.get(req, "session") as Record<string, unknown>;

function routes(app: Express): void {
  app.get("/cart", (req, res) => void res.json(sessionOf(req)?.["cart"] ?? null));
  app.post("/cart", express.json({ limit: "1mb" }), (req, res) => {
    sessionOf(req)["cart"] = req.body;
    res.json("kept");
  });
  app.post("/end", (req, res) => {
    Reflect.set(req, "session", null);
    res.json("ended");
  });
}

async function startApp(
  sessions: Partial<SealedSessionsOptions> = {},
  gate: Partial<CastellanOptions<HarnessOptions["storer"], never>> = {},
  like?: App,
): Promise<App> {
  const started = await harness({
    gate: (options) => makeGate(like ? { ...options, storer: like.storer, clock: like.clock } : options, sessions, gate),
    app(gate) {
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/", (_req, res) => void res.send("start"));
      app.get("/account", gate.require(), (req, res) => void res.send(`account of ${gate.user(req).login}`));
      routes(app);
      return app;
    },
  });
  onTestFinished(() => started.close());
  return started;
}

const registered = async (app: App, browser = app.browser()): Promise<BrowserClient> => {
  assert.equal((await browser.json("POST", "/auth/register", { email: ANN, password: PASSWORD })).status, 200);
  return browser;
};
const who = async (browser: BrowserClient): Promise<string> => {
  const { status, text } = await browser.json("GET", "/account");
  return status === 200 ? text.replace("account of ", "") : "nobody";
};
const cart = async (browser: BrowserClient): Promise<unknown> => (await browser.json("GET", "/cart")).json();
const fill = (browser: BrowserClient, value: unknown) => browser.json("POST", "/cart", value as object);

describe("a session in a sealed cookie", () => {
  it("keeps what the application puts, and stores nothing", async () => {
    const app = await startApp();
    const browser = app.browser();
    await fill(browser, { apples: 3 });
    assert.deepEqual(await cart(browser), { apples: 3 });
    assert.equal(app.storer.dump().sessions.size, 0);
    const cookie = browser.jar.get(COOKIE);
    assert.ok(cookie?.httpOnly && cookie.secure);
    assert.equal(Buffer.from(cookie.value, "base64url").toString("latin1").includes("apples"), false);
  });

  it("costs a stranger no cookie, and is sent only when something has changed", async () => {
    const app = await startApp();
    const browser = app.browser();
    assert.equal((await browser.get("/")).headers["set-cookie"], undefined);
    assert.equal(await cart(browser), null);
    assert.equal(browser.jar.get(COOKIE), null);
    await fill(browser, [1]);
    assert.equal((await browser.get("/cart")).headers["set-cookie"], undefined);
    app.clock.advance(minutes(2));
    assert.notEqual((await browser.get("/cart")).headers["set-cookie"], undefined);
  });

  it("signs in under a new id, and out for good: an older cookie signs nobody in", async () => {
    const app = await startApp();
    const browser = app.browser();
    await fill(browser, ["before"]);
    const before = browser.jar.get(COOKIE);
    await registered(app, browser);
    assert.equal(await who(browser), ANN);
    const inside = browser.fork();
    await browser.json("POST", "/auth/logout", {});
    assert.equal(await who(browser), "nobody");
    assert.equal(await who(inside), "nobody");
    const thief = app.browser();
    assert.ok(before);
    thief.jar.put(before);
    assert.equal(await who(thief), "nobody");
  });

  it("takes what is named along over sign-in and sign-out, and leaves the rest behind", async () => {
    const app = await startApp({}, { keep: ["cart"] });
    const browser = await registered(app);
    await fill(browser, { apples: 3 });
    await browser.json("POST", "/auth/logout", {});
    assert.deepEqual(await cart(browser), { apples: 3 });
  });

  it("is nobody's when a sign is changed, when it was cut, when it is another gate's or another cookie's", async () => {
    const app = await startApp();
    const browser = await registered(app);
    const cookie = browser.jar.get(COOKIE) ?? assert.fail();
    const flipped = `${cookie.value.slice(0, -1)}${cookie.value.endsWith("A") ? "B" : "A"}`;
    const other = await registered(await startApp({ secret: OTHER_SECRET }));
    for (const value of [flipped, cookie.value.slice(0, -8), "", "x".repeat(5_000), other.jar.get(COOKIE)?.value ?? ""]) {
      const thief = app.browser();
      thief.jar.put({ ...cookie, value });
      assert.equal(await who(thief), "nobody");
      assert.equal((await thief.get("/cart")).status, 200);
    }
  });

  it("survives a rotation of keys as long as the older one is listed, and is sealed anew", async () => {
    const app = await startApp();
    const browser = await registered(app);
    const before = browser.jar.get(COOKIE) ?? assert.fail();
    const both = await startApp({ secret: [OTHER_SECRET, TEST_SECRET] }, {}, app);
    const there = both.browser();
    there.jar.put(before);
    assert.equal(await who(there), ANN);
    const renewed = there.jar.get(COOKIE) ?? assert.fail();
    assert.notEqual(renewed.value, before.value);
    const newOnly = await startApp({ secret: OTHER_SECRET }, {}, app);
    for (const [cookie, expected] of [
      [renewed, ANN],
      [before, "nobody"],
    ] as const) {
      const visitor = newOnly.browser();
      visitor.jar.put(cookie);
      assert.equal(await who(visitor), expected);
    }
  });

  it("is over when it was not seen for long, and at its end whatever happens, to the millisecond", async () => {
    const app = await startApp({ idle: hours(1), lifetime: hours(3) });
    const browser = app.browser();
    await fill(browser, ["kept"]);
    for (let round = 0; round < 3; round += 1) {
      app.clock.advance(minutes(59));
      assert.deepEqual(await cart(browser), ["kept"]);
    }
    app.clock.advance(minutes(3));
    assert.equal(await cart(browser), null);
    await fill(browser, ["again"]);
    app.clock.advance(hours(1));
    assert.equal(await cart(browser), null);
  });

  it("that would be too large is not kept: the answer comes, the older one stays, and the log says so", async () => {
    const app = await startApp();
    const browser = app.browser();
    await fill(browser, ["small"]);
    assert.equal((await fill(browser, ["x".repeat(4_000)])).status, 200);
    assert.deepEqual(await cart(browser), ["small"]);
    assert.match(JSON.stringify(app.log), /a session could not be written: it has 40\d\d bytes, and 2500 are kept/);
  });

  it("ends by the application's hand, and with it the sign-in", async () => {
    const app = await startApp();
    const browser = await registered(app);
    const copy = browser.fork();
    await browser.json("POST", "/end", {});
    assert.equal(browser.jar.get(COOKIE), null);
    assert.equal(await who(browser), "nobody");
    assert.equal(await who(copy), "nobody");
  });

  it("of two requests at once is that of the later answer, and signs nobody out", async () => {
    const app = await startApp();
    const browser = await registered(app);
    await Promise.all(Array.from({ length: 20 }, (_, index) => fill(browser, [index])));
    assert.equal(await who(browser), ANN);
    assert.equal(((await cart(browser)) as number[]).length, 1);
  });

  it("lets nobody in while the database is away, and everybody again afterwards", async () => {
    const app = await startApp();
    const browser = await registered(app);
    app.storer.fail(new Error("away"));
    assert.equal((await browser.json("GET", "/account")).status, 503);
    app.storer.fail(null);
    assert.equal(await who(browser), ANN);
  });
});
