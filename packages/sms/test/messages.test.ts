/** How many messages go out, whoever asks for them and how often. @module */
import assert from "node:assert/strict";
import { minutes } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  BOB,
  codeIn,
  confirm,
  giveSms,
  logIn,
  MANY_TRIES,
  NUMBER,
  OTHER_NUMBER,
  parallel,
  setUp,
  signedIn,
  startApp,
  tally,
  userOf,
  verdictOf,
} from "./support.ts";

describe("messages", () => {
  it("go out once of twenty requests at once, whatever browsers ask", async () => {
    const app = await startApp();
    await giveSms(app);
    const answers = await parallel(20, () => logIn(app.browser()));
    assert.equal(app.sender.messages.length, 1);
    assert.deepEqual(tally(answers), { "200 second_factor_required": 1, "200 sms_limited": 19 });
  });

  it("are one a minute, five an hour and ten a day for an account; a new session does not begin anew", async () => {
    const app = await startApp({ gate: { limits: MANY_TRIES } });
    await giveSms(app);
    const sent = (): number => app.sender.messages.length;
    for (let minute = 0; minute < 12; minute += 1) {
      await logIn(app.browser());
      await logIn(app.browser());
      app.clock.advance(minutes(1));
    }
    assert.equal(sent(), 5);
    app.clock.advance(minutes(60));
    for (let minute = 0; minute < 12; minute += 1) {
      await logIn(app.browser());
      app.clock.advance(minutes(1));
    }
    assert.equal(sent(), 10);
    app.clock.advance(minutes(120));
    const answer = await logIn(app.browser());
    assert.deepEqual([verdictOf(answer), sent()], ["200 sms_limited", 10]);
    app.clock.advance(minutes(24 * 60));
    assert.equal(verdictOf(await logIn(app.browser())), "200 second_factor_required");
  });

  it("are one a minute for an account that names one number after the other", async () => {
    const app = await startApp();
    const browser = await signedIn(app);
    assert.equal(verdictOf(await setUp(browser, NUMBER)), "200 sms_sent");
    assert.equal(verdictOf(await setUp(browser, OTHER_NUMBER)), "429 sms_limited");
    assert.equal(app.sender.messages.length, 1);
    // The code of the first one stays good.
    assert.equal(verdictOf(await confirm(browser, codeIn(app))), "200 factor_added");
    assert.equal((await userOf(app)).smsNumber, NUMBER);
  });

  it("to one number are limited for each account that names it, in whatever form, and leave its owner's own alone", async () => {
    const app = await startApp();
    const [ann, bob] = [await signedIn(app, ANN), await signedIn(app, BOB)];
    assert.equal(verdictOf(await setUp(ann, NUMBER)), "200 sms_sent");
    for (const written of [NUMBER, "0041 79 123 45 67", "+41 (0)79 123 45 67", "+41-79-123-45-67"]) {
      const answer = await setUp(ann, written);
      assert.ok(["429 sms_limited", "422 invalid_fields"].includes(verdictOf(answer)), `${written}: ${verdictOf(answer)}`);
    }
    // Whoever else names it has a share of their own: the number may be theirs.
    assert.equal(verdictOf(await setUp(bob, NUMBER)), "200 sms_sent");
    assert.equal(app.sender.messages.length, 2);
    app.clock.advance(minutes(1));
    await giveSms(app, BOB, NUMBER);
    assert.equal(verdictOf(await logIn(app.browser(), BOB)), "200 second_factor_required");
  });

  it("to one number have a cap over all accounts that name it: nobody is flooded", async () => {
    for (const [name, per] of [
      ["hour", minutes(60)],
      ["day", minutes(60 * 24)],
    ] as const) {
      const app = await startApp({ gate: { limits: { [`sms/new-number/${name}`]: { max: 1, per } } } });
      const [ann, bob] = [await signedIn(app, ANN), await signedIn(app, BOB)];
      assert.equal(verdictOf(await setUp(ann, NUMBER)), "200 sms_sent");
      assert.equal(verdictOf(await setUp(bob, NUMBER)), "429 sms_limited");
      assert.equal(verdictOf(await setUp(bob, OTHER_NUMBER)), "200 sms_sent");
    }
  });

  it("are limited for a network, and what was refused there is not counted for number and account", async () => {
    const app = await startApp({ gate: { limits: { "sms/network": { max: 1, per: minutes(10) } } } });
    const [ann, bob] = [await signedIn(app, ANN), await signedIn(app, BOB)];
    await setUp(ann, NUMBER);
    // More often than an hour admits.
    for (let count = 0; count < 6; count += 1) {
      const refused = await setUp(bob, OTHER_NUMBER);
      assert.deepEqual([verdictOf(refused), refused.headers["retry-after"]], ["429 sms_limited", "600"]);
    }
    app.clock.advance(minutes(10));
    assert.equal(verdictOf(await setUp(bob, OTHER_NUMBER)), "200 sms_sent");
  });

  it("have a cap for everybody together, which is told to the log", async () => {
    const app = await startApp({ sms: { countries: ["CH"], dailyCap: 1 } });
    await giveSms(app, ANN, NUMBER);
    await giveSms(app, BOB, OTHER_NUMBER);
    assert.equal(verdictOf(await logIn(app.browser(), ANN)), "200 second_factor_required");
    const browser = app.browser();
    assert.equal(verdictOf(await logIn(browser, BOB)), "200 sms_limited");
    assert.ok(app.log.some(({ level, message }) => level === "error" && message.includes("daily cap")));
    // Another way is open.
    assert.equal((await browser.json("GET", "/auth/2fa/choose")).status, 200);
  });
});
