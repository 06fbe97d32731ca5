/** Attacks on setting factors up, and what becomes of a set-up when the proof has to be given anew in the middle. @module */
import assert from "node:assert/strict";
import type { BrowserClient } from "@castellan/testkit";
import { minutes } from "castellan";
import { describe, it } from "vitest";
import * as apps from "../packages/totp/test/support.ts";
import { logIn, PASSWORD, signedIn, startApp, UNTHROTTLED, verdictOf } from "../packages/twofactor/test/support.ts";

const again = (browser: BrowserClient) => browser.json("POST", "/auth/reauthenticate", { password: PASSWORD });

describe("the mail before a factor is added", () => {
  it("works for the thirty minutes that it names, in the browser that asked for it", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED }, twofactor: { emailAuthorization: true } });
    const browser = await signedIn(app);
    app.clock.advance(minutes(14));
    assert.equal(verdictOf(await browser.json("POST", "/auth/2fa/email/verify", {})), "200 authorization_sent");
    const mail = (await app.mails()).at(-1);
    assert.match(String(mail?.text), /30 minutes/);
    const [link = ""] = /https:\S+/.exec(String(mail?.text)) ?? [];
    app.clock.advance(minutes(5));
    assert.equal(verdictOf(await again(browser)), "200 proved_again");
    const token = new URL(link).searchParams.get("token");
    const answer = await browser.json("POST", "/auth/2fa/email/verify/end", { token });
    assert.equal(verdictOf(answer), "200 authorization_given");
  });

  it("tells nobody the address who has no more than the password", async () => {
    const app = await startApp({ gate: { limits: UNTHROTTLED }, twofactor: { emailAuthorization: true, required: true } });
    const login = "cara@example.com";
    const user = {
      pid: "pid-of-cara",
      login,
      email: "cara.private@example.org",
      passwordHash: await app.hasher.hash(PASSWORD),
      profile: {},
      createdAt: app.clock.now(),
    };
    assert.ok(await app.storer.createUser(user));
    const thief = app.browser();
    assert.equal(verdictOf(await logIn(thief, login)), "200 factor_needed");
    assert.equal((await thief.json("GET", "/auth/2fa/email/verify")).text.includes("cara.private@example.org"), false);
  });
});

describe("a set-up that waits for its code", () => {
  it("goes on after the password was typed once more, for the fifteen minutes that it has", async () => {
    const app = await apps.startApp();
    const browser = await apps.typed(app);
    app.clock.advance(minutes(13));
    const secret = await apps.begin(browser);
    app.clock.advance(minutes(3));
    const refused = await apps.confirm(browser, await apps.codeOf(app, secret));
    assert.equal(apps.verdictOf(refused), "403 recent_login_required");
    assert.equal(apps.verdictOf(await again(browser)), "200 proved_again");
    assert.equal(apps.verdictOf(await apps.confirm(browser, await apps.codeOf(app, secret))), "200 factor_added");
  });
});

describe("a right code", () => {
  it("lets in, also when its secret cannot be sealed anew at the moment", async () => {
    const [older, newer] = ["an-older-key-of-the-tests-0123456789-abcdef", "a-newer-key-of-the-tests-0123456789-abcdef"];
    const before = await apps.startApp({ gate: { keys: [older] } });
    const { secret } = await apps.enrol(before);
    const after = await apps.startApp({ gate: { keys: [newer, older] }, like: before });
    after.clock.advance(minutes(2));
    before.clock.advance(minutes(0));
    const { storer } = before;
    const { resealTotp } = storer;
    Object.assign(storer, {
      resealTotp: async () => {
        throw new Error("away");
      },
    });
    const browser = await apps.typed(after);
    before.clock.advance(minutes(2));
    const answer = await apps.answer(browser, await apps.codeOf(before, secret));
    Object.assign(storer, { resealTotp });
    assert.equal(apps.verdictOf(answer), "200 signed_in");
  });
});
