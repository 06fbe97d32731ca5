/** The mails by which owners learn what happened to their accounts. @module */
import assert from "node:assert/strict";
import type { BrowserOptions } from "@castellan/testkit";
import { ConfigError } from "castellan";
import { describe, it } from "vitest";
import { ANN, haveUser, type MailingApp, PASSWORD, startApp, startMailing, tryJson } from "./support.ts";

const NEXT = "a quite different pass phrase";
const TELLING = { auth: { tellOfNewBrowsers: true } };

const signedIn = async (app: MailingApp, email = ANN, options: BrowserOptions = {}) => {
  const browser = app.browser(options);
  assert.equal((await tryJson(browser, { email, password: PASSWORD })).status, 200);
  return browser;
};
const subjects = async (app: MailingApp): Promise<string[]> => (await app.mails()).map(({ to, subject }) => `${to.address}: ${subject}`);
const NEW = `${ANN}: New sign-in to your account`;

describe("a mail about a new browser", () => {
  it("is sent only where it is asked for", async () => {
    const app = await startMailing();
    await signedIn(app);
    assert.deepEqual(await subjects(app), []);
  });

  it("says when, where and by what somebody signed in, as text and as HTML", async () => {
    const app = await startMailing(TELLING);
    await signedIn(app, ANN, { headers: { "User-Agent": "Lynx/2.9 <b>" } });
    const [mail, ...others] = await app.mails();
    assert.deepEqual([mail?.to.address, mail?.subject, others.length], [ANN, "New sign-in to your account", 0]);
    assert.match(mail?.text ?? "", /at 2026-01-01T00:00:00\.000Z/);
    assert.match(mail?.text ?? "", /Browser: Lynx\/2\.9 <b>\. Network: 127\.0\.0\.1\./);
    assert.match(mail?.html ?? "", /Lynx\/2\.9 &lt;b&gt;/);
  });

  it("is not sent about a browser in which this user has signed in before, and sent once for each other one", async () => {
    const app = await startMailing(TELLING);
    const browser = await signedIn(app);
    browser.jar.closeBrowser();
    await tryJson(browser, { email: ANN, password: PASSWORD });
    assert.deepEqual(await subjects(app), [NEW]);
    await signedIn(app);
    assert.deepEqual(await subjects(app), [NEW, NEW]);
  });

  it("is sent about a browser that only somebody else has used", async () => {
    const app = await startMailing(TELLING);
    await haveUser(app, "bob@example.com", PASSWORD, "bob@example.com");
    const browser = await signedIn(app);
    await tryJson(browser, { email: "bob@example.com", password: PASSWORD });
    assert.deepEqual(await subjects(app), [NEW, "bob@example.com: New sign-in to your account"]);
    await tryJson(browser, { email: ANN, password: PASSWORD });
    assert.equal((await app.mails()).length, 2, "both are known there from now on");
  });

  it("is not sent about the browser in which the account was made", async () => {
    const app = await startMailing(TELLING);
    const browser = app.browser();
    const values = { email: "cat@example.com", password: PASSWORD, confirm_password: PASSWORD };
    assert.equal((await browser.json("POST", "/auth/register", values)).status, 200);
    browser.jar.closeBrowser();
    await tryJson(browser, { email: "cat@example.com", password: PASSWORD });
    assert.deepEqual(await subjects(app), []);
  });

  it("is not sent about a try that failed", async () => {
    const app = await startMailing(TELLING);
    await tryJson(app.browser(), { email: ANN, password: "wrong" });
    await tryJson(app.browser(), { email: "nobody@example.com", password: PASSWORD });
    assert.deepEqual(await subjects(app), []);
  });

  it("is not sent to a user without an address, who gets in all the same", async () => {
    const app = await startMailing(TELLING);
    await haveUser(app, "dan@example.com");
    await signedIn(app, "dan@example.com");
    assert.deepEqual(await subjects(app), []);
  });

  it("keeps nobody out and no request waiting when it cannot be sent", async () => {
    let tries = 0;
    const mailer = {
      send: async () => {
        tries += 1;
        throw new Error("connection refused");
      },
    };
    const app = await startMailing({ ...TELLING, gate: { mailer } });
    await signedIn(app);
    await app.gate.deliverMails();
    assert.deepEqual([tries, app.storer.dump().mails.length], [1, 1], "it stays in the queue");
  });

  it("that nobody could ever send is an error at the start", async () => {
    await assert.rejects(startApp(TELLING), (error) => error instanceof ConfigError && /tellOfNewBrowsers/.test(error.message));
  });
});

describe("a mail about a new password", () => {
  it("is sent however it was changed", async () => {
    const app = await startMailing();
    const changed = `${ANN}: Your password was changed`;
    const browser = await signedIn(app);
    await browser.json("POST", "/auth/password", { password: PASSWORD, new_password: NEXT });
    assert.deepEqual(await subjects(app), [changed]);
    await app.gate.changePassword(`pid-of-${ANN}`, { from: NEXT, to: PASSWORD });
    assert.deepEqual(await subjects(app), [changed, changed]);
    await app.gate.updatePassword(`pid-of-${ANN}`, NEXT);
    assert.deepEqual(await subjects(app), [changed, changed, changed]);
  });

  it("is not sent where the application sends no mails, and the change is made", async () => {
    const app = await startApp();
    assert.ok("ok" in (await app.gate.changePassword(`pid-of-${ANN}`, { from: PASSWORD, to: NEXT })));
  });
});
