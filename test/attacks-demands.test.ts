/** Attacks by options that say nothing, and by limits that belong to others. @module */
import assert from "node:assert/strict";
import { minutes } from "castellan";
import { describe, it } from "vitest";
import * as texts from "../packages/sms/test/support.ts";
import { startApp } from "../packages/twofactor/test/support.ts";

describe("a demand with a slip of the pen, in plain JavaScript", () => {
  it.each([
    ["level", { level: "Full" }],
    ["twoFactored", { twofactored: true }],
    ["factors", { factor: ["totp"] }],
    ["within", { twoFactored: true, withIn: minutes(5) }],
  ])("is told when the application starts, and does not let everybody pass: %s", async (_name, options) => {
    const app = await startApp();
    // What TypeScript would refuse.
    const slip = options as object;
    assert.throws(() => app.gate.require(slip), /require/);
  });
});

describe("a stranger who names somebody's number", () => {
  it("does not keep its owner from setting it up", async () => {
    const app = await texts.startApp();
    const stranger = await texts.signedIn(app, texts.BOB);
    for (let count = 0; count < 10; count++) {
      await stranger.json("POST", "/auth/reauthenticate", { password: texts.PASSWORD });
      await texts.setUp(stranger);
      app.clock.advance(minutes(count % 5 === 4 ? 61 : 1));
    }
    const owner = await texts.signedIn(app, texts.ANN);
    assert.equal(texts.verdictOf(await texts.setUp(owner)), "200 sms_sent");
  });
});
