/** What nobody can tell: whose login is taken, who waits, who is confirmed. And how many mails anybody can cause. @module */
import assert from "node:assert/strict";
import { type Answer, type BrowserClient, countingHasher } from "@castellan/testkit";
import { days, hours, minutes, seconds } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  type App,
  haveConfirmed,
  haveUnconfirmed,
  mailsTo,
  OTHER_PASSWORD,
  operationsOf,
  PASSWORD,
  spend,
  startApp,
  statusAndReason,
  tokenFor,
  visible,
} from "./support.ts";

const BOB = "bob@example.com";
const NOBODY = "nobody@example.com";

const resendBy = async (browser: BrowserClient, email: string): Promise<Answer> => {
  const { page } = await browser.get("/auth/confirm/resend");
  return page.form("/auth/confirm/resend").submit({ email }, { followRedirects: false });
};
const resend = (app: App, email: string): Promise<Answer> => app.browser().json("POST", "/auth/confirm/resend", { email });
const registerAs = (app: App, email: string, password = PASSWORD): Promise<Answer> =>
  app.browser().json("POST", "/auth/register", { email, password });

/** Operations by what they cost: both look-ups ask for one user. */
const costs = ({ load = 0, findByLogin = 0, claimMails: _, ...others }: Record<string, number>) => ({
  ...others,
  lookUps: load + findByLogin,
});

describe("asking for another mail", () => {
  it("is answered alike for whoever waits, is confirmed, is unknown, cannot be, or has asked before: as a page and as JSON, with the same work", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    await haveConfirmed(app, BOB);
    app.clock.advance(hours(1));
    const answers: { readonly page: unknown; readonly json: unknown; readonly work: unknown }[] = [];
    for (const email of [ANN, BOB, NOBODY, "no address at all"]) {
      let json: Answer | undefined;
      const work = costs(
        await operationsOf(app, async () => {
          json = await resend(app, email);
        }),
      );
      // The second time is too soon: nobody can tell.
      answers.push({ json: json && visible(json), page: visible(await resendBy(app.browser(), email)), work });
      assert.deepEqual(json && visible(await resend(app, email)), json && visible(json));
    }
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.match((await app.browser().json("POST", "/auth/confirm/resend", { email: NOBODY })).text, /"reason":"confirmation_sent"/);
    assert.deepEqual([(await mailsTo(app, ANN)).length, (await mailsTo(app, BOB)).length], [2, 1]);
  });

  it("R95 mails once in five minutes and five times a day for one login, however often and from wherever it is asked", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    app.clock.advance(hours(1));
    const sent = async (): Promise<number> => (await mailsTo(app, ANN)).length - 1;
    const from = (host: number) => app.browser({ headers: { "X-Forwarded-For": `198.51.100.${host}` } });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, host) => from(host).json("POST", "/auth/confirm/resend", { email: ANN })),
    );
    assert.deepEqual(new Set(answers.map(statusAndReason)), new Set(["200 confirmation_sent"]));
    assert.equal(await sent(), 1);
    app.clock.advance(seconds(299));
    await resend(app, ANN);
    assert.equal(await sent(), 1);
    app.clock.advance(minutes(5));
    for (let turn = 2; turn <= 8; turn += 1) {
      await resend(app, ANN);
      assert.equal(await sent(), Math.min(turn, 5));
      app.clock.advance(minutes(5));
    }
    app.clock.advance(days(1));
    await resend(app, ANN);
    assert.equal(await sent(), 6);
    assert.equal((await spend(app, await tokenFor(app))).status, 200, "the newest link is the one that works");
  });

  it("R95 of twenty that come at once one is mailed, and its link works", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    await Promise.all(Array.from({ length: 20 }, () => resend(app, ANN)));
    assert.equal((await mailsTo(app, ANN)).length, 2);
    assert.equal((await spend(app, await tokenFor(app))).status, 200);
  });

  it("is 429 with Retry-After from the twenty-first on in an hour from one network, whoever it is about", async () => {
    const app = await startApp();
    for (let turn = 0; turn < 20; turn += 1) assert.equal((await resend(app, `somebody-${turn}@example.com`)).status, 200);
    for (const email of [ANN, NOBODY]) {
      const refused = await resend(app, email);
      assert.deepEqual([statusAndReason(refused), refused.headers["retry-after"]], ["429 too_many_attempts", "3600"]);
      const page = await resendBy(app.browser(), email);
      assert.deepEqual([page.status, page.page.form("/auth/confirm/resend").field("email").value], [429, email]);
    }
    const elsewhere = app.browser({ headers: { "X-Forwarded-For": "203.0.113.9" } });
    assert.equal((await elsewhere.json("POST", "/auth/confirm/resend", { email: ANN })).status, 200);
  });

  it("without a login is 422, and mails nothing", async () => {
    const app = await startApp();
    for (const body of [{}, { email: "" }, { email: [ANN] }, { email: null }]) {
      assert.equal((await app.browser().json("POST", "/auth/confirm/resend", body)).status, 422, JSON.stringify(body));
    }
    assert.deepEqual(app.storer.dump().mails, []);
  });
});

describe("a registration", () => {
  it("is answered alike for a new and a taken login, with the same operations and hashes, and as many mails in the queue", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    await haveConfirmed(app, BOB);
    app.clock.advance(hours(2));
    const seen: unknown[] = [];
    for (const email of [NOBODY, ANN, BOB]) {
      const hashes = app.hasher.calls.hash;
      let json: Answer | undefined;
      const work = await operationsOf(app, async () => {
        json = await registerAs(app, email, OTHER_PASSWORD);
      });
      seen.push({ json: json && visible(json), work: costs(work), hashes: app.hasher.calls.hash - hashes });
    }
    assert.deepEqual(seen, [seen[0], seen[0], seen[0]]);
    const { page } = await app.browser().get("/auth/register");
    const pageOf = async (email: string) =>
      visible(await page.form("/auth/register").submit({ email, password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD }));
    assert.deepEqual(await pageOf(BOB), await pageOf("another@example.com"));
  });

  it("for a taken login tells its owner by mail, changes nothing, and leaves the link alive that waits", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const token = await tokenFor(app);
    const { passwordHash } = (await app.storer.findByLogin(ANN)) ?? {};
    app.clock.advance(hours(2));
    await registerAs(app, ` ${ANN.toUpperCase()}`, OTHER_PASSWORD);
    const mail = (await mailsTo(app, ANN)).at(-1);
    assert.equal(mail?.subject, "You have an account already");
    assert.ok(!mail?.text.includes("token="));
    assert.equal((await app.storer.findByLogin(ANN))?.passwordHash, passwordHash);
    assert.equal((await spend(app, token)).status, 200);
  });

  it("R95 for a taken login tells its owner once an hour, from however many networks it comes", async () => {
    const app = await startApp();
    await haveConfirmed(app);
    app.clock.advance(hours(1));
    const before = (await mailsTo(app, ANN)).length;
    const flood = () =>
      Promise.all(
        Array.from({ length: 30 }, (_, host) =>
          app
            .browser({ headers: { "X-Forwarded-For": `198.51.100.${host}` } })
            .json("POST", "/auth/register", { email: ANN, password: OTHER_PASSWORD }),
        ),
      );
    assert.deepEqual(new Set((await flood()).map(statusAndReason)), new Set(["200 confirmation_sent"]));
    assert.equal((await mailsTo(app, ANN)).length, before + 1);
    app.clock.advance(hours(1));
    await flood();
    assert.equal((await mailsTo(app, ANN)).length, before + 2);
  });

  it("that is sent twice by an impatient hand brings one mail: the link", async () => {
    const app = await startApp();
    await Promise.all([registerAs(app, ANN), registerAs(app, ANN)]);
    assert.deepEqual(
      (await mailsTo(app, ANN)).map(({ subject }) => subject),
      ["Confirm your address"],
    );
  });

  it("F02 that was cut off before its mail leaves no dead login: another mail can be had, and a new password too", async () => {
    const app = await startApp();
    const passwordHash = await countingHasher().hash(PASSWORD);
    // What is there when the process ends behind the account's row.
    await app.storer.createUser({ pid: "cut-off", login: ANN, email: ANN, passwordHash, profile: {}, createdAt: app.clock.now() });
    assert.equal(statusAndReason(await registerAs(app, ANN)), "200 confirmation_sent");
    assert.equal((await mailsTo(app, ANN)).at(-1)?.subject, "You have an account already");
    await resend(app, ANN);
    assert.equal((await spend(app, await tokenFor(app))).status, 200);
  });

  it("whose address no mail can go to is refused before anything is written", async () => {
    const app = await startApp();
    const hostile = [
      "ann@example.com\r\nBcc: evil@example.net",
      '"evil@x"@example.com',
      "ann@example.com(evil@x)",
      "<evil@x.example> ann@example.com",
      "ann@example.com >evil@x.example",
      "evil@x.example;ann@example.com",
      "ann@example.com .evil.x",
      "=?utf-8?q?ann=40example.com?=",
      "ann@example.com\u2028Bcc: evil@example.net",
    ];
    for (const email of hostile) assert.equal((await registerAs(app, email)).status, 422, email);
    assert.deepEqual(app.storer.dump().users, []);
    assert.deepEqual(app.storer.dump().mails, []);
  });
});
