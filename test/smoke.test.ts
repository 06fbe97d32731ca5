import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { haveUser, signIn, startApp } from "./support/app.ts";

describe("a newcomer", () => {
  it("is sent to the login page, and comes back to the page that was wanted", async () => {
    const app = await startApp();
    await haveUser(app);
    const browser = app.browser();
    const turned = await browser.get("/account");
    assert.equal(new URL(turned.url).pathname, "/auth/login");
    const reply = await turned.page.form().submit({ email: "ann@example.com", password: "correct horse battery staple" });
    assert.equal(reply.text, "account of ann@example.com");
  });

  it("is told nothing about who exists", async () => {
    const app = await startApp();
    await haveUser(app);
    const known = await signIn(app.browser(), "ann@example.com", "wrong");
    const unknown = await signIn(app.browser(), "bob@example.com", "wrong");
    assert.equal(known.status, 401);
    assert.equal(unknown.status, 401);
  });
});
