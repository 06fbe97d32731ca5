import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { haveAccount, OTHER_PASSWORD, PASSWORD, signIn, startAccounts } from "./support/accounts.ts";

describe("an account", () => {
  it("lives: registered, confirmed, signed in, forgotten, recovered", async () => {
    const app = await startAccounts();
    await haveAccount(app);
    const browser = app.browser();
    assert.equal((await signIn(browser)).text, "start");
    assert.equal((await browser.get("/account")).text, "account of ann@example.com");

    const other = app.browser();
    const asked = await (await other.get("/auth/recover")).page.form().submit({ email: "ann@example.com" });
    assert.match(asked.text, /on its way/);
    const link = await app.link("ann@example.com");
    const landing = await other.get(link);
    assert.ok(!landing.url.includes("token"));
    const done = await landing.page.form().submit({ password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    assert.match(done.text, /new password is saved/);
    assert.notEqual((await browser.get("/account")).text, "account of ann@example.com");
    assert.equal((await signIn(other, "ann@example.com", PASSWORD)).status, 401);
    assert.equal((await signIn(other, "ann@example.com", OTHER_PASSWORD)).text, "start");
    await app.gate.deliverMails();
    assert.match(app.mails.at(-1)?.subject ?? "", /password was changed/);
  });

  it("is remembered by half, and full again with the password", async () => {
    const app = await startAccounts();
    await haveAccount(app);
    const browser = app.browser();
    await signIn(browser, "ann@example.com", PASSWORD, true);
    browser.jar.delete?.("__Host-castellan-sid");
    const again = await browser.get("/account");
    assert.equal(again.text, "account of ann@example.com");
    assert.notEqual((await browser.get("/full")).text, "full ann@example.com");
  });

  it("is locked after five wrong tries, and unlocked by the mailed link", async () => {
    const app = await startAccounts();
    await haveAccount(app);
    const stranger = app.browser();
    for (let count = 0; count < 5; count += 1) assert.equal((await signIn(stranger, "ann@example.com", "wrong")).status, 401);
    assert.equal((await signIn(stranger, "ann@example.com", "wrong")).status, 403);
    assert.equal((await signIn(stranger)).status, 403);
    const landing = await stranger.get(await app.link("ann@example.com"));
    await landing.page.form().submit();
    assert.equal((await signIn(stranger)).text, "start");
  });
});
