/** What is promised of remembered browsers. @module */
import assert from "node:assert/strict";
import { type remember, remembered as rememberChannel } from "@castellan/remember";
import { ConfigError, days, minutes, seconds } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  CAT,
  COOKIE,
  cookieOf,
  HALF,
  logIn,
  PASSWORD,
  PIN,
  parallel,
  pidOf,
  remembered,
  reopened,
  replaceCookie,
  seriesOf,
  startApp,
  whoIs,
} from "./support.ts";

describe("the box on the login page", () => {
  it("T14.01: is there with the module, for a browser and for a JSON client", async () => {
    const app = await startApp();
    const { page } = await app.browser().get("/auth/login");
    assert.ok(page.form().field("remember"));
    const data = (await app.browser().json("GET", "/auth/login")).json();
    assert.ok(Reflect.get(Object(Reflect.get(Object(data), "fields")), "remember"));
  });

  it("T14.02: when it is ticked, begins one series, and the browser gets a cookie that outlives it", async () => {
    const app = await startApp();
    const { page } = await app.browser().get("/auth/login");
    const answer = await page.form().submit({ email: ANN, password: PASSWORD, remember: true }, { followRedirects: false });
    const [line = "", ...others] = answer.setCookies.filter((one) => one.startsWith(COOKIE));
    assert.equal(others.length, 0);
    assert.match(line, /^__Host-castellan-remember=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=1209600$/);
    const [series, ...more] = seriesOf(app);
    assert.deepEqual([series?.pid, series?.epoch, series?.expiresAt, more.length], [pidOf(ANN), 0, new Date("2026-01-15T00:00:00Z"), 0]);
  });

  it("T14.03: when it is not, remembers nothing", async () => {
    const app = await startApp();
    const browser = app.browser();
    await logIn(browser);
    assert.deepEqual([cookieOf(browser), seriesOf(app).length], [null, 0]);
  });

  it("counts after the second factor too, and only then", async () => {
    const app = await startApp();
    const browser = app.browser();
    await logIn(browser, CAT, true);
    assert.deepEqual([cookieOf(browser), seriesOf(app).length], [null, 0]);
    await browser.json("POST", "/auth/pin", { pin: PIN });
    browser.jar.closeBrowser();
    assert.equal(await whoIs(browser), `${CAT} half`);
  });

  it("is an argument of the application's own login", async () => {
    const app = await startApp({
      add: (express, gate) => {
        express.get("/enter", async (req, res) => {
          const outcome = await gate.auth.login({ login: ANN, password: PASSWORD, remember: true }, req);
          res.send("ok" in outcome ? "in" : "out");
        });
      },
    });
    const browser = app.browser();
    assert.equal((await browser.get("/enter")).text, "in");
    browser.jar.closeBrowser();
    assert.equal(await whoIs(browser), HALF);
  });
});

describe("the cookie", () => {
  it("T14.10: names nobody, is sealed, and its secret is stored as a hash only", async () => {
    const app = await startApp();
    const value = cookieOf(await remembered(app)) ?? "";
    const token = /[\w-]{64}/.exec(value)?.[0] ?? "";
    const atRest = JSON.stringify(app.storer.dump(), (_, one) => (one instanceof Map ? [...one] : one));
    assert.ok(!atRest.includes(value) && !(token !== "" && atRest.includes(token)));
    for (const text of [value, Buffer.from(value, "base64url").toString("latin1")])
      assert.ok(!text.includes(pidOf(ANN)) && !text.includes(ANN));
    const [series] = seriesOf(app);
    assert.deepEqual([series?.selector.length, series?.verifierHash.length], [22, 43]);
  });

  it("is another one in each browser, and one of them ends without the other", async () => {
    const app = await startApp();
    const [phone, desk] = [await remembered(app), await remembered(app)];
    assert.notEqual(cookieOf(phone), cookieOf(desk));
    await phone.json("POST", "/auth/logout", {});
    desk.jar.closeBrowser();
    assert.equal(await whoIs(desk), HALF);
  });

  it("works for as long as `lasts` says, from the sign-in on: coming back does not move its end", async () => {
    const app = await startApp({ remember: { lasts: days(3) } });
    const browser = await reopened(app);
    for (let day = 1; day < 3; day += 1) {
      app.clock.advance(days(1));
      assert.equal(await whoIs(browser), HALF);
      browser.jar.closeBrowser();
    }
    app.clock.advance(days(1));
    assert.equal(cookieOf(browser), null, "the browser has removed it");
    assert.equal(await whoIs(browser), "nobody");
  });

  it("is dead at its end for the server too, whoever kept it", async () => {
    const app = await startApp({ remember: { lasts: days(3) } });
    const browser = await reopened(app);
    const cookie = browser.jar.get(COOKIE);
    assert.ok(cookie);
    app.clock.advance(days(3));
    browser.jar.put({ ...cookie, expiresAt: null });
    assert.equal(await whoIs(browser), "nobody");
    assert.equal(cookieOf(browser), null);
  });
});

describe("a browser that comes back", () => {
  it("T14.04 T14.05: is signed in by half in that very request, under a new secret of the same series", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    const [cookie, [before]] = [cookieOf(browser), seriesOf(app)];
    const answer = await browser.get("/account");
    assert.equal(answer.text, `account of ${ANN}`);
    assert.match(answer.setCookies.find((line) => line.startsWith(COOKIE)) ?? "", /HttpOnly; SameSite=Lax; Secure; Max-Age=1209600$/);
    assert.notEqual(cookieOf(browser), cookie);
    const [series, ...others] = seriesOf(app);
    assert.deepEqual([others.length, series?.selector], [0, before?.selector]);
    assert.notEqual(series?.verifierHash, before?.verifierHash);
    assert.equal(await whoIs(browser), HALF);
  });

  it("is refused where a full sign-in is asked for, in that very request and in the next", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    const [first, second] = [await browser.json("GET", "/full"), await browser.json("GET", "/full")];
    for (const answer of [first, second])
      assert.deepEqual([answer.status, Reflect.get(Object(answer.json()), "reason")], [403, "full_login_required"]);
    const fresh = await reopened(app);
    const sent = await fresh.get("/full", { followRedirects: false });
    assert.deepEqual([sent.status, sent.location], [303, "/auth/login?redir=%2Ffull"]);
  });

  it("is full again with the password, and back where it wanted to go", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    const { page } = await browser.get("/full");
    const answer = await page.form("/auth/login").submit({ email: ANN, password: PASSWORD, remember: true });
    assert.equal(answer.text, `full ${ANN}`);
  });

  it("is signed in by its session from then on: the cookie is not looked at again", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    await whoIs(browser);
    const [series] = seriesOf(app);
    app.clock.advance(minutes(10));
    assert.equal(await whoIs(browser), HALF);
    assert.deepEqual(seriesOf(app), [series]);
    browser.jar.delete(COOKIE);
    assert.equal(await whoIs(browser), HALF);
  });

  it("is told to whoever listens, once", async () => {
    const app = await startApp();
    const heard: string[] = [];
    app.gate.on(rememberChannel).after("notify", ({ user }) => void heard.push(user.login));
    const browser = await reopened(app);
    await whoIs(browser);
    await whoIs(browser);
    assert.deepEqual(heard, [ANN]);
  });

  it("changes nothing on a page that asks for nobody", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    const before = cookieOf(browser);
    await browser.get("/");
    assert.equal(cookieOf(browser), before);
  });

  it("is nobody to a handler that asks after it has answered, and keeps its secret", async () => {
    let late: unknown = "not asked";
    const app = await startApp({
      add: (express, gate) => {
        express.get("/late", async (req, res) => {
          res.end("sent");
          late = await gate.currentUser(req);
        });
      },
    });
    const browser = await reopened(app);
    const before = seriesOf(app);
    assert.equal((await browser.get("/late")).text, "sent");
    assert.equal(late, null);
    assert.deepEqual(seriesOf(app), before);
    assert.equal(await whoIs(browser), HALF);
  });
});

describe("requests that come side by side", () => {
  it("ten with one cookie, all are served, the secret is replaced once, and the browser ends signed in", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    const tabs = Array.from({ length: 10 }, () => browser.fork());
    const answers = await parallel(10, async (index) => {
      const answer = await tabs[index]?.get("/account");
      assert.ok(answer);
      return answer;
    });
    for (const answer of answers) assert.equal(answer.text, `account of ${ANN}`);
    const renewed = answers.filter(({ setCookies }) => setCookies.some((line) => line.startsWith(COOKIE)));
    assert.equal(renewed.length, 1);
    assert.equal(app.storer.dump().signIns.size, 2, "that of the first visit, and one more");
    // One browser takes in all answers, in whatever order they come.
    for (const { url, setCookies } of answers.toReversed()) browser.jar.store(new URL(url), setCookies);
    assert.equal(await whoIs(browser), HALF);
    browser.jar.closeBrowser();
    app.clock.advance(minutes(1));
    assert.equal(await whoIs(browser), HALF);
    assert.equal((await app.mails()).length, 0);
  });

  it("within the grace, the secret before is good for its own request and no other, and for half as well", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    const behind = browser.fork();
    await whoIs(browser);
    app.clock.advance(seconds(14));
    assert.equal(await whoIs(behind), HALF);
    assert.equal((await behind.json("GET", "/full")).status, 403);
    assert.equal(behind.jar.get("__Host-castellan-sid"), null);
    assert.equal(app.storer.dump().signIns.size, 2, "that of the sign-in with the box, and that of the one that came back first");
  });
});

describe("a worthless cookie", () => {
  it("T14.06: of a series that is not there leaves an anonymous visitor, and goes", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    await app.storer.endRememberSeriesOf(pidOf(ANN), null);
    const answer = await browser.get("/me");
    assert.equal(answer.text, "nobody");
    assert.match(answer.setCookies.find((line) => line.startsWith(COOKIE)) ?? "", /^__Host-castellan-remember=; .*Max-Age=0/);
  });

  it("T14.07 T14.08: that no key opens is not looked at, whatever it is made of", async () => {
    const app = await startApp();
    const stranger = await startApp({ gate: { keys: ["another-key-of-the-tests-0123456789-abcdefghij"] } });
    const foreign = cookieOf(await remembered(stranger)) ?? "";
    const browser = await reopened(app);
    const value = cookieOf(browser) ?? "";
    const flipped = `${value.slice(0, -1)}${value.endsWith("A") ? "B" : "A"}`;
    const before = app.storer.queries;
    for (const other of ["", "x", "%00", "pid-of-ann;secret", value.slice(1), `${value}A`, flipped, foreign, "A".repeat(3000)]) {
      const copy = browser.fork();
      replaceCookie(copy, other);
      assert.equal(await whoIs(copy), "nobody", other.slice(0, 20));
    }
    assert.equal(app.storer.queries["rotateRememberSeries"], before["rotateRememberSeries"]);
    assert.equal(await whoIs(browser), HALF, "nor has it done harm");
  });

  it("is a cookie of ours for another purpose, and one that comes twice", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    const copy = browser.fork();
    replaceCookie(copy, browser.jar.get("__Host-castellan-browser")?.value ?? "");
    assert.equal(await whoIs(copy), "nobody");
    const value = cookieOf(browser);
    const twice = await app.browser().get("/me", { headers: { Cookie: `${COOKIE}=${value}; ${COOKIE}=${value}` } });
    assert.equal(twice.text, "nobody");
  });
});

describe("a guard that refuses", () => {
  it("leaves an anonymous visitor on the application's page, and no answer of its own", async () => {
    const app = await startApp();
    const { login, refuse } = await import("castellan");
    let closed = false;
    app.gate.on(login).before("guard", () => (closed ? refuse(403, "account_disabled") : null));
    const browser = await reopened(app);
    closed = true;
    const answer = await browser.get("/me");
    assert.deepEqual([answer.status, answer.text], [200, "nobody"]);
    assert.equal(browser.jar.get("__Host-castellan-sid"), null);
    closed = false;
    assert.equal(await whoIs(browser), HALF, "the cookie was kept");
  });
});

describe("a sign-in that waits for its second factor", () => {
  it("is not disturbed by the cookie of the same user, nor by another's, and what it was for is kept", async () => {
    const app = await startApp();
    for (const before of [CAT, ANN]) {
      const browser = app.browser();
      await logIn(browser, before, true);
      if (before === CAT) await browser.json("POST", "/auth/pin", { pin: PIN });
      browser.jar.closeBrowser();
      await logIn(browser, CAT, true);
      for (const path of ["/me", "/", "/auth/login"]) await browser.get(path);
      assert.equal(await whoIs(browser), "nobody");
      const answer = await browser.json("POST", "/auth/pin", { pin: PIN });
      assert.equal(answer.status, 200, `after ${before} was remembered`);
      assert.equal(await whoIs(browser), `${CAT} full`);
      browser.jar.closeBrowser();
      assert.equal(await whoIs(browser), `${CAT} half`);
    }
  });

  it("once its time is over, gives way to whoever is remembered", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    await logIn(browser, CAT);
    assert.equal(await whoIs(browser), "nobody");
    app.clock.advance(minutes(10));
    assert.equal(await whoIs(browser), HALF);
  });
});

describe("wrong figures", () => {
  it("are an error at the start that names each", async () => {
    const options = { lasts: "14d", grace: Number.POSITIVE_INFINITY };
    await assert.rejects(startApp({ remember: options as unknown as Parameters<typeof remember>[0] & object }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.problems.map((problem) => /`(\w+)`/.exec(problem)?.[1]).sort(), ["grace", "lasts"]);
      return true;
    });
  });
});
