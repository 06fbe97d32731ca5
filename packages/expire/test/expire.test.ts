/** What is promised of the end of sign-ins. @module */
import assert from "node:assert/strict";
import { type expire, expired } from "@castellan/expire";
import { ConfigError, days, hours, minutes, seconds } from "castellan";
import { describe, it } from "vitest";
import { ANN, type App, logIn, PID, signedIn, startApp, whoIs } from "./support.ts";

const FULL = `${ANN} full`;

/** Hears every end that is told. */
function listenTo(app: App): string[] {
  const heard: string[] = [];
  app.gate.on(expired).after("notify", ({ signIn }) => void heard.push(signIn.pid));
  return heard;
}

describe("a sign-in", () => {
  it("T16.01 T16.04: that is new has the whole idle time before it", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    assert.equal((await browser.get("/ends")).text, "2026-01-01T01:00:00.000Z");
  });

  it("T16.03 T16.05: that is used goes on, and has the whole idle time before it again", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    for (const ends of ["2026-01-01T01:59:00.000Z", "2026-01-01T02:58:00.000Z"]) {
      app.clock.advance(minutes(59));
      assert.equal((await browser.get("/account")).text, `account of ${ANN}`);
      assert.equal((await browser.get("/ends")).text, ends);
    }
  });

  it("says when it ends in the very request that moved the end", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    app.clock.advance(minutes(30));
    assert.equal((await browser.get("/ends")).text, "2026-01-01T01:30:00.000Z");
  });

  it("T16.02: that was not used for an hour is over: the page is asked for by nobody, and no row is left", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    app.clock.advance(hours(1));
    const answer = await browser.get("/me");
    assert.deepEqual([answer.status, answer.text], [200, "nobody"]);
    assert.equal(app.storer.dump().signIns.size, 0);
    assert.equal((await browser.get("/ends")).text, "never");
  });

  it("is not over a second before", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    app.clock.advance(seconds(3599));
    assert.equal(await whoIs(browser), FULL);
  });

  it("is over after a day, however much it is used, and never says more", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    for (let half = 0; half < 47; half += 1) {
      app.clock.advance(minutes(30));
      assert.equal(await whoIs(browser), FULL);
    }
    assert.equal((await browser.get("/ends")).text, "2026-01-02T00:00:00.000Z");
    app.clock.advance(minutes(30));
    assert.equal(await whoIs(browser), "nobody");
  });

  it("may have other times, also an idle one that is longer than the whole", async () => {
    const app = await startApp({ expire: { idle: days(3), absolute: hours(2) } });
    const browser = await signedIn(app);
    assert.equal((await browser.get("/ends")).text, "2026-01-01T02:00:00.000Z");
    app.clock.advance(hours(2));
    assert.equal(await whoIs(browser), "nobody");
  });

  it("has these times also where the gate has others", async () => {
    const app = await startApp({ gate: { lifetime: { idle: days(9), absolute: days(9) } } });
    assert.equal((await (await signedIn(app)).get("/ends")).text, "2026-01-01T01:00:00.000Z");
  });

  it("is over for whoever kept its cookie, and stays so when the clock goes on", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    const copy = browser.fork();
    app.clock.advance(hours(1));
    await whoIs(browser);
    assert.equal(await whoIs(copy), "nobody");
    await logIn(browser);
    assert.equal(await whoIs(copy), "nobody", "nor does a new sign-in bring it back");
  });
});

describe("use", () => {
  it("is written once a minute at most, and reading costs no write", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    const writes = () => app.storer.queries["touchSignIn"] ?? 0;
    for (let second = 0; second < 59; second += 1) {
      app.clock.advance(seconds(1));
      await whoIs(browser);
    }
    assert.equal(writes(), 0);
    app.clock.advance(seconds(1));
    for (let time = 0; time < 5; time += 1) await whoIs(browser);
    assert.equal(writes(), 1);
    app.clock.advance(minutes(1));
    await whoIs(browser);
    assert.equal(writes(), 2);
  });

  it("on a page that asks for nobody is none", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    app.clock.advance(minutes(59));
    await browser.get("/");
    app.clock.advance(minutes(1));
    assert.equal(await whoIs(browser), "nobody");
  });
});

describe("the end", () => {
  it("is told once, however many requests find it at once", async () => {
    const app = await startApp();
    const heard = listenTo(app);
    const browser = await signedIn(app);
    app.clock.advance(hours(1));
    const answers = await Promise.all(Array.from({ length: 10 }, () => whoIs(browser.fork())));
    assert.deepEqual(new Set(answers), new Set(["nobody"]));
    assert.deepEqual(heard, [PID]);
    await whoIs(browser);
    assert.deepEqual(heard, [PID]);
  });

  it("is none of a sign-in that was ended: by its owner, by an administrator, by a new password", async () => {
    const app = await startApp();
    const heard = listenTo(app);
    const [out, ended, changed] = [await signedIn(app), await signedIn(app), await signedIn(app)];
    const copy = out.fork();
    await out.json("POST", "/auth/logout", {});
    await app.gate.endSignIns(PID, "all");
    await app.gate.updatePassword(PID, "a quite different pass phrase");
    app.clock.advance(hours(1));
    for (const browser of [copy, ended, changed]) assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(heard, []);
  });

  it("leaves a message on the next page, once, and none with a JSON client", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    app.clock.advance(hours(1));
    await browser.get("/");
    await browser.get("/me");
    assert.match((await browser.get("/auth/login")).page.text, /You were away for a while, so we signed you out\./);
    assert.doesNotMatch((await browser.get("/auth/login")).page.text, /You were away/);
    const client = await signedIn(app);
    app.clock.advance(hours(1));
    const answer = await client.json("GET", "/account");
    assert.deepEqual([answer.status, answer.setCookies.filter((line) => line.includes("flash"))], [401, []]);
  });

  it("takes along what the application kept in the session of that person, but for what is to be kept", async () => {
    const app = await startApp({
      gate: { keep: ["theme"] },
      add: (express, gate) => {
        express.get("/keep", gate.require(), (req, res) => {
          Object.assign(req.session, { diary: "secret", theme: "dark" });
          res.send("kept");
        });
        express.get("/kept", async (req, res) => {
          await gate.currentUser(req);
          const { diary = null, theme = null } = Object(req.session);
          res.json([diary, theme]);
        });
      },
    });
    const browser = await signedIn(app);
    await browser.get("/keep");
    assert.deepEqual((await browser.get("/kept")).json(), ["secret", "dark"]);
    const before = browser.jar.get("__Host-castellan-sid")?.value;
    app.clock.advance(hours(1));
    await whoIs(browser);
    assert.deepEqual((await browser.get("/kept")).json(), [null, "dark"]);
    assert.notEqual(browser.jar.get("__Host-castellan-sid")?.value, before);
  });

  it("is not undone by a slow request that began before it, whatever that does to its session", async () => {
    let [reach, open] = [() => {}, () => {}];
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const app = await startApp({
      add: (express, gate) => {
        express.get("/slow", gate.require(), async (req, res) => {
          reach();
          await opened;
          Object.assign(req.session, { diary: "secret" });
          res.send("done");
        });
      },
    });
    const browser = await signedIn(app);
    const copy = browser.fork();
    const slow = browser.fork().get("/slow");
    await reached;
    app.clock.advance(hours(1));
    assert.equal(await whoIs(browser), "nobody");
    open();
    assert.equal((await slow).text, "done");
    for (const one of [browser, copy]) assert.equal(await whoIs(one), "nobody");
  });

  it("that is asked for after the answer is noticed by the next request", async () => {
    const app = await startApp({
      add: (express, gate) => {
        express.get("/late", async (req, res) => {
          res.end("sent");
          await gate.currentUser(req);
        });
      },
    });
    const heard = listenTo(app);
    const browser = await signedIn(app);
    app.clock.advance(hours(1));
    assert.equal((await browser.get("/late")).text, "sent");
    assert.deepEqual(heard, []);
    await whoIs(browser);
    assert.deepEqual(heard, [PID]);
    assert.equal(app.log.length, 0);
  });

  it("does not wait for the storer to have swept, and nothing is told of what was swept", async () => {
    const app = await startApp();
    const heard = listenTo(app);
    const browser = await signedIn(app);
    app.clock.advance(hours(1));
    await app.gate.sweep();
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(heard, []);
  });
});

describe("together with a remembered browser", () => {
  for (const rememberFirst of [false, true]) {
    it(`the end is told, and the browser comes back by half, whichever module is listed first (${rememberFirst ? "remember" : "expire"})`, async () => {
      const app = await startApp({ rememberFirst });
      const heard = listenTo(app);
      const browser = await signedIn(app, true);
      app.clock.advance(hours(1));
      assert.equal((await browser.get("/account")).text, `account of ${ANN}`);
      assert.equal(await whoIs(browser), `${ANN} half`);
      assert.deepEqual(heard, [PID]);
      assert.equal(app.storer.dump().signIns.size, 1);
      app.clock.advance(hours(1));
      assert.equal(await whoIs(browser), `${ANN} half`, "as often as it comes back");
    });
  }
});

describe("wrong figures", () => {
  it("are an error at the start that names each", async () => {
    const options = { idle: "1h", absolute: -1 };
    await assert.rejects(startApp({ expire: options as unknown as Parameters<typeof expire>[0] & object }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.problems.map((problem) => /`(\w+)`/.exec(problem)?.[1]).sort(), ["absolute", "idle"]);
      return true;
    });
  });
});

describe("the storer being away", () => {
  it("is a 503, and nobody is signed out by it", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    app.storer.fail(new Error("away"));
    assert.equal((await browser.get("/account")).status, 503);
    app.storer.fail(null);
    assert.equal(await whoIs(browser), FULL);
  });
});
