/** Sessions in the stores that people use with express-session, by the recipes of docs/guides/session-stores.md, on real servers (for MongoDB at its wire). */
import assert from "node:assert/strict";
import { hours, minutes, systemClock } from "@castellan/core";
import { type Answer, type BrowserClient, type Harness, seededRandom, TEST_SECRET } from "@castellan/testkit";
import { expressSessions } from "castellan";
import express from "express";
import { afterAll, beforeAll, beforeEach, describe, it, onTestFinished, vi } from "vitest";
import { proxyTo } from "../packages/storer-sql/test/support/proxy.ts";
import { PASSWORD } from "./support/app.ts";
import { addPages, type GateChanges, type MountedGate, startMounted } from "./support/mounted.ts";
import { type Place, places, type SessionServer } from "./support/session-servers.ts";

const SID = "__Host-castellan-sid";
const ANN = { email: "ann@example.com", password: PASSWORD };

interface App extends Harness<MountedGate> {
  /** Settles when the store's client has a connection. */
  connected(): Promise<void>;
}

interface Changes {
  readonly uri?: string;
  /** Milliseconds. */
  readonly patience?: number;
  readonly eager?: boolean;
  /** The server is away, so there is no connection to wait for. */
  readonly isAway?: boolean;
  /** Another process of this one: over the same database. */
  readonly like?: App;
  readonly lifetime?: GateChanges["lifetime"];
}

let started = 0;

async function start(place: Place, server: SessionServer, changes: Changes = {}): Promise<App> {
  const { uri = server.uri, patience, eager = true, isAway = false, like, lifetime } = changes;
  const { store, close, connected } = place.open(uri, patience);
  onTestFinished(close);
  started += 1;
  const app = await startMounted({
    gate: {
      keep: ["cart"],
      // The rows of an earlier test must not be those of this one.
      random: seededRandom(`sessions ${started}`),
      sessions: expressSessions({ secret: TEST_SECRET, store, eager }),
      ...(lifetime && { lifetime }),
      ...(like && { storer: like.storer, clock: like.clock }),
    },
    app(gate) {
      const main = express();
      main.use(gate.clientState());
      main.use("/auth", gate.router);
      addPages(main, gate);
      main.get("/count", (req, res) => {
        req.session.count = (req.session.count ?? 0) + 1;
        res.send(String(req.session.count));
      });
      main.get("/cart", (req, res) => {
        req.session.cart = "a lamp";
        res.send("in the cart");
      });
      main.get("/shelf", (req, res) => void res.send(`${req.session.cart ?? "nothing"}, ${req.session.count ?? "nothing"}`));
      return main;
    },
  });
  // Servers remove what is over by clocks of their own.
  if (!like) app.clock.set(systemClock.now());
  if (!isAway) await connected();
  return Object.assign(app, { connected });
}

const signUp = (browser: BrowserClient): Promise<Answer> => browser.json("POST", "/auth/register", ANN);
const signIn = (browser: BrowserClient): Promise<Answer> => browser.json("POST", "/auth/login", ANN);
const signOut = (browser: BrowserClient): Promise<Answer> => browser.json("POST", "/auth/logout", {});
const account = async (browser: BrowserClient): Promise<number> => (await browser.json("GET", "/account")).status;
const textOf = async (browser: BrowserClient, path: string): Promise<string> => (await browser.get(path)).text;
const cookieOf = (browser: BrowserClient): string => browser.jar.get(SID)?.value ?? assert.fail("there is no session cookie");
const idOf = (browser: BrowserClient): string => cookieOf(browser).slice("s%3A".length).split(".")[0] ?? "";

/** Ann is let in again, without a restart. */
async function comesBack(app: App, ann: BrowserClient): Promise<void> {
  await app.connected();
  const tries: number[] = [];
  while (tries.length < 5 && tries.at(-1) !== 200) tries.push(await account(ann));
  assert.equal(tries.at(-1), 200, `of five tries none got in: ${tries}`);
}

/** What people meet while the store does not answer: nobody is let in, nothing is told as done, and strangers do not notice. Answers with whoever tried to sign in. */
async function meetsNobody(app: App, ann: BrowserClient): Promise<BrowserClient> {
  const [stranger, visitor] = [app.browser(), app.browser()];
  const before = [...app.storer.dump().signIns.keys()];
  const refused = await Promise.all([signIn(stranger), signOut(ann.fork()), ann.json("GET", "/account"), ann.json("GET", "/")]);
  for (const { status, text } of refused) assert.deepEqual([status, /"reason":"(\w+)"/.exec(text)?.[1]], [503, "unavailable"]);
  assert.equal(await account(visitor), 401);
  assert.equal(await textOf(visitor, "/"), "start");
  assert.deepEqual([...app.storer.dump().signIns.keys()], before);
  return stranger;
}

/** Stops the server, as a crash would; what it answers starts it again. */
async function stop(server: SessionServer): Promise<() => Promise<void>> {
  let isAway = true;
  const start = async (): Promise<void> => {
    if (!isAway) return;
    isAway = false;
    await server.start();
  };
  await server.stop();
  onTestFinished(start);
  return start;
}

// The recipes tell the log of each connection that broke: here all of them were broken on purpose.
vi.spyOn(console, "error").mockReturnValue();

describe.each(Object.entries(places))("sessions in %s", (_name, place) => {
  describe.skipIf(place.isMissing)("on its server", () => {
    let server: SessionServer;
    beforeAll(async () => {
      server = await place.serve();
    });
    beforeEach(() => server.empty());
    afterAll(() => server.end());

    it("lie there without their ids, and end there with the longest sign-in", async () => {
      const app = await start(place, server, { lifetime: { absolute: hours(40) } });
      const ann = app.browser();
      await ann.get("/cart");
      const secrets = [cookieOf(ann), idOf(ann)];
      await signUp(ann);
      await ann.get("/count");
      secrets.push(cookieOf(ann), idOf(ann), decodeURIComponent(cookieOf(ann)));
      const rows = await server.rows();
      assert.equal(rows.length, 1);
      for (const { text, end } of rows) {
        assert.match(text, /a lamp/);
        for (const secret of secrets) assert.ok(!text.includes(secret));
        const far = Math.abs(end.getTime() - app.clock.now().getTime() - hours(40));
        assert.ok(far < minutes(1), `it ends ${far} ms from where it should`);
      }
    });

    it("keep what the application puts there, in every process, and change their id at sign-in and sign-out, with `keep` and no more", async () => {
      const app = await start(place, server);
      const ann = app.browser();
      await signUp(ann);
      await signOut(ann);
      await ann.get("/cart");
      assert.deepEqual([await textOf(ann, "/count"), await textOf(ann, "/count")], ["1", "2"]);
      const ids = [idOf(ann)];
      await signIn(ann);
      ids.push(idOf(ann));
      assert.equal(await textOf(ann, "/shelf"), "a lamp, nothing");
      await ann.get("/count");
      const other = await start(place, server, { like: app });
      const there = other.browser();
      there.jar.put(ann.jar.get(SID) ?? assert.fail());
      assert.deepEqual([await account(there), await textOf(there, "/shelf")], [200, "a lamp, 1"]);
      await signOut(ann);
      ids.push(idOf(ann));
      assert.equal(await textOf(ann, "/shelf"), "a lamp, nothing");
      await signIn(ann);
      ids.push(idOf(ann));
      assert.equal(new Set(ids).size, 4);
      assert.equal((await server.rows()).length, 1);
    });

    it("are left for good: a copied cookie is nobody's, also where the row is still there or was put back, in every process", async () => {
      const app = await start(place, server);
      const other = await start(place, server, { like: app });
      const ann = app.browser();
      await signUp(ann);
      await ann.get("/cart");
      const cookie = ann.jar.get(SID) ?? assert.fail();
      const thieves = [app.browser(), other.browser()] as const;
      for (const thief of thieves) thief.jar.put(cookie);
      assert.deepEqual([await account(thieves[0]), await account(thieves[1])], [200, 200]);
      const putBack = await server.copy();
      assert.equal((await signOut(ann)).status, 200);
      for (const thief of thieves) assert.equal(await account(thief), 401);
      await putBack();
      assert.ok((await server.rows()).some(({ text }) => text.includes("a lamp")));
      for (const thief of thieves) {
        thief.jar.put(cookie);
        assert.equal(await account(thief), 401);
      }
      assert.equal(await textOf(thieves[0], "/shelf"), "nothing, nothing");
      thieves[1].jar.put(cookie);
      assert.equal((await signIn(thieves[1])).status, 200);
      assert.notEqual(cookieOf(thieves[1]), cookie.value);
      const late = other.browser();
      late.jar.put(cookie);
      assert.equal(await account(late), 401);
    });

    it("open nothing after the idle time, nor after the absolute one, although the rows are there", async () => {
      const app = await start(place, server, { lifetime: { idle: minutes(30), absolute: hours(2) } });
      const ann = app.browser();
      await signUp(ann);
      await ann.get("/count");
      app.clock.advance(minutes(29));
      assert.equal(await account(ann), 200);
      app.clock.advance(minutes(30));
      assert.equal(await account(ann), 401);
      await signIn(ann);
      for (let round = 0; round < 4; round += 1) {
        app.clock.advance(minutes(29));
        assert.deepEqual([await account(ann), await textOf(ann, "/count")], [200, String(round + 1)]);
      }
      app.clock.advance(minutes(4));
      assert.equal(await account(ann), 401);
      assert.ok((await server.rows()).some(({ text }) => text.includes("count")));
    });

    it("let nobody in while the server is away, and everybody again once it is back", async () => {
      const app = await start(place, server, { patience: 1_000 });
      const ann = app.browser();
      await signUp(ann);
      await ann.get("/count");
      const restart = await stop(server);
      const stranger = await meetsNobody(app, ann);
      await restart();
      await comesBack(app, ann);
      assert.equal(await account(stranger), 401);
      assert.equal((await signIn(stranger)).status, 200);
      assert.equal((await signOut(stranger)).status, 200);
      assert.equal(await account(stranger), 401);
    });

    it("let nobody wait for a server that has fallen silent, however many go on asking", async () => {
      const proxy = await proxyTo(server.uri);
      const app = await start(place, server, { uri: proxy.uri, patience: 1_000 });
      const ann = app.browser();
      await signUp(ann);
      await ann.get("/count");
      proxy.silence(true);
      let isOver = false;
      const met = meetsNobody(app, ann).finally(() => {
        isOver = true;
      });
      const others: Promise<number>[] = [];
      while (!isOver) {
        others.push(account(ann.fork()));
        for (let visit = 0; visit < 10; visit += 1) await app.browser().get("/");
      }
      const stranger = await met;
      assert.deepEqual(new Set(await Promise.all(others)), new Set([503]));
      proxy.silence(false);
      await comesBack(app, ann);
      assert.equal(await account(stranger), 401);
    });

    it("keep no process from starting whose server is away", async () => {
      const restart = await stop(server);
      const app = await start(place, server, { patience: 1_000, isAway: true });
      const ann = app.browser();
      assert.equal((await signUp(ann)).status, 503);
      await restart();
      await app.connected();
      const answers: number[] = [];
      while (answers.length < 5 && answers.at(-1) !== 200) answers.push((await signIn(ann)).status);
      assert.equal(answers.at(-1), 200, `of five tries none got in: ${answers}`);
      assert.equal(await textOf(ann, "/count"), "1");
    });

    it("are not asked without `eager` before somebody looks, so that who is signed in stays so while the server is away", async () => {
      const app = await start(place, server, { patience: 1_000, eager: false });
      const ann = app.browser();
      await signUp(ann);
      const restart = await stop(server);
      assert.equal(await textOf(ann, "/account"), "account of ann@example.com");
      const stranger = app.browser();
      assert.deepEqual([await account(stranger), (await signIn(stranger)).status], [401, 503]);
      await restart();
      await comesBack(app, ann);
    });
  });
});
