/** Locks together with everything else, on a real database. @module */
import assert from "node:assert/strict";
import { days, minutes } from "castellan";
import { describe, it } from "vitest";
import { type Accounts, haveAccount, OTHER_PASSWORD, PASSWORD, signIn, startAccounts } from "./support/accounts.ts";
import { newFolder } from "./support/storers.ts";

const ANN = "ann@example.com";
const UNTHROTTLED = { "attempt/subject": { max: 10_000, per: minutes(15) }, "attempt/network": { max: 10_000, per: minutes(15) } };

const post = (app: Accounts, password: string, email = ANN) => app.browser().json("POST", "/auth/login", { email, password });

/** Uses up what strangers have, and one more. */
async function lockOut(app: Accounts, email = ANN): Promise<void> {
  for (let count = 0; count < 6; count += 1) assert.equal((await post(app, `wrong ${count}`, email)).status, count < 5 ? 401 : 403);
}

const start = async (changes: Parameters<typeof startAccounts>[0] = {}) => {
  const app = await startAccounts({ limits: UNTHROTTLED, ...changes });
  return { app, pid: await haveAccount(app) };
};

describe("guesses at once", () => {
  it("100 at one account: five are looked at, and the owner is told once", async () => {
    const { app } = await start();
    const hashes = app.hasher.calls.verify;
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => post(app, `wrong ${index}`)));
    assert.equal(app.hasher.calls.verify - hashes, 5);
    assert.equal(answers.filter(({ status }) => status === 403).length, 95);
    await app.gate.deliverMails();
    assert.equal(app.mails.filter(({ subject }) => subject === "Your account was locked").length, 1);
  });

  it("100 at a login that nobody has: five are looked at too", async () => {
    const { app } = await start();
    const hashes = app.hasher.calls.verify;
    await Promise.all(Array.from({ length: 100 }, (_, index) => post(app, `wrong ${index}`, "eve@example.com")));
    assert.equal(app.hasher.calls.verify - hashes, 5);
  });

  it("the mailed link pressed twenty times at once: one unlocks", async () => {
    const { app } = await start();
    await lockOut(app);
    const token = (await app.link(ANN)).replace(/.*=/, "");
    const answers = await Promise.all(Array.from({ length: 20 }, () => app.browser().json("POST", "/auth/unlock", { token })));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal((await post(app, PASSWORD)).status, 200);
  });
});

describe("a locked account", () => {
  it("can choose a new password by mail, is unlocked by it, and everybody else is out", async () => {
    const { app } = await start();
    const thief = app.browser();
    await signIn(thief);
    await lockOut(app);
    const owner = app.browser();
    await (await owner.get("/auth/recover")).page.form().submit({ email: ANN });
    const landing = await owner.get(await app.link(ANN));
    await landing.page.form().submit({ password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    assert.equal((await signIn(owner, ANN, OTHER_PASSWORD)).text, "start");
    assert.notEqual((await thief.get("/account")).text, `account of ${ANN}`);
  });

  it("by attempts lets a remembered browser of the owner come back, which the owner is known in", async () => {
    const { app } = await start();
    const browser = app.browser();
    await signIn(browser, ANN, PASSWORD, true);
    browser.jar.closeBrowser();
    await lockOut(app);
    assert.equal((await browser.get("/account")).text, `account of ${ANN}`);
  });

  it("lets nobody back by a copied cookie alone, who then is a stranger on the page, and is let in when the lock is over", async () => {
    const { app } = await start({
      add: (express, gate) => void express.get("/who", async (req, res) => void res.send((await gate.currentUser(req))?.login ?? "nobody")),
    });
    const browser = app.browser();
    await signIn(browser, ANN, PASSWORD, true);
    browser.jar.closeBrowser();
    browser.jar.delete("__Host-castellan-browser");
    await lockOut(app);
    const answer = await browser.get("/who");
    assert.deepEqual([answer.status, answer.text], [200, "nobody"]);
    app.clock.advance(minutes(5));
    assert.equal((await browser.get("/who")).text, ANN);
  });

  it("by an administrator ends what is signed in and what is remembered, in known browsers too, and a recovery does not open it", async () => {
    const { app, pid } = await start();
    const browser = app.browser();
    await signIn(browser, ANN, PASSWORD, true);
    const closed = browser.fork();
    closed.jar.closeBrowser();
    await app.gate.lock.lock(pid);
    for (const one of [browser, closed]) assert.notEqual((await one.get("/account")).text, `account of ${ANN}`);
    await (await browser.get("/auth/recover")).page.form().submit({ email: ANN });
    const landing = await browser.get(await app.link(ANN));
    await landing.page.form().submit({ password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    for (const one of [browser, app.browser()]) assert.equal((await signIn(one, ANN, OTHER_PASSWORD)).status, 403);
    app.clock.advance(days(300));
    assert.equal((await signIn(app.browser(), ANN, OTHER_PASSWORD)).status, 403);
    assert.equal(await app.gate.lock.unlock(pid), true);
    assert.equal((await signIn(app.browser(), ANN, OTHER_PASSWORD)).text, "start");
  });

  it("that is not confirmed is told to be locked, whatever else would stand in the way", async () => {
    const app = await startAccounts({ limits: UNTHROTTLED });
    const browser = app.browser();
    await (await browser.get("/auth/register")).page.form().submit({ email: ANN, password: PASSWORD, confirm_password: PASSWORD });
    await lockOut(app);
    const [right, wrong] = [await post(app, PASSWORD), await post(app, "wrong")];
    assert.deepEqual([right.status, Reflect.get(Object(right.json()), "reason")], [403, "account_locked"]);
    assert.equal(wrong.status, 403);
    app.clock.advance(minutes(5));
    assert.equal(Reflect.get(Object((await post(app, PASSWORD)).json()), "reason"), "not_confirmed");
  });

  it("is locked for every process that shares the database", async () => {
    const file = `${await newFolder()}/app.db`;
    const { app } = await start({ file });
    await lockOut(app);
    const again = await startAccounts({ file, limits: UNTHROTTLED });
    assert.equal((await post(again, PASSWORD)).status, 403);
  });
});

describe("changing a password", () => {
  it("counts wrong old ones with the lock, and the owner stays signed in", async () => {
    const { app } = await start();
    const browser = app.browser();
    await signIn(browser);
    for (let count = 0; count < 10; count += 1) {
      const answer = await browser.json("POST", "/auth/password", { password: `wrong ${count}`, new_password: OTHER_PASSWORD });
      assert.equal(answer.status, 401);
    }
    const answer = await browser.json("POST", "/auth/password", { password: PASSWORD, new_password: OTHER_PASSWORD });
    assert.deepEqual([answer.status, Reflect.get(Object(answer.json()), "reason")], [403, "account_locked"]);
    assert.equal((await browser.get("/account")).text, `account of ${ANN}`);
  });
});
