/** What is promised of locks. @module */
import assert from "node:assert/strict";
import type { lock } from "@castellan/lock";
import type { BrowserClient } from "@castellan/testkit";
import { ConfigError, days, hours, minutes } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  type App,
  BOB,
  linkIn,
  logIn,
  NOBODY,
  OTHER_PASSWORD,
  PASSWORD,
  PIN,
  parallel,
  pidOf,
  reasonOf,
  signedIn,
  startApp,
  times,
  told,
  typePin,
  UNTHROTTLED,
  wrong,
} from "./support.ts";

/** An application whose locks begin after three attempts, and nothing else stands in the way. */
const startStrict = (changes: Parameters<typeof startApp>[0] = {}) =>
  startApp({ gate: UNTHROTTLED, ...changes, lock: { after: 3, ...changes.lock } });

/** Uses up what strangers have, and one more: from here on the account is locked. */
async function lockOut(app: App, email = ANN): Promise<void> {
  assert.deepEqual(await wrong(app.browser(), 4, email), [...times(401, 3), 403]);
}

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

describe("a lock", () => {
  it("T15.03: answers the right password and a wrong one alike, as a page and as JSON, looks at neither, and counts nothing", async () => {
    const app = await startStrict();
    await lockOut(app);
    const counted = app.storer.dump().attempts;
    const hashes = app.hasher.calls.verify;
    const [right, bad] = [await logIn(app.browser()), await logIn(app.browser(), ANN, "wrong")];
    assert.deepEqual([right.status, told(right)], [bad.status, told(bad)]);
    assert.deepEqual([right.status, reasonOf(right)], [403, "account_locked"]);
    const pages = [];
    for (const password of [PASSWORD, "wrong"]) {
      const { page } = await app.browser().get("/auth/login");
      const shown = await page.form().submit({ email: ANN, password });
      assert.match(shown.page.text, /This account is locked\./);
      pages.push([shown.status, shown.text.replaceAll(/[\w-]{86}/g, "TOKEN")]);
    }
    assert.deepEqual(pages[0], pages[1]);
    assert.equal(app.hasher.calls.verify, hashes);
    assert.deepEqual(app.storer.dump().attempts, counted);
  });

  it("ends by itself after five minutes, however often somebody tries meanwhile", async () => {
    const app = await startStrict();
    await lockOut(app);
    for (let minute = 0; minute < 4; minute += 1) {
      app.clock.advance(minutes(1));
      assert.deepEqual(await wrong(app.browser(), 5), times(403, 5));
    }
    app.clock.advance(minutes(1));
    assert.equal((await logIn(app.browser())).status, 200);
  });

  it("is followed by a full count and another one, twice as long each time, an hour at most", async () => {
    const app = await startStrict();
    for (const lasts of [5, 10, 20, 40, 60, 60]) {
      await lockOut(app);
      app.clock.advance(minutes(lasts - 1));
      assert.deepEqual(await wrong(app.browser(), 1), [403], `still locked just before ${lasts} minutes`);
      app.clock.advance(minutes(1));
    }
    assert.equal((await logIn(app.browser())).status, 200);
  });

  it("is a first one again after a day without, and after a sign-in", async () => {
    const app = await startStrict();
    const lastsFive = async () => {
      await lockOut(app);
      app.clock.advance(minutes(5));
      assert.deepEqual(await wrong(app.browser(), 1), [401]);
    };
    await lastsFive();
    app.clock.advance(days(1));
    await lastsFive();
    assert.equal((await logIn(app.browser())).status, 200);
    await lastsFive();
  });

  it("by attempts leaves whoever is signed in alone", async () => {
    const app = await startStrict();
    const owner = await signedIn(app);
    await lockOut(app);
    assert.equal((await owner.get("/account")).text, `account of ${ANN}`);
  });

  it("is no way around it by another proof of who somebody is", async () => {
    const app = await startStrict();
    assert.equal((await app.browser().json("POST", "/auth/vouched", {})).status, 200);
    await lockOut(app);
    const answer = await app.browser().json("POST", "/auth/vouched", {});
    assert.deepEqual([answer.status, reasonOf(answer)], [403, "account_locked"]);
  });

  it("is told to the owner, once for each, with a link that is told to nobody else", async () => {
    const app = await startStrict();
    await lockOut(app);
    await wrong(app.browser(), 10);
    const [mail, ...others] = await app.mails();
    assert.equal(others.length, 0);
    assert.deepEqual([mail?.to.address, mail?.subject], [ANN, "Your account was locked"]);
    assert.match(linkIn(mail, app), /^\/auth\/unlock\?token=[\w-]{64}$/);
    app.clock.advance(minutes(5));
    await lockOut(app);
    assert.equal((await app.mails()).length, 2);
  });

  it("and its end are told to the application", async () => {
    const app = await startStrict();
    const { lockChannel, unlockChannel } = await import("@castellan/lock");
    const heard: unknown[] = [];
    app.gate.on(lockChannel).after("notify", ({ user, until }) => void heard.push([user?.login ?? null, until.toISOString()]));
    app.gate.on(unlockChannel).after("notify", ({ pid }) => void heard.push(pid));
    await lockOut(app);
    await lockOut(app, NOBODY);
    await app.gate.lock.unlock(pidOf(ANN));
    assert.deepEqual(heard, [[ANN, "2026-01-01T00:05:00.000Z"], [null, "2026-01-01T00:05:00.000Z"], pidOf(ANN)]);
  });

  it("ends with a finished recovery", async () => {
    const app = await startStrict();
    await lockOut(app);
    const browser = app.browser();
    await browser.json("POST", "/auth/recover", { email: ANN });
    const landing = await browser.get(linkIn((await app.mails()).at(-1), app));
    await landing.page.form().submit({ password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    assert.equal((await logIn(app.browser(), ANN, OTHER_PASSWORD)).status, 200);
  });
});

describe("the mailed link", () => {
  const locked = async (changes: Parameters<typeof startApp>[0] = {}) => {
    const app = await startStrict(changes);
    await lockOut(app);
    const link = linkIn((await app.mails()).at(-1), app);
    return { app, link, token: link.slice(link.indexOf("=") + 1) };
  };
  const spend = (browser: BrowserClient, token: string) => browser.json("POST", "/auth/unlock", { token });

  it("leads to a page, without the token in its address, and the button there ends the lock", async () => {
    const { app, link } = await locked();
    const browser = app.browser();
    const landing = await browser.get(link);
    assert.equal(landing.url, `${app.rootUrl}/auth/unlock`);
    const done = await landing.page.form().submit();
    assert.deepEqual([done.url, done.page.text.includes("Your account is unlocked.")], [`${app.rootUrl}/auth/login`, true]);
    assert.equal((await logIn(app.browser())).status, 200);
  });

  it("leads where `afterUnlock` says", async () => {
    const { app, token } = await locked({ lock: { after: 3, afterUnlock: "/welcome" } });
    assert.deepEqual(told(await spend(app.browser(), token)), {
      status: "success",
      reason: "unlocked",
      message: "Your account is unlocked. You can sign in now.",
      location: "/welcome",
    });
  });

  it("changes nothing when it is fetched, by GET or HEAD, however often", async () => {
    const { app, link } = await locked();
    const attempts = app.storer.dump().attempts;
    for (const method of ["GET", "HEAD", "GET"]) await app.browser().request(method, link, { followRedirects: true, mode: "bare" });
    assert.deepEqual(app.storer.dump().attempts, attempts);
    assert.equal((await logIn(app.browser())).status, 403);
  });

  it("is good for one: of twenty at once the others are told that it is spent", async () => {
    const { app, token } = await locked();
    const answers = await parallel(20, () => spend(app.browser(), token));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...times(410, 19)]);
    assert.equal(reasonOf(await spend(app.browser(), token)), "link_invalid");
  });

  it("is good for the lock that it was mailed for, and worthless for the next", async () => {
    const { app, token } = await locked();
    app.clock.advance(minutes(5));
    await lockOut(app);
    assert.equal((await spend(app.browser(), token)).status, 410);
    assert.equal((await logIn(app.browser())).status, 403);
  });

  it("is void after `linkLasts`, after a new password, and in the place of one for another purpose", async () => {
    const late = await locked({ lock: { after: 3, lasts: days(2), longest: days(2) } });
    late.app.clock.advance(hours(1));
    assert.equal((await spend(late.app.browser(), late.token)).status, 410);
    const changed = await locked();
    await changed.app.gate.updatePassword(pidOf(ANN), OTHER_PASSWORD);
    assert.equal((await spend(changed.app.browser(), changed.token)).status, 410);
    const { app, token } = await locked();
    const answer = await app.browser().json("POST", "/auth/recover/end", { token, password: OTHER_PASSWORD });
    assert.equal(answer.status, 410);
  });

  it("has to be whole: none, an empty or a made-up token does nothing", async () => {
    const { app, token } = await locked();
    for (const other of ["", " ", "\0", "null", token.slice(1), `${token}A`, token.replace(/^./, (first) => (first === "A" ? "B" : "A"))]) {
      assert.ok([410, 422, 400].includes((await spend(app.browser(), other)).status), JSON.stringify(other));
    }
    assert.equal((await app.browser().json("POST", "/auth/unlock", {})).status, 410);
    assert.equal((await logIn(app.browser())).status, 403);
  });

  it("is stored as a hash only", async () => {
    const { app, token } = await locked();
    const atRest = JSON.stringify(app.storer.dump(), (_, value) => (value instanceof Map ? [...value] : value));
    assert.ok(!atRest.includes(token) && !atRest.includes(token.slice(22)));
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

describe("an administrator", () => {
  it("T15.06: locks a user until further notice: every sign-in ends, and every browser is refused, known or not", async () => {
    const app = await startApp();
    const owner = await signedIn(app);
    assert.equal(await app.gate.lock.lock(pidOf(ANN)), true);
    assert.notEqual((await owner.get("/account")).text, `account of ${ANN}`);
    const hashes = app.hasher.calls.verify;
    for (const browser of [owner, app.browser()]) {
      for (const password of [PASSWORD, "wrong"]) assert.equal(reasonOf(await logIn(browser, ANN, password)), "account_locked");
    }
    assert.equal(app.hasher.calls.verify, hashes);
    app.clock.advance(days(400));
    assert.equal((await logIn(app.browser())).status, 403);
    assert.equal((await app.mails()).length, 0, "it is the administrator's to tell");
  });

  it("locks for as long as is said", async () => {
    const app = await startApp();
    await app.gate.lock.lock(pidOf(ANN), hours(2));
    app.clock.advance(hours(1));
    assert.equal((await logIn(app.browser())).status, 403);
    app.clock.advance(hours(1));
    assert.equal((await logIn(app.browser())).status, 200);
  });

  it("T15.07: unlocks a user, whoever locked, and the count is full again", async () => {
    const app = await startStrict();
    await app.gate.lock.lock(pidOf(ANN));
    assert.equal(await app.gate.lock.unlock(pidOf(ANN)), true);
    assert.equal((await logIn(app.browser())).status, 200);
    await lockOut(app);
    await app.gate.lock.unlock(pidOf(ANN));
    await lockOut(app);
    await app.gate.lock.unlock(pidOf(ANN));
    assert.equal((await logIn(app.browser())).status, 200);
  });

  it("learns when there is no such user", async () => {
    const app = await startApp();
    assert.deepEqual([await app.gate.lock.lock("nobody"), await app.gate.lock.unlock("nobody")], [false, false]);
  });

  it("is not overruled by a recovery, nor by a link of an earlier lock", async () => {
    const app = await startStrict({ recover: { signIn: true } });
    await lockOut(app);
    const unlock = linkIn((await app.mails()).at(-1), app);
    await app.gate.lock.lock(pidOf(ANN));
    const browser = app.browser();
    await browser.json("POST", "/auth/recover", { email: ANN });
    const landing = await browser.get(linkIn((await app.mails()).at(-1), app));
    await landing.page.form().submit({ password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    assert.notEqual((await browser.get("/account")).text, `account of ${ANN}`);
    const answer = await app.browser().json("POST", "/auth/unlock", { token: unlock.replace(/.*=/, "") });
    assert.equal(answer.status, 410);
    assert.equal((await logIn(browser, ANN, OTHER_PASSWORD)).status, 403);
  });

  it("asks of any user whether they are locked", async () => {
    const app = await startStrict();
    const isLocked = async () => {
      const user = await app.storer.load(pidOf(ANN));
      return user && app.gate.lock.isLocked(user);
    };
    assert.equal(await isLocked(), false);
    await lockOut(app);
    assert.equal(await isLocked(), true);
    app.clock.advance(minutes(5));
    assert.equal(await isLocked(), false);
  });
});

describe("the middleware", () => {
  const startGuarded = () =>
    startStrict({
      add: (express, gate) => {
        express.get(
          "/strict",
          gate.lock.middleware(),
          async (req, res) => void res.send(`hello ${(await gate.currentUser(req))?.login ?? "stranger"}`),
        );
      },
    });

  it("T15.08: lets a user without a lock pass, and a stranger", async () => {
    const app = await startGuarded();
    assert.equal((await (await signedIn(app)).get("/strict")).text, `hello ${ANN}`);
    assert.equal((await app.browser().get("/strict")).text, "hello stranger");
  });

  it("T15.09: turns a locked user away with 403, as a page and as JSON, until the lock is over", async () => {
    const app = await startGuarded();
    const owner = await signedIn(app);
    await lockOut(app);
    const [page, json] = [await owner.get("/strict"), await owner.json("GET", "/strict")];
    assert.deepEqual([page.status, json.status, reasonOf(json)], [403, 403, "account_locked"]);
    assert.match(page.page.text, /This account is locked\./);
    app.clock.advance(minutes(5));
    assert.equal((await owner.get("/strict")).text, `hello ${ANN}`);
  });

  it("asks nothing of the storer beyond who is signed in", async () => {
    const app = await startGuarded();
    const owner = await signedIn(app);
    const workOf = async (path: string) => {
      const before = app.storer.queries;
      await owner.get(path);
      return Object.entries(app.storer.queries)
        .filter(([name, count]) => count !== before[name])
        .map(([name]) => name);
    };
    assert.deepEqual(await workOf("/strict"), await workOf("/account"));
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
