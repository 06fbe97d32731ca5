import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { seconds } from "@castellan/core";
import { logout } from "@castellan/logout";
import type { SqlServerStorer } from "@castellan/storer-sql/postgres";
import { type Answer, harness, TEST_SECRET } from "@castellan/testkit";
import { castellan, expressSessions, openStorer } from "castellan";
import express from "express";
import { afterAll, beforeAll, beforeEach, describe, it, onTestFinished } from "vitest";
import { engines } from "./support/engines.ts";
import { aSignIn, at, aUser } from "./support/places.ts";
import { proxyTo } from "./support/proxy.ts";
import type { TestServer } from "./support/servers.ts";

const PASSWORD = "correct horse battery staple";

/** How many tries it took until `attempt` succeeded, from 1; at most `most`. */
async function triesUntil(attempt: () => Promise<boolean>, most: number): Promise<number> {
  for (let tries = 1; tries <= most; tries += 1) if (await attempt()) return tries;
  return Number.POSITIVE_INFINITY;
}

/** Whether it was answered; anything but an answer and `Unavailable` is a failure of the test. */
const answered = (operation: Promise<unknown>): Promise<boolean> =>
  operation.then(
    () => true,
    (error: unknown) => {
      assert.equal(Object(error).code, "CASTELLAN_UNAVAILABLE", String(error));
      return false;
    },
  );

describe.each(engines)("$name", (engine) => {
  describe.skipIf(engine.isMissing)("that comes and goes", () => {
    let server: TestServer;
    beforeAll(async () => {
      server = await engine.start();
    });
    afterAll(() => server?.end());
    beforeEach(() => engine.empty(server.uri));

    /** An application that keeps everything in the server, sessions too, with Ann in it. */
    async function startApp() {
      const storer = await openStorer(server.uri);
      const app = await harness({
        gate: (options) =>
          castellan({
            ...options,
            storer,
            mail: { from: { address: "app@example.test" }, every: null },
            mailer: { send: async () => {} },
            sessions: expressSessions({ secret: TEST_SECRET }),
            modules: { auth: auth(), logout: logout() },
          }),
        app: (gate) => {
          const application = express();
          application.set("trust proxy", true);
          application.use(gate.clientState());
          application.use("/auth", gate.router);
          application.get("/cart", (req, res) => {
            const cart = Number(Reflect.get(req.session, "cart") ?? 0) + 1;
            Reflect.set(req.session, "cart", cart);
            res.send(String(cart));
          });
          application.get("/", (_, res) => void res.send("start"));
          application.get("/me", async (req, res) => void res.send((await gate.currentUser(req))?.login ?? "nobody"));
          return application;
        },
      });
      onTestFinished(() => app.close());
      await app.gate.ready();
      const passwordHash = await app.hasher.hash(PASSWORD);
      const { clock } = app;
      await storer.createUser({ ...aUser("ann@example.com", { passwordHash }), createdAt: clock.now() });
      const logIn = (browser = app.browser()) => browser.json("POST", "/auth/login", { email: "ann@example.com", password: PASSWORD });
      return { app, logIn };
    }

    it("keeps the sessions of the application too, under hashes of their ids, and for the next process", async () => {
      const first = await startApp();
      const browser = first.app.browser();
      await first.logIn(browser);
      for (const cart of ["1", "2"]) assert.equal((await browser.get("/cart")).text, cart);
      const id =
        decodeURIComponent(browser.jar.get("__Host-castellan-sid")?.value ?? "")
          .replace(/^s:/, "")
          .split(".")[0] ?? "";
      assert.ok(id.length > 20);
      const rows = await engine.within(server.uri, async (all) =>
        (await Promise.all(["session", "sign_in"].map((name) => all(`SELECT * FROM castellan_${name}`)))).flat(),
      );
      const dump = rows.map((row) => Object.values(row).map(String).join(" ")).join("\n");
      assert.match(dump, /"cart":2/);
      assert.equal(rows.length, 2);
      assert.ok(!dump.includes(id));

      const second = await startApp();
      const returning = second.app.browser();
      for (const cookie of browser.jar.cookies) returning.jar.put(cookie);
      assert.deepEqual([(await returning.get("/cart")).text, (await returning.get("/me")).text], ["3", "ann@example.com"]);
    });

    it("answers 503 while it is away under load, lets nobody in or out by accident, and works again at once when it is back", async () => {
      const { app, logIn } = await startApp();
      const signedIn = app.browser();
      assert.equal((await logIn(signedIn)).status, 200);
      assert.equal((await signedIn.get("/me")).text, "ann@example.com");

      // Eight who ask all the time, and what they were told.
      let isOver = false;
      const told: Answer[] = [];
      const load = Array.from({ length: 8 }, async (_, index) => {
        while (!isOver) told.push(await (index < 6 ? signedIn.get("/me") : logIn()));
      });
      onTestFinished(async () => {
        isOver = true;
        await Promise.allSettled(load);
      });
      const hear = async (status: number, times: number): Promise<void> => {
        const before = told.length;
        while (told.slice(before).filter((answer) => answer.status === status).length < times) await signedIn.get("/");
      };
      await hear(200, 20);
      await server.stop();
      await hear(503, 20);

      const stranger = app.browser();
      const refused = await logIn(stranger);
      assert.equal(refused.status, 503);
      // What protects her forms says nothing of who she is.
      assert.deepEqual(
        refused.setCookies.filter((cookie) => !cookie.startsWith("__Host-castellan-csrf=")),
        [],
      );
      assert.doesNotMatch(refused.text, /castellan_|SQL|ECONN|127\.0\.0\.1|node_modules/);
      assert.equal((await signedIn.get("/me")).status, 503);
      assert.equal((await signedIn.json("POST", "/auth/logout", {})).status, 503);
      assert.equal((await app.browser().get("/")).text, "start");
      assert.equal((await app.browser().get("/me")).text, "nobody");

      await server.start();
      assert.ok((await triesUntil(async () => (await signedIn.get("/me")).status === 200, 5)) <= 5);
      await hear(200, 20);
      isOver = true;
      await Promise.all(load);
      assert.deepEqual([...new Set(told.map(({ status }) => status))].sort(), [200, 503]);
      // Whoever was signed in is never told to be nobody.
      assert.deepEqual(
        [...new Set(told.filter(({ status, method }) => status === 200 && method === "GET").map(({ text }) => text))],
        ["ann@example.com"],
      );
      assert.equal((await signedIn.get("/me")).text, "ann@example.com");
      assert.equal((await stranger.get("/me")).text, "nobody");
      assert.equal((await logIn(stranger)).status, 200);
    });

    /** A storer by way of a proxy, ready, with Ann signed in. */
    async function openByProxy() {
      const proxy = await proxyTo(server.uri);
      const storer: SqlServerStorer = await engine.open({
        uri: proxy.uri,
        connections: 4,
        connectTimeout: seconds(1),
        statementTimeout: seconds(1),
      });
      onTestFinished(() => storer.close());
      await storer.ready();
      await storer.createUser(aUser("ann"));
      await storer.createSignIn("key", aSignIn("ann"));
      const find = () => storer.findSignIn("key", at(1));
      const all = () => Promise.all(Array.from({ length: 8 }, () => answered(find())));
      return { proxy, storer, find, all };
    }

    it("rejects what was under way when connections are cut, never answers 'nobody', and finds her at the next try", async () => {
      const { proxy, find, all } = await openByProxy();
      await all();
      for (let round = 0; round < 10; round += 1) {
        const underWay = Array.from({ length: 8 }, () => answered(find().then((found) => assert.ok(found))));
        proxy.cut();
        await Promise.all(underWay);
        assert.ok((await triesUntil(() => answered(find()), 5)) <= 5);
        assert.ok(await find());
      }
    });

    it("rejects in time when it falls silent, and works again when it speaks", async () => {
      const { proxy, storer, find, all } = await openByProxy();
      await all();
      proxy.silence(true);
      assert.deepEqual(new Set(await all()), new Set([false]));
      assert.equal(await answered(storer.advanceEpoch("pid-ann")), false);
      proxy.silence(false);
      assert.ok((await triesUntil(() => answered(find()), 5)) <= 5);
    });

    it("is asked by no more connections than it was told, and rejects in time when all of them are taken", async () => {
      const { proxy, storer, all } = await openByProxy();
      await all();
      assert.ok(proxy.connections() <= 4);
      await engine.within(server.uri, async (run) => {
        await run("START TRANSACTION");
        await run("UPDATE castellan_user SET epoch = epoch WHERE pid = 'pid-ann'");
        const waiting = Array.from({ length: 12 }, () => answered(storer.advanceEpoch("pid-ann")));
        assert.deepEqual(new Set(await Promise.all(waiting)), new Set([false]));
        await run("ROLLBACK");
      });
      assert.equal(await storer.advanceEpoch("pid-ann"), 1);
    });
  });
});
