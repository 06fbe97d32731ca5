/** Attacks on sessions in sealed cookies: old cookies, slow requests, what does not fit, and what cannot be ended. */
import assert from "node:assert/strict";
import { days, hours, login, minutes } from "@castellan/core";
import { type BrowserClient, TEST_SECRET } from "@castellan/testkit";
import { type SealedSessionsOptions, sealedCookie, sealedSessions } from "castellan";
import express, { type Express } from "express";
import { describe, it } from "vitest";
import {
  ANN,
  BOB,
  barrier,
  type DoorApp,
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
  verdictOf,
  whoIs,
} from "./support/doors.ts";
import { doorways, PIN, pin } from "./support/modules.ts";

const sessionOf = (req: object): Record<string, unknown> => Reflect.get(req, "session") as Record<string, unknown>;

function routes(app: Express): void {
  app.get("/cart", (req, res) => void res.json(sessionOf(req)["cart"] ?? null));
  app.post("/cart", express.json({ limit: "1mb" }), (req, res) => {
    sessionOf(req)["cart"] = req.body;
    res.json("kept");
  });
  app.post("/end", (req, res) => {
    Reflect.set(req, "session", null);
    res.cookie("theirs", "stays").json("ended");
  });
  app.post("/end/slowly", async (req, res) => {
    Reflect.set(req, "session", null);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    res.redirect("/");
  });
  app.post("/end/in-parts", (req, res) => {
    Reflect.set(req, "session", null);
    res.on("drain", () => res.end(" of it"));
    if (res.write("all")) res.end(" at once");
  });
  app.post("/end/at-once", (req, res) => {
    Reflect.set(req, "session", null);
    res.flushHeaders();
    res.end("ended");
  });
}

/** Under the name that is to survive. */
const putTooMuch = (req: object): null => {
  sessionOf(req)["cart"] = ["x".repeat(3_000)];
  return null;
};

const start = ({ add, ...changes }: DoorChanges = {}, options: Partial<SealedSessionsOptions> = {}): Promise<DoorApp> =>
  startDoors({
    sessions: sealedSessions({ secret: TEST_SECRET, ...options }),
    extra: doorways(),
    add: (app, gate) => {
      routes(app);
      add?.(app, gate);
    },
    ...changes,
    gate: { keep: ["cart"], ...changes.gate },
  });

const fill = (browser: BrowserClient, value: unknown) => browser.json("POST", "/cart", value);
const cart = async (browser: BrowserClient): Promise<unknown> => (await browser.json("GET", "/cart")).json();
const complaints = (app: DoorApp): readonly string[] => app.log.filter(({ level }) => level === "error").map(({ message }) => message);

describe("what lies in a sealed session", () => {
  it("keeps nobody from signing in or out, however much it is", async () => {
    const app = await start();
    await haveUser(app);
    for (const size of [2_480, 2_500, 2_700, 2_896, 2_930, 3_000, 5_000]) {
      const browser = app.browser();
      await fill(browser, ["x".repeat(size)]);
      const isKept = (await cart(browser)) !== null;
      assert.equal(verdictOf(await logIn(browser)), "200 signed_in", `${size}`);
      assert.equal(await whoIs(browser), ANN);
      assert.equal((await cart(browser)) !== null, isKept, `${size}: what was kept once goes on being kept`);
      assert.equal(verdictOf(await logOut(browser)), "200 signed_out", `${size}`);
      assert.equal((await cart(browser)) !== null, isKept);
    }
  });

  it("is left as it was, and the log says so once, where more is put than fits, also on the way to a sign-in", async () => {
    const app = await start({ add: (_main, gate) => void gate.on(login).before("guard", ({ ctx }) => putTooMuch(ctx.req)) });
    await haveUser(app);
    const browser = app.browser();
    await fill(browser, ["a lamp"]);
    assert.equal(verdictOf(await logIn(browser)), "200 signed_in");
    assert.equal(await whoIs(browser), ANN);
    assert.deepEqual(await cart(browser), ["a lamp"]);
    const [complaint = "", ...others] = complaints(app);
    assert.match(complaint, /^a session could not be written: it has \d+ bytes, and 2500 are kept/);
    assert.deepEqual(others, []);
  });

  it("gives way where the suite needs more place than is set aside for it", async () => {
    const app = await start({
      add: (main, gate) =>
        main.get("/much", async (req, res) => {
          const session = await gate.session(req);
          session.put("much", "x".repeat(1_000));
          await session.save();
          res.send(String((await gate.session(req)).get("much")).slice(0, 1));
        }),
    });
    const browser = app.browser();
    await fill(browser, ["x".repeat(2_400)]);
    assert.equal((await browser.get("/much")).text, "x");
    assert.equal(await cart(browser), null);
    assert.match(complaints(app).join(), /the suite/);
  });

  it("is kept over a sign-in also when it was put on the way there, by somebody new", async () => {
    const app = await start({
      add: (_main, gate) => void gate.on(login).before("guard", ({ ctx }) => Object.assign(sessionOf(ctx.req), { cart: ["new"] }) && null),
    });
    await haveUser(app);
    assert.deepEqual(await cart(await signedIn(app)), ["new"]);
  });

  it.each([
    "text",
    7,
    [1, 2],
    new Date(0),
    new Map([["a", 1]]),
    { toJSON: () => 5 },
    { toJSON: () => undefined },
    { a: 1n },
    { a: Number.NaN, b: undefined, c: () => 1 },
    { a: "\ud800\0" },
    JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}'),
  ])("is no failure of any later request, and signs nobody in or out: req.session = %o", async (value) => {
    const app = await start({
      add: (main) =>
        main.get("/odd", (req, res) => {
          Reflect.set(req, "session", value);
          res.json("put");
        }),
    });
    await haveUser(app);
    const browser = await signedIn(app);
    assert.equal((await browser.get("/odd")).status, 200);
    assert.equal((await fill(browser, ["book"])).status, 200);
    assert.equal(await whoIs(browser), ANN);
    assert.equal(Reflect.get({}, "polluted"), undefined);
    assert.deepEqual(await cart(browser), ["book"]);
    assert.equal(verdictOf(await logOut(browser)), "200 signed_out");
    assert.equal(await whoIs(browser), "nobody");
  });
});

describe("req.session = null", () => {
  const paths = ["/end", "/end/slowly", "/end/in-parts"] as const;

  it.each(paths)("is answered once the sign-in is over: %s", async (path) => {
    const app = await start();
    await haveUser(app);
    const browser = await signedIn(app);
    const [copy, stranger, held] = [browser.fork(), app.browser(), barrier()];
    let isAnswered = false;
    app.before("endSignIn", () => held.wait());
    const answer = browser.json("POST", path, {}).finally(() => {
      isAnswered = true;
    });
    await held.reached;
    for (let round = 0; round < 5; round += 1) await stranger.get("/");
    assert.equal(isAnswered, false);
    held.open();
    assert.ok((await answer).status < 400);
    if (path === "/end/in-parts") assert.equal((await answer).text, "all of it");
    assert.equal(sessionIdOf(browser), null);
    assert.equal(await whoIs(copy), "nobody");
  });

  it.each(paths)("is refused while the database is away, and the browser can try again: %s", async (path) => {
    const app = await start();
    await haveUser(app);
    const browser = await signedIn(app);
    const before = sessionIdOf(browser);
    app.before("endSignIn", () => {
      throw new Error("the database is away: secret-detail");
    });
    const answer = await browser.json("POST", path, {});
    assert.equal(verdictOf(answer), "503 unavailable");
    assert.doesNotMatch(answer.text + JSON.stringify(answer.headers), /secret-detail|ended|all/);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.location, null);
    assert.equal(sessionIdOf(browser), before);
    assert.equal((await browser.post(path, {})).text, "Service unavailable");
    assert.match(complaints(app).join(), /could not be ended/);
    app.before("endSignIn", null);
    assert.equal(await whoIs(browser), ANN);
    await browser.json("POST", path, {});
    assert.equal(await whoIs(browser), "nobody");
  });

  it("breaks an answer off that had begun, when the database is away", async () => {
    const app = await start();
    await haveUser(app);
    const browser = await signedIn(app);
    app.before("endSignIn", () => {
      throw new Error("away");
    });
    await assert.rejects(browser.json("POST", "/end/at-once", {}));
  });
});

describe("an older sealed cookie", () => {
  const endings: Readonly<Record<string, (app: DoorApp, browser: BrowserClient, pid: string) => Promise<unknown>>> = {
    "a sign-out": (_app, browser) => logOut(browser),
    "a new password": (_app, browser) => browser.json("POST", "/auth/password", { from: PASSWORD, to: OTHER_PASSWORD }),
    "a step up": (_app, browser) => browser.json("POST", "/auth/step-up", { password: PASSWORD }),
    "the end of all sign-ins": (app, _browser, pid) => app.gate.endSignIns(pid, "all"),
    "the end by the application": (_app, browser) => browser.json("POST", "/end", {}),
    "another one's sign-in": (_app, browser) => logIn(browser, BOB),
  };

  it.each(Object.keys(endings))("signs nobody in after %s", async (ending) => {
    const app = await start();
    const pid = await haveUser(app);
    await haveUser(app, BOB);
    const browser = await signedIn(app);
    await fill(browser, ["book"]);
    const old = browser.fork();
    await endings[ending]?.(app, browser, pid);
    assert.equal(await whoIs(old), "nobody");
    // What the application kept is gone too where this process has ended the session, and not just the sign-in.
    if (ending !== "the end of all sign-ins") assert.equal(await cart(old), null);
    assert.equal(verdictOf(await logIn(old, ANN, ending === "a new password" ? OTHER_PASSWORD : PASSWORD)), "200 signed_in");
  });

  it("brings no second factor back that waited when somebody signed out or in", async () => {
    const app = await start({ extra: pin({ has: ({ login }) => login === ANN }) });
    await haveUser(app);
    await haveUser(app, BOB);
    for (const then of [logOut, (browser: BrowserClient) => logIn(browser, BOB)]) {
      const browser = app.browser();
      await logIn(browser);
      const old = browser.fork();
      await then(browser);
      await old.json("POST", "/auth/pin", { pin: PIN });
      assert.equal(await whoIs(old), "nobody");
    }
  });

  it("keeps nobody from signing in by a form: one that is over, damaged, or of a key that is gone", async () => {
    const app = await start({ extra: pin({ has: () => false }) }, { lifetime: hours(1) });
    await haveUser(app);
    const begun = app.browser();
    await fill(begun, ["book"]);
    app.clock.advance(hours(2));
    const damaged = app.browser();
    damaged.jar.put({ ...(begun.jar.get(SESSION_COOKIE) ?? assert.fail()), value: "AAAAAAAA.AAAA" });
    for (const browser of [begun, damaged]) {
      await browser.get("/auth/pin");
      const { page } = await browser.get("/auth/login");
      const answer = await page.form("/auth/login").submit({ email: ANN, password: PASSWORD });
      assert.deepEqual([answer.status, answer.text], [200, "start"]);
      assert.equal(await whoIs(browser), ANN);
    }
  });
});

describe("a slow request under a sealed cookie", () => {
  const slow = (held: ReturnType<typeof barrier>): DoorChanges => ({
    add: (main) =>
      main.get("/slow", async (req, res) => {
        sessionOf(req)["seen"] = true;
        await held.wait();
        res.send("late");
      }),
  });

  it("that answers after the sign-in does not sign out again", async () => {
    const held = barrier();
    const app = await start(slow(held));
    await haveUser(app);
    const browser = app.browser();
    await fill(browser, ["book"]);
    app.clock.advance(minutes(2));
    const late = browser.get("/slow");
    await held.reached;
    await logIn(browser);
    held.open();
    assert.equal((await late).text, "late");
    assert.equal(await whoIs(browser), ANN);
  });

  it("that answers after the sign-out brings nothing back into the browser", async () => {
    const held = barrier();
    const app = await start({ ...slow(held), gate: { keep: [] } });
    await haveUser(app);
    const browser = await signedIn(app);
    await fill(browser, ["book"]);
    const late = browser.get("/slow");
    await held.reached;
    await logOut(browser);
    held.open();
    await late;
    assert.equal(sessionIdOf(browser), null);
    assert.equal(await cart(browser), null);
  });
});

describe("a sealed session cookie", () => {
  it("goes out on no answer that a cache may keep, and is not sent anew on one that is for everybody", async () => {
    const app = await start({
      add: (main) => main.get("/logo", (_req, res) => void res.set("Cache-Control", "public, max-age=600").send("logo")),
    });
    const browser = app.browser();
    assert.equal((await fill(browser, ["book"])).headers["cache-control"], "no-store");
    app.clock.advance(minutes(2));
    const logo = await browser.get("/logo");
    assert.deepEqual([logo.setCookies, logo.headers["cache-control"]], [[], "public, max-age=600"]);
    const renewed = await browser.get("/cart");
    assert.deepEqual([renewed.setCookies.length, renewed.headers["cache-control"]], [1, "no-store"]);
    assert.equal((await browser.get("/cart")).headers["cache-control"], undefined);
  });

  it("is sent anew also where the application has a req.session of its own", async () => {
    const app = await start(
      { first: (main) => main.use((req, _res, next) => next(void Object.assign(req, { session: {} }))) },
      { idle: hours(1) },
    );
    await haveUser(app);
    const browser = await signedIn(app);
    for (let round = 0; round < 4; round += 1) {
      app.clock.advance(minutes(40));
      assert.equal(await whoIs(browser), ANN);
    }
  });

  it("goes by the clock again once that was put right", async () => {
    const app = await start({}, { idle: hours(1) });
    const today = app.clock.now();
    app.clock.advance(days(300));
    const browser = app.browser();
    await fill(browser, ["book"]);
    app.clock.set(today);
    assert.deepEqual(await cart(browser), ["book"]);
    app.clock.advance(hours(1));
    assert.equal(await cart(browser), null);
  });

  it("is none that was sealed by the same key under the same name for something else", async () => {
    const app = await start();
    const other = sealedCookie({ name: SESSION_COOKIE, keys: [TEST_SECRET], clock: app.clock });
    app.app.get("/other", (_req, res) => {
      other.put(res, { subject: "ann", epoch: 0 });
      res.send("put");
    });
    const browser = app.browser();
    await browser.get("/other");
    assert.notEqual(sessionIdOf(browser), null);
    assert.equal(await whoIs(browser), "nobody");
    assert.equal(await cart(browser), null);
    assert.deepEqual(complaints(app), []);
  });

  it("of one gate is none to another one beside it with the same secret, over the same users", async () => {
    const app = await start();
    await haveUser(app);
    const beside = await startDoors({ opened: app, sessions: sealedSessions({ secret: TEST_SECRET }), gate: { cookiePrefix: "staff" } });
    const browser = await signedIn(app);
    const thief = beside.browser();
    thief.jar.put({ ...(browser.jar.get(SESSION_COOKIE) ?? assert.fail()), name: "__Host-staff-sid" });
    assert.equal(await whoIs(thief), "nobody");
  });
});
