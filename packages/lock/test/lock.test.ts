/** What is promised of locks. @module */
import assert from "node:assert/strict";
import type { lock } from "@castellan/lock";
import { ConfigError, minutes } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  BOB,
  linkIn,
  lockOut,
  logIn,
  NOBODY,
  PASSWORD,
  PIN,
  parallel,
  pidOf,
  reasonOf,
  signedIn,
  startApp,
  startStrict,
  times,
  told,
  typePin,
  UNTHROTTLED,
  wrong,
} from "./support.ts";

/** An application whose locks begin after three attempts, and nothing else stands in the way. */

describe("attempts", () => {
  it("T15.01: are counted from the first request on, and the routes of the module are there", async () => {
    const app = await startApp();
    assert.deepEqual(
      app.gate.describe().routes.filter((route) => route.endsWith("(lock)")),
      ["GET /unlock (lock)", "POST /unlock (lock)"],
    );
    assert.equal((await app.browser().get("/auth/unlock")).status, 200);
  });

  it("T15.02 T15.05: are looked at five times in a quarter of an hour; the sixth begins the lock and says so", async () => {
    const app = await startApp();
    const stranger = app.browser();
    assert.deepEqual(await wrong(stranger, 4), times(401, 4));
    assert.equal((await logIn(stranger)).status, 200, "there is no lock yet");
    const other = app.browser();
    assert.deepEqual(await wrong(other, 5), times(401, 5));
    const hashes = app.hasher.calls.verify;
    const answer = await logIn(other, ANN, "wrong");
    assert.deepEqual([answer.status, reasonOf(answer)], [403, "account_locked"]);
    assert.equal(app.hasher.calls.verify, hashes, "its password was not looked at");
  });

  it("are counted before they are looked at: of 100 at once exactly as many are as without haste", async () => {
    const app = await startApp({ gate: UNTHROTTLED });
    const hashes = app.hasher.calls.verify;
    const answers = await parallel(100, (index) => logIn(app.browser(), ANN, `wrong ${index}`));
    assert.equal(app.hasher.calls.verify - hashes, 5);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [...times(401, 5), ...times(403, 95)]);
    assert.equal((await app.mails()).length, 1, "and the owner is told once");
  });

  it("let the right password in among wrong ones only while some are left", async () => {
    const app = await startApp({ gate: UNTHROTTLED });
    const hashes = app.hasher.calls.verify;
    await parallel(40, (index) => logIn(app.browser(), ANN, index === 20 ? PASSWORD : `wrong ${index}`));
    assert.ok(app.hasher.calls.verify - hashes <= 6, "five wrong ones, and the right one that takes itself back");
    assert.equal((await logIn(app.browser())).status, 403);
  });

  it("T15.04: begin anew with a sign-in", async () => {
    const app = await startStrict();
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual(await wrong(app.browser(), 2), times(401, 2));
      assert.equal((await logIn(app.browser())).status, 200);
    }
    await lockOut(app);
  });

  it("begin anew a quarter of an hour after the first of them, however late the last one was", async () => {
    const app = await startStrict();
    assert.deepEqual(await wrong(app.browser(), 1), [401]);
    app.clock.advance(minutes(14));
    assert.deepEqual(await wrong(app.browser(), 2), [401, 401]);
    app.clock.advance(minutes(1));
    assert.deepEqual(await wrong(app.browser(), 4), [...times(401, 3), 403]);
  });

  it("are few where `after` is 1: the second one locks", async () => {
    const app = await startApp({ lock: { after: 1 } });
    assert.deepEqual(await wrong(app.browser(), 2), [401, 403]);
    const other = await startApp({ lock: { after: 1 } });
    for (let round = 0; round < 3; round += 1)
      assert.equal((await logIn(other.browser())).status, 200, "who is right every time is never locked");
  });

  it("are one count, however the login is spelled", async () => {
    const app = await startStrict();
    for (const spelling of [" ann@example.com", "ANN@example.com", "ann@EXAMPLE.com "])
      assert.deepEqual(await wrong(app.browser(), 1, spelling), [401]);
    assert.deepEqual(await wrong(app.browser(), 1), [403]);
  });

  it("of the application's own checks count too, and a right one takes back itself and no other", async () => {
    const app = await startStrict();
    assert.equal(await app.gate.verifyPassword(pidOf(ANN), "wrong"), false);
    assert.equal(await app.gate.verifyPassword(pidOf(ANN), "wrong"), false);
    for (let time = 0; time < 10; time += 1) assert.ok("ok" in (await app.gate.auth.authenticate({ login: ANN, password: PASSWORD })));
    assert.deepEqual(await wrong(app.browser(), 2), [401, 403]);
  });

  it("on another account leave this one alone, and a sign-in of one's own buys no new ones there", async () => {
    const app = await startStrict();
    const attacker = app.browser();
    assert.deepEqual(await wrong(attacker, 2, BOB), [401, 401]);
    assert.equal((await logIn(attacker)).status, 200);
    assert.deepEqual(await wrong(attacker, 2, BOB), [401, 403]);
    assert.equal((await logIn(app.browser())).status, 200);
  });

  it("with the second factor are of the same count, and the right password between them forgives none", async () => {
    const app = await startStrict();
    const attacker = app.browser();
    for (const digits of ["000000", "000001"]) {
      assert.equal(reasonOf(await logIn(attacker, BOB)), "second_factor_required");
      assert.equal((await typePin(attacker, digits)).status, 401);
    }
    assert.equal(reasonOf(await logIn(attacker, BOB)), "second_factor_required");
    assert.equal((await typePin(attacker, "000002")).status, 401);
    const right = await typePin(attacker, PIN);
    assert.deepEqual([right.status, reasonOf(right)], [403, "account_locked"], "the right one comes too late");
    assert.equal((await logIn(app.browser(), BOB)).status, 403);
    assert.equal((await app.mails()).length, 1);
  });

  it("with the second factor begin anew when it was right, also where `after` is 1", async () => {
    const app = await startApp({ lock: { after: 1 } });
    for (let round = 0; round < 3; round += 1) {
      const browser = app.browser();
      await logIn(browser, BOB);
      assert.equal((await typePin(browser, PIN)).status, 200);
    }
    assert.deepEqual(await wrong(app.browser(), 2, BOB), [401, 403]);
  });
});

describe("a login that nobody has", () => {
  it("is counted, locked and answered as any other: status, words, headers, work and mails in the queue", async () => {
    const app = await startStrict();
    const headersOf = ({ headers: { date: _, ...headers } }: Awaited<ReturnType<typeof logIn>>) => ({
      ...headers,
      "set-cookie": headers["set-cookie"]?.length,
    });
    const runs = [];
    for (const email of [ANN, NOBODY]) {
      const stranger = app.browser();
      const seen = [];
      for (let time = 0; time < 6; time += 1) {
        const before = app.storer.queries;
        const hashes = app.hasher.calls.verify;
        const answer = await logIn(stranger, email, "wrong");
        // The mail to the owner, or to nobody, leaves after the answer.
        await app.gate.deliverMails();
        const { values: _, ...words } = told(answer);
        const work = Object.entries(app.storer.queries).map(([name, count]) => [name, count - (before[name] ?? 0)]);
        seen.push({
          status: answer.status,
          words,
          headers: headersOf(answer),
          hashes: app.hasher.calls.verify - hashes,
          work: work.filter(([, count]) => count !== 0),
        });
      }
      runs.push(seen);
    }
    const [known, unknown] = runs;
    assert.deepEqual(
      known?.map(({ status }) => status),
      [...times(401, 3), ...times(403, 3)],
    );
    assert.deepEqual(unknown, known);
    const sent = await app.mails();
    assert.deepEqual(
      sent.map(({ to }) => to.address),
      [ANN],
    );
  });

  it("is free again when a lock of its own would be", async () => {
    const app = await startStrict();
    await lockOut(app, NOBODY);
    app.clock.advance(minutes(5));
    assert.deepEqual(await wrong(app.browser(), 1, NOBODY), [401]);
  });
});

describe("the owner's own browser", () => {
  it("cannot be shut out by strangers: neither by the lock nor by the throttle", async () => {
    const app = await startApp();
    const owner = await signedIn(app);
    const stranger = app.browser();
    assert.deepEqual(await wrong(stranger, 11), [...times(401, 5), ...times(403, 5), 429]);
    assert.equal((await logIn(owner)).status, 200);
    assert.equal((await logIn(app.browser())).status, 429);
  });

  it("has attempts of its own, and then those of everybody; both end", async () => {
    const app = await startStrict();
    const owner = await signedIn(app);
    assert.deepEqual(await wrong(owner, 7), [...times(401, 6), 403]);
    assert.equal((await logIn(owner)).status, 403);
    const [mail] = await app.mails();
    await app.browser().json("POST", "/auth/unlock", { token: linkIn(mail, app).replace(/.*=/, "") });
    assert.equal((await logIn(owner)).status, 200, "the link of the lock that was told of helps here too");
    assert.deepEqual(await wrong(owner, 4), [...times(401, 3), 403], "its own are used up until their time is over");
    app.clock.advance(minutes(5));
    assert.equal((await logIn(owner)).status, 200);
  });

  it("has a throttle of its own too, which ends like the one of strangers", async () => {
    const app = await startApp({ lock: { after: 100 } });
    const owner = await signedIn(app);
    assert.deepEqual(await wrong(owner, 11), [...times(401, 10), 429]);
    assert.deepEqual(await wrong(app.browser(), 1), [401], "strangers have theirs");
    app.clock.advance(minutes(15));
    assert.equal((await logIn(owner)).status, 200);
  });

  it("has its attempts back after a sign-in, and so has everybody", async () => {
    const app = await startStrict();
    const owner = await signedIn(app);
    for (let round = 0; round < 2; round += 1) {
      assert.deepEqual(await wrong(app.browser(), 2), times(401, 2));
      assert.deepEqual(await wrong(owner, 2), times(401, 2));
      assert.equal((await logIn(owner)).status, 200);
    }
    await lockOut(app);
  });

  it("is nobody's but the user's who signed in there: another user's, an unsigned or a changed cookie is a stranger's", async () => {
    const app = await startStrict();
    const bob = app.browser();
    await logIn(bob, BOB);
    await typePin(bob, PIN);
    const ann = await signedIn(app);
    const cookie = ann.jar.get("__Host-castellan-browser");
    assert.ok(cookie);
    const forged = app.browser();
    forged.jar.put({ ...cookie, value: `${cookie.value.slice(0, -1)}${cookie.value.endsWith("A") ? "B" : "A"}` });
    await lockOut(app);
    for (const browser of [bob, forged]) assert.equal((await logIn(browser)).status, 403);
    assert.equal((await logIn(ann)).status, 200);
  });

  it("is known after a whole sign-in only, not by the right password alone", async () => {
    const app = await startStrict();
    const attacker = app.browser();
    await logIn(attacker, BOB);
    assert.equal(attacker.jar.get("__Host-castellan-browser"), null);
  });
});

describe("wrong figures", () => {
  it("are an error at the start that names each: a lock that never begins does not show", async () => {
    const options = { after: "5", window: "15m", lasts: Number.NaN, longest: 0 };
    await assert.rejects(startApp({ lock: options as unknown as Parameters<typeof lock>[0] & object }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.problems.map((problem) => /`(\w+)`/.exec(problem)?.[1]).sort(), ["after", "lasts", "longest", "window"]);
      return true;
    });
  });

  it("are an error without the option `mail`: the link could not be sent", async () => {
    await assert.rejects(startApp({ gate: { mail: undefined } as never }), /lock/);
  });
});

describe("the storer being away", () => {
  it("is a 503, and nobody gets in uncounted", async () => {
    const app = await startApp();
    const browser = app.browser();
    app.storer.fail(new Error("away"));
    assert.equal((await logIn(browser)).status, 503);
    app.storer.fail(null);
    assert.equal((await logIn(browser)).status, 200);
  });
});
