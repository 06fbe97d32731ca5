/** What was remembered, and how it ends: a copied cookie, a sign-out, a new password, time; and a storer that is away. @module */
import assert from "node:assert/strict";
import { rememberTheft } from "@castellan/remember";
import type { BrowserClient } from "@castellan/testkit";
import { minutes, seconds } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  BOB,
  cookieOf,
  FULL,
  HALF,
  logIn,
  OTHER_PASSWORD,
  PASSWORD,
  parallel,
  pidOf,
  remembered,
  reopened,
  seriesOf,
  startApp,
  whoIs,
} from "./support.ts";

describe("a copied cookie", () => {
  const copied = async () => {
    const app = await startApp();
    const owner = await reopened(app);
    const elsewhere = await remembered(app);
    const thefts: string[] = [];
    app.gate.on(rememberTheft).after("notify", ({ pid }) => void thefts.push(pid));
    return { app, owner, thief: owner.fork(), elsewhere, thefts };
  };

  /** One of the two comes first; the other one, after the grace, finds everything ended. */
  const bothOut = async (first: "owner" | "thief") => {
    const { app, owner, thief, elsewhere, thefts } = await copied();
    const [one, other] = first === "owner" ? [owner, thief] : [thief, owner];
    assert.equal(await whoIs(one), HALF);
    app.clock.advance(seconds(15));
    assert.equal(await whoIs(other), "nobody");
    for (const browser of [one, other, elsewhere]) assert.equal(await whoIs(browser), "nobody");
    elsewhere.jar.closeBrowser();
    assert.equal(await whoIs(elsewhere), "nobody", "nor is anything else of the user remembered");
    assert.deepEqual([app.storer.dump().signIns.size, seriesOf(app).length, cookieOf(other)], [0, 0, null]);
    const mails = await app.mails();
    assert.deepEqual(
      mails.map(({ to, subject }) => [to.address, subject]),
      [[ANN, "Somebody may have copied your sign-in"]],
    );
    assert.deepEqual(thefts, [pidOf(ANN)]);
  };

  it("ends with every sign-in of the user when the owner came first", () => bothOut("owner"));
  it("ends with every sign-in of the user when the thief came first", () => bothOut("thief"));

  it("is told of once, also when it comes many times at once", async () => {
    const { app, owner, thief, thefts } = await copied();
    await whoIs(owner);
    app.clock.advance(minutes(1));
    const answers = await parallel(10, () => whoIs(thief.fork()));
    assert.deepEqual(new Set(answers), new Set(["nobody"]));
    assert.deepEqual([(await app.mails()).length, thefts.length], [1, 1]);
  });

  it("does the owner no lasting harm: the password opens all again", async () => {
    const { app, owner, thief } = await copied();
    await whoIs(owner);
    app.clock.advance(minutes(1));
    await whoIs(thief);
    await logIn(owner, ANN, true);
    assert.equal(await whoIs(owner), FULL);
  });
});

describe("what was remembered ends", () => {
  /** A remembered browser that is open, another one, and copies of both cookies as they are. */
  const start = async () => {
    const app = await startApp();
    const [here, there] = [await remembered(app), await remembered(app)];
    const copy = (browser: BrowserClient) => {
      const fork = browser.fork();
      fork.jar.closeBrowser();
      return fork;
    };
    return { app, here, there, hereAgain: () => whoIs(copy(here)), thereAgain: () => whoIs(copy(there)), old: copy(here) };
  };

  it("with a sign-out, in that browser", async () => {
    const { here, old, thereAgain } = await start();
    await here.json("POST", "/auth/logout", {});
    assert.equal(cookieOf(here), null);
    assert.equal(await whoIs(old), "nobody");
    assert.equal(await thereAgain(), HALF);
  });

  it("with a sign-out that finds the session over: the cookie does not sign in again behind it", async () => {
    const { here, old, app } = await start();
    here.jar.closeBrowser();
    await here.json("POST", "/auth/logout", {});
    assert.deepEqual([cookieOf(here), seriesOf(app).length], [null, 1]);
    assert.equal(await whoIs(old), "nobody");
  });

  it("T14.09: with a new password, everywhere", async () => {
    const { app, here, old, thereAgain } = await start();
    const answer = await here.json("POST", "/auth/password", { password: PASSWORD, new_password: OTHER_PASSWORD });
    assert.equal(answer.status, 200);
    assert.equal(await whoIs(here), FULL);
    assert.deepEqual([cookieOf(here), seriesOf(app).length], [null, 0]);
    assert.equal(await whoIs(old), "nobody");
    assert.equal(await thereAgain(), "nobody");
  });

  it("with a new password that the application sets, and with a recovery", async () => {
    const set = await start();
    await set.app.gate.updatePassword(pidOf(ANN), OTHER_PASSWORD);
    assert.deepEqual([await set.hereAgain(), seriesOf(set.app).length], ["nobody", 0]);
    const { app, hereAgain, thereAgain } = await start();
    await app.browser().json("POST", "/auth/recover", { email: ANN });
    const link = /https:\S+/.exec((await app.mails()).at(-1)?.text ?? "")?.[0].slice(app.rootUrl.length) ?? "";
    const landing = await app.browser().get(link);
    await landing.page.form().submit({ password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    assert.deepEqual([await hereAgain(), await thereAgain(), seriesOf(app).length], ["nobody", "nobody", 0]);
  });

  it("everywhere else with a sign-out everywhere else", async () => {
    const { here, hereAgain, thereAgain } = await start();
    assert.equal((await here.post("/elsewhere", {})).text, "1");
    assert.equal(await thereAgain(), "nobody");
    assert.equal(await hereAgain(), HALF);
  });

  it("when sign-ins are ended from a list: nobody knows which browser is whose", async () => {
    const { app, hereAgain, thereAgain } = await start();
    const [signIn] = await app.gate.signIns(pidOf(ANN));
    await app.gate.endSignIns(pidOf(ANN), { id: signIn?.id ?? "" });
    assert.deepEqual([await hereAgain(), await thereAgain()], ["nobody", "nobody"]);
  });

  it("when the user is disabled, and does not come back with the user", async () => {
    const { app, old, hereAgain } = await start();
    await app.gate.disable(pidOf(ANN));
    assert.equal(await hereAgain(), "nobody");
    await app.gate.enable(pidOf(ANN));
    assert.equal(await whoIs(old), "nobody");
  });

  it("when the user is deleted", async () => {
    const { app, hereAgain } = await start();
    app.storer.removeUser(pidOf(ANN));
    assert.equal(await hereAgain(), "nobody");
  });

  it("when somebody else signs in there, or the same person without the box", async () => {
    const { app, here, there } = await start();
    await logIn(here, BOB);
    await logIn(there, ANN);
    assert.deepEqual([cookieOf(here), cookieOf(there), seriesOf(app).length], [null, null, 0]);
    here.jar.closeBrowser();
    assert.equal(await whoIs(here), "nobody");
  });

  it("when somebody else is to be remembered there", async () => {
    const { app, here, old } = await start();
    await logIn(here, BOB, true);
    here.jar.closeBrowser();
    assert.equal(await whoIs(here), `${BOB} half`);
    assert.deepEqual(
      seriesOf(app)
        .map(({ pid }) => pid)
        .sort(),
      [pidOf(ANN), pidOf(BOB)],
    );
    assert.equal(await whoIs(old), "nobody");
  });
});

describe("the storer being away", () => {
  it("is a 503, and the cookie is kept", async () => {
    const app = await startApp();
    const browser = await reopened(app);
    const before = cookieOf(browser);
    app.storer.fail(new Error("away"));
    assert.equal((await browser.get("/account")).status, 503);
    assert.equal(cookieOf(browser), before);
    app.storer.fail(null);
    assert.equal(await whoIs(browser), HALF);
  });

  it("after the secret was replaced, hands the new one over all the same", async () => {
    let broken = false;
    const app = await startApp({
      storer: (storer) => ({
        ...storer,
        createSignIn: (...given) => (broken ? Promise.reject(new Error("away")) : storer.createSignIn(...given)),
      }),
    });
    const browser = await reopened(app);
    const before = cookieOf(browser);
    broken = true;
    assert.equal((await browser.get("/account")).status, 503);
    assert.notEqual(cookieOf(browser), before);
    broken = false;
    app.clock.advance(minutes(1));
    assert.equal(await whoIs(browser), HALF);
    assert.equal((await app.mails()).length, 0);
  });
});
