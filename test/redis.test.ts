/** An application on Redis: its server is stopped and started again, its sessions are kept there too, and what lies there opens nothing (R18, F03, F07). */
import assert from "node:assert/strict";
import { digest } from "@castellan/core";
import type { Answer } from "@castellan/testkit";
import { describe, it } from "vitest";
import {
  ANN,
  BOB,
  type DoorApp,
  type DoorChanges,
  haveUser,
  logIn,
  logOut,
  PASSWORD,
  sessionIdOf,
  signedIn,
  startDoors,
  verdictOf,
  whoIs,
} from "./support/doors.ts";
import { type OpenedRedis, openRedis, withoutRedis } from "./support/redis.ts";

async function startOnRedis(changes: DoorChanges = {}): Promise<{ app: DoorApp; redis: OpenedRedis }> {
  const redis = await openRedis();
  return { app: await startDoors({ ...changes, opened: redis }), redis };
}

/** Keeps a cart in the session. */
const withCart: DoorChanges = {
  add: (app, gate) => {
    app.get("/cart", async (req, res) => {
      const session = await gate.session(req);
      session.put("cart", "a book");
      await session.save();
      res.send("ok");
    });
    app.get("/look", async (req, res) => void res.send(String((await gate.session(req)).get("cart") ?? "empty")));
  },
};

/** The first of five tries that is answered otherwise than by 503. */
async function withinFive(ask: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; tries < 5; tries += 1) {
    const answer = await ask();
    if (answer.status !== 503) return answer;
  }
  return ask();
}

describe.skipIf(withoutRedis)("an application whose Redis is stopped and started again", () => {
  it("answers 503 and lets nobody in while it is away; the first request within five tries after its return succeeds, and all is as it was", async () => {
    const { app, redis } = await startOnRedis();
    await haveUser(app);
    const [signed, out] = [await signedIn(app), await signedIn(app)];
    assert.equal(verdictOf(await logOut(out)), "200 signed_out");
    await redis.server.stop();
    const stranger = app.browser();
    for (const answer of [
      await logIn(stranger),
      await logIn(stranger, ANN, "wrong"),
      await stranger.json("POST", "/auth/register", { email: BOB, password: PASSWORD }),
      await signed.json("GET", "/account"),
      await logOut(signed),
      await out.json("GET", "/account"),
    ]) {
      assert.match(verdictOf(answer), /^503 unavailable$|^401 /);
    }
    assert.equal(verdictOf(await logIn(stranger)), "503 unavailable");
    assert.equal(verdictOf(await signed.json("GET", "/account")), "503 unavailable");
    assert.equal((await stranger.get("/")).text, "start");
    await redis.server.start();
    assert.equal((await withinFive(() => signed.get("/account"))).text, `account of ${ANN}`);
    assert.equal(await whoIs(stranger), "nobody");
    assert.equal(await whoIs(out), "nobody");
    assert.equal(verdictOf(await logIn(stranger, BOB)), "401 invalid_credentials");
    assert.equal(verdictOf(await logIn(stranger)), "200 signed_in");
  });
});

describe.skipIf(withoutRedis)("sessions in Redis", () => {
  it("are kept, and gone after a logout", async () => {
    const { app } = await startOnRedis(withCart);
    await haveUser(app);
    const browser = await signedIn(app);
    await browser.get("/cart");
    assert.equal((await browser.get("/look")).text, "a book");
    await logOut(browser);
    assert.equal((await browser.get("/look")).text, "empty");
  });

  it("sign nobody in who was signed out, though a slow request writes its session back afterwards", async () => {
    const { app, redis } = await startOnRedis(withCart);
    await haveUser(app);
    const browser = await signedIn(app);
    await browser.get("/cart");
    const id = sessionIdOf(browser);
    assert.ok(id);
    const key = digest("session", decodeURIComponent(id).replace(/^s:/, "").split(".")[0] ?? "");
    const session = await redis.storer.loadSession(key, app.clock.now());
    assert.ok(session, "the session does not lie under the hash of its id");
    const old = browser.fork();
    await logOut(browser);
    await redis.storer.saveSession(key, session);
    assert.ok(await redis.storer.loadSession(key, app.clock.now()), "nothing was written back");
    assert.equal(await whoIs(old), "nobody");
    assert.equal((await old.json("GET", "/account")).status, 401);
  });

  it("and all else that lies there hold no session id and no password", async () => {
    const { app, redis } = await startOnRedis(withCart);
    await haveUser(app);
    const browser = await signedIn(app);
    await browser.get("/cart");
    await logIn(app.browser(), ANN, "a wrong guess of hers");
    const dump = await redis.dump();
    assert.ok(dump.includes(ANN) && dump.includes("a book"), "the dump is not what it should be");
    const id =
      decodeURIComponent(sessionIdOf(browser) ?? "")
        .replace(/^s:/, "")
        .split(".")[0] ?? "";
    assert.ok(id.length >= 22);
    for (const secret of [id, PASSWORD, "a wrong guess of hers"]) assert.ok(!dump.includes(secret), secret);
  });
});
