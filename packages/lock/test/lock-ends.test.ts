/** A lock, and its ends: time, the mailed link, an administrator; and the middleware that asks for it. @module */
import assert from "node:assert/strict";
import type { BrowserClient } from "@castellan/testkit";
import { days, hours, minutes } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  linkIn,
  lockOut,
  logIn,
  NOBODY,
  OTHER_PASSWORD,
  PASSWORD,
  parallel,
  pidOf,
  reasonOf,
  signedIn,
  startApp,
  startStrict,
  times,
  told,
  wrong,
} from "./support.ts";

/** An application whose locks begin after three attempts, and nothing else stands in the way. */

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
