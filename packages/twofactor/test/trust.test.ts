/** Trusted browsers: where the second factor is not asked for at a sign-in, and where it is all the same. @module */
import assert from "node:assert/strict";
import { type BrowserClient, memoryStorer } from "@castellan/testkit";
import { twofactor } from "@castellan/twofactor";
import { ConfigError, castellan, days, expressSessions } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  type App,
  answerPin,
  answerRecovery,
  BOB,
  giveCard,
  givePin,
  logIn,
  pidOf,
  signedIn,
  startApp,
  told,
  verdictOf,
  waiting,
  whoIsFull,
} from "./support.ts";

const COOKIE = "__Host-castellan-trust";

const startTrusting = (): Promise<App> => startApp({ twofactor: { trust: days(30) } });

/** A browser that signed in with the second factor and ticked the box, and signed out. */
async function trusting(app: App, login = ANN, browser = app.browser()): Promise<BrowserClient> {
  await logIn(browser, login);
  assert.equal(verdictOf(await answerPin(browser, undefined, { trust: true })), "200 signed_in");
  await browser.json("POST", "/auth/logout", {});
  return browser;
}

const list = (app: App, login = ANN) => app.gate.twofactor.trustedBrowsers(pidOf(login));

describe("a trusted browser", () => {
  it("is not asked for the second factor at a sign-in, and others are", async () => {
    const app = await startTrusting();
    await givePin(app);
    const browser = await trusting(app);
    assert.equal(verdictOf(await logIn(browser)), "200 signed_in");
    assert.equal(await whoIsFull(browser), ANN);
    assert.equal(verdictOf(await logIn(app.browser())), "200 second_factor_required");
    assert.equal(verdictOf(await logIn(browser, ANN, "wrong")), "401 invalid_credentials");
  });

  it("comes by a box on the page for the code, which is not there without the option", async () => {
    const app = await startTrusting();
    await givePin(app);
    const browser = await waiting(app);
    const form = (await browser.get("/auth/2fa/pin/validate")).page.form("/auth/2fa/pin/validate");
    await form.submit({ code: "271828", trust: true });
    assert.equal((await list(app)).length, 1);

    const plain = await startApp();
    await givePin(plain);
    const page = await (await waiting(plain)).get("/auth/2fa/pin/validate");
    assert.doesNotMatch(page.text, /trust/i);
    assert.equal(verdictOf(await answerPin(await waiting(plain), undefined, { trust: true })), "200 signed_in");
    assert.deepEqual(await list(plain), []);
  });

  it("has no mark of a second factor: a page that asks for one asks", async () => {
    const app = await startTrusting();
    await givePin(app);
    const browser = await trusting(app);
    await logIn(browser);
    assert.match((await browser.get("/safe")).url, /\/auth\/2fa\/pin\/validate/);
    assert.equal(verdictOf(await browser.json("POST", "/auth/2fa/pin/remove", {})), "403 second_factor_missing");
  });

  it("is asked again after thirty days, to the millisecond, however often it signed in", async () => {
    const app = await startTrusting();
    await givePin(app);
    const browser = await trusting(app);
    app.clock.advance(days(29));
    assert.equal(verdictOf(await logIn(browser)), "200 signed_in");
    await browser.json("POST", "/auth/logout", {});
    app.clock.advance(days(1));
    assert.equal(verdictOf(await logIn(browser)), "200 second_factor_required");
  });

  it("is trusted for one user: another who signs in there is asked", async () => {
    const app = await startTrusting();
    for (const login of [ANN, BOB]) await givePin(app, login);
    const browser = await trusting(app);
    assert.equal(verdictOf(await logIn(browser, BOB)), "200 second_factor_required");
    await trusting(app, BOB, browser);
    for (const login of [ANN, BOB]) {
      assert.equal(verdictOf(await logIn(browser, login)), "200 signed_in");
      await browser.json("POST", "/auth/logout", {});
    }
  });

  it("is trusted by its cookie, whose secret lies nowhere, and by no other", async () => {
    const app = await startTrusting();
    await givePin(app);
    const browser = await trusting(app);
    const cookie = browser.jar.get(COOKIE);
    assert.ok(cookie?.httpOnly && cookie.secure);
    assert.equal(JSON.stringify(app.storer.dump().trustedBrowsers).includes(cookie.value), false);
    const [row] = await list(app);
    const thief = app.browser();
    for (const value of ["", "x", row?.id, row?.keyHash, cookie.value.toUpperCase(), `${cookie.value}x`]) {
      thief.jar.put({ ...cookie, value: value ?? "" });
      assert.equal(verdictOf(await logIn(thief)), "200 second_factor_required");
    }
  });

  it("ends with a new password, and with every change of factors", async () => {
    const app = await startTrusting();
    await givePin(app);
    const changes: readonly ((inside: BrowserClient) => Promise<unknown>)[] = [
      () => app.gate.updatePassword(pidOf(ANN), "another correct horse"),
      () => giveCard(app),
      (inside) => inside.json("POST", "/auth/2fa/card/remove", {}),
    ];
    let password = "correct horse battery staple";
    for (const change of changes) {
      const browser = app.browser();
      await logIn(browser, ANN, password);
      await answerPin(browser, undefined, { trust: true });
      assert.equal((await list(app)).length, 1);
      await change(browser);
      assert.deepEqual(await list(app), []);
      password = "another correct horse";
      const again = browser.fork();
      await again.json("POST", "/auth/logout", {});
      assert.equal(verdictOf(await logIn(again, ANN, password)), "200 second_factor_required");
    }
  });

  it("is listed on the overview with where it is, and can be ended there, one or all", async () => {
    const app = await startTrusting();
    await givePin(app);
    const [first, second] = [await trusting(app), await trusting(app)];
    const inside = await signedIn(app);
    const overview = told(await inside.json("GET", "/auth/2fa")) as { trustedBrowsers: { id: string; network: string }[] };
    assert.equal(overview.trustedBrowsers.length, 2);
    assert.match((await inside.get("/auth/2fa")).page.text, /Trusted browsers.*Ask here again/s);
    const [newest, oldest] = overview.trustedBrowsers;
    assert.equal(verdictOf(await inside.json("POST", "/auth/2fa/trusted/end", { id: newest?.id })), "200 browser_untrusted");
    assert.equal(verdictOf(await inside.json("POST", "/auth/2fa/trusted/end", { id: newest?.id })), "404 browser_not_trusted");
    const verdicts = [verdictOf(await logIn(first)), verdictOf(await logIn(second))].sort();
    assert.deepEqual(verdicts, ["200 second_factor_required", "200 signed_in"]);
    assert.equal(await app.gate.twofactor.endTrustedBrowser(pidOf(BOB), oldest?.id ?? ""), false);
    assert.equal(verdictOf(await inside.json("POST", "/auth/2fa/trusted/end", {})), "200 browser_untrusted");
    assert.deepEqual(await list(app), []);
  });

  it("of another user cannot be ended, nor by an array, nor by a stranger or half a sign-in", async () => {
    const app = await startTrusting();
    for (const login of [ANN, BOB]) await givePin(app, login);
    await trusting(app);
    const [row] = await list(app);
    const bob = await signedIn(app, BOB);
    for (const id of [row?.id, [row?.id], { id: row?.id }, ""]) {
      assert.equal(verdictOf(await bob.json("POST", "/auth/2fa/trusted/end", { id })), "404 browser_not_trusted");
    }
    const stranger = app.browser();
    assert.equal((await stranger.json("POST", "/auth/2fa/trusted/end", { id: row?.id })).status, 401);
    await stranger.json("POST", "/auth/half", { login: ANN });
    assert.equal((await stranger.json("POST", "/auth/2fa/trusted/end", { id: row?.id })).status, 403);
    assert.equal((await list(app)).length, 1);
  });

  it("can be made with a recovery code too, and is not made by a wrong answer", async () => {
    const app = await startTrusting();
    await givePin(app);
    const inside = await signedIn(app);
    const { codes } = told(await inside.json("POST", "/auth/2fa/recovery/regen", {})) as { codes: string[] };
    const browser = await waiting(app);
    await answerPin(browser, "000000", { trust: true });
    assert.deepEqual(await list(app), []);
    await browser.json("POST", "/auth/2fa/recovery", { recovery_code: codes[0], trust: true });
    assert.equal((await list(app)).length, 1);
    assert.equal(verdictOf(await answerRecovery(await waiting(app), codes[0])), "401 code_invalid");
  });

  it("wants a storer that can keep it, and a time of at most ninety days: told at the start", () => {
    const { addTrustedBrowser: _, ...rest } = memoryStorer();
    const start = (trust: ReturnType<typeof days>, storer: object) => () =>
      castellan({
        rootUrl: "https://app.example.com",
        keys: ["nothing is sealed by this key: 0123456789"],
        sessions: expressSessions({ secret: "nothing is signed by this secret: 0123456789" }),
        // Plain JavaScript may leave an operation out.
        storer: storer as ReturnType<typeof memoryStorer>,
        sweepEvery: null,
        modules: { twofactor: twofactor({ trust }) },
      });
    assert.throws(start(days(30), rest), (error) => error instanceof ConfigError && /trusted-browsers/.test(error.message));
    for (const wrong of [days(91), Number.NaN, 0, "30 days"]) {
      assert.throws(
        start(wrong as ReturnType<typeof days>, memoryStorer()),
        (error) => error instanceof ConfigError && /at most 90 days/.test(error.message),
      );
    }
  });
});
