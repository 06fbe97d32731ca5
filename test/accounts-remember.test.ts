/** Remembered browsers together with everything else, on a real database. @module */
import assert from "node:assert/strict";
import type { BrowserClient } from "@castellan/testkit";
import { hours, minutes, seconds } from "castellan";
import type { Express } from "express";
import { describe, it } from "vitest";
import { type AccountGate, haveAccount, OTHER_PASSWORD, PASSWORD, signIn, startAccounts } from "./support/accounts.ts";
import { newFolder } from "./support/storers.ts";

const ANN = "ann@example.com";
const who = (express: Express, gate: AccountGate): void => {
  express.get("/who", async (req, res) => {
    const signIn = await gate.currentSignIn(req);
    res.send(signIn ? `${(await gate.currentUser(req))?.login} ${signIn.level}` : "nobody");
  });
};
const whoIs = async (browser: BrowserClient): Promise<string> => (await browser.get("/who")).text;

/** An application, and a browser that is remembered and was closed. */
const start = async (changes: Parameters<typeof startAccounts>[0] = {}) => {
  const app = await startAccounts({ add: who, ...changes });
  const pid = await haveAccount(app);
  const browser = app.browser();
  await signIn(browser, ANN, PASSWORD, true);
  browser.jar.closeBrowser();
  return { app, pid, browser };
};

describe("a remembered browser", () => {
  it("comes back after hours by half, and is full again with the password before it may change it", async () => {
    const { app, browser } = await start();
    app.clock.advance(hours(30));
    assert.equal(await whoIs(browser), `${ANN} half`);
    const login = await browser.get("/auth/password");
    assert.match(login.url, /\/auth\/login\?redir=%2Fauth%2Fpassword$/);
    const back = await login.page.form("/auth/login").submit({ email: ANN, password: PASSWORD, remember: true });
    assert.equal(back.url, `${app.rootUrl}/auth/password`);
    await back.page.form("/auth/password").submit({ password: PASSWORD, new_password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    assert.equal(await whoIs(browser), `${ANN} full`);
    browser.jar.closeBrowser();
    assert.equal(await whoIs(browser), "nobody", "what was remembered under the old password ended with it");
  });

  it("whose sign-in was not used for a while is back by half in the same request, and is told that it was away", async () => {
    const app = await startAccounts({ add: who });
    await haveAccount(app);
    const browser = app.browser();
    await signIn(browser, ANN, PASSWORD, true);
    app.clock.advance(hours(1));
    assert.equal(await whoIs(browser), `${ANN} half`);
    assert.match((await browser.get("/auth/login")).page.text, /You were away for a while/);
  });

  it("sends ten requests at once: all are served, and it ends signed in", async () => {
    const { app, browser } = await start();
    const answers = await Promise.all(Array.from({ length: 10 }, () => browser.fork().get("/account")));
    for (const { text } of answers) assert.equal(text, `account of ${ANN}`);
    assert.equal(answers.filter(({ setCookies }) => setCookies.some((line) => line.startsWith("__Host-castellan-remember"))).length, 1);
    for (const { url, setCookies } of answers) browser.jar.store(new URL(url), setCookies);
    assert.equal(await whoIs(browser), `${ANN} half`);
    app.clock.advance(minutes(1));
    browser.jar.closeBrowser();
    assert.equal(await whoIs(browser), `${ANN} half`);
  });

  it("comes back to any process that shares the database", async () => {
    const file = `${await newFolder()}/app.db`;
    const { browser } = await start({ file });
    const again = await startAccounts({ file, add: who });
    const other = again.browser();
    for (const cookie of browser.jar.cookies) other.jar.put(cookie);
    assert.equal(await whoIs(other), `${ANN} half`);
  });

  it("of a user who must confirm first is a stranger's, and gets no answer but the page's own", async () => {
    const file = `${await newFolder()}/app.db`;
    const lax = await startAccounts({ file, add: who, confirm: { policy: "allow-limited" } });
    const browser = lax.browser();
    await (await browser.get("/auth/register")).page.form().submit({ email: ANN, password: PASSWORD, confirm_password: PASSWORD });
    await browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD, remember: true });
    browser.jar.closeBrowser();
    const strict = await startAccounts({ file, add: who });
    const other = strict.browser();
    for (const cookie of browser.jar.cookies) other.jar.put(cookie);
    const answer = await other.get("/who");
    assert.deepEqual([answer.status, answer.text], [200, "nobody"]);
    const landing = await other.get(await lax.link(ANN));
    await landing.page.form().submit();
    assert.equal(await whoIs(other), `${ANN} half`, "and is let in once that is done");
  });

  it("of a disabled user is a stranger's, and stays so when the user is let in again", async () => {
    const { app, pid, browser } = await start();
    const copy = browser.fork();
    await app.gate.disable(pid);
    assert.equal(await whoIs(browser), "nobody");
    await app.gate.enable(pid);
    assert.equal(await whoIs(copy), "nobody");
  });
});

describe("a copied cookie", () => {
  for (const first of ["owner", "thief"] as const) {
    it(`is found out when the ${first} came first: everything ends, and the owner is told once`, async () => {
      const { app, pid, browser: owner } = await start();
      const elsewhere = app.browser();
      await signIn(elsewhere);
      const thief = owner.fork();
      const [one, other] = first === "owner" ? [owner, thief] : [thief, owner];
      assert.equal(await whoIs(one), `${ANN} half`);
      app.clock.advance(seconds(15));
      for (const browser of [other, one, elsewhere]) assert.equal(await whoIs(browser), "nobody");
      assert.deepEqual(await app.gate.signIns(pid), []);
      await app.gate.deliverMails();
      assert.equal(app.mails.filter(({ subject }) => subject === "Somebody may have copied your sign-in").length, 1);
    });
  }

  it("voids the links that were mailed before, too", async () => {
    const { app, browser } = await start();
    const thief = browser.fork();
    await app.browser().json("POST", "/auth/recover", { email: ANN });
    const link = await app.link(ANN);
    await whoIs(browser);
    app.clock.advance(minutes(1));
    await whoIs(thief);
    const landing = await app.browser().get(link);
    const answer = await landing.page.form().submit({ password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    assert.equal(answer.status, 410);
  });
});
