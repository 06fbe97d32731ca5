/** With `emailAuthorization`, a mailed link is followed before a factor is added. @module */
import assert from "node:assert/strict";
import type { BrowserClient } from "@castellan/testkit";
import { memoryStorer } from "@castellan/testkit";
import { twofactor } from "@castellan/twofactor";
import { ConfigError, castellan, expressSessions, minutes, seconds } from "castellan";
import { describe, it } from "vitest";
import { ANN, type App, BOB, logIn, PIN, parallel, pidOf, signedIn, startApp, tally, verdictOf } from "./support.ts";

const PATH = "/auth/2fa/email/verify";
const END = `${PATH}/end`;
const startAsking = (): Promise<App> => startApp({ twofactor: { emailAuthorization: true } });
const addPin = (browser: BrowserClient) => browser.json("POST", "/auth/2fa/pin/setup", { code: PIN });
const ask = (browser: BrowserClient) => browser.json("POST", PATH, {});

/** The link of the newest mail to Ann. */
async function linkOf(app: App): Promise<string> {
  const mail = (await app.mails()).findLast(({ subject }) => subject === "Add a second factor to your account");
  const [link] = /https:\S+/.exec(mail?.text ?? "") ?? [];
  assert.ok(link, "no link was mailed");
  return link;
}

const pathOf = (link: string): string => link.slice(new URL(link).origin.length);
const tokenOf = (link: string): string => new URL(link).searchParams.get("token") ?? assert.fail();
const end = (browser: BrowserClient, token: unknown) => browser.json("POST", END, { token });

describe("authorisation by mail", () => {
  it("T18.07: has a page to ask for it and a page to end it, and a mail, where the option says so", async () => {
    const { routes } = (await startAsking()).gate.describe();
    for (const route of ["GET /2fa/email/verify", "POST /2fa/email/verify", "GET /2fa/email/verify/end", "POST /2fa/email/verify/end"])
      assert.ok(routes.includes(`${route} (twofactor)`), route);
    const without = (await startApp()).gate.describe().routes;
    assert.deepEqual(
      without.filter((route) => route.includes("/2fa/email")),
      [],
    );
  });

  it("T18.08: shows the address that the mail would go to", async () => {
    const app = await startAsking();
    const page = await (await signedIn(app)).get(PATH);
    assert.match(page.page.text, new RegExp(ANN));
  });

  it("T18.09: mails a link below the mount, and says so", async () => {
    const app = await startAsking();
    const browser = await signedIn(app);
    const sent = await (await browser.get(PATH)).page.form(PATH).submit({});
    assert.match(sent.page.text, /We have sent you a mail/);
    const link = await linkOf(app);
    assert.ok(pathOf(link).startsWith(END));
    assert.match(tokenOf(link), /^.{60,}$/);
  });

  it("T18.10: is given by the link, in the browser that asked, after one more click", async () => {
    const app = await startAsking();
    const browser = await signedIn(app);
    await ask(browser);
    const landed = await browser.get(pathOf(await linkOf(app)));
    assert.equal(landed.url.includes("token"), false);
    assert.equal(verdictOf(await addPin(browser)), "403 authorization_needed");
    const given = await landed.page.form(END).submit({});
    assert.match(given.page.text, /You can set up a second factor now/);
    assert.equal(verdictOf(await addPin(browser)), "200 factor_added");
  });

  it("T18.11: is not given by another token, nor by that of another browser or user", async () => {
    const app = await startAsking();
    const [browser, other, bob] = [await signedIn(app), await signedIn(app), await signedIn(app, BOB)];
    await ask(browser);
    const token = tokenOf(await linkOf(app));
    app.clock.advance(minutes(2));
    await ask(other);
    const othersToken = tokenOf(await linkOf(app));
    assert.equal(verdictOf(await end(browser, othersToken)), "410 link_invalid");
    assert.equal(verdictOf(await end(bob, token)), "410 link_invalid");
    assert.equal(verdictOf(await addPin(bob)), "403 authorization_needed");
    assert.equal(verdictOf(await end(browser, token)), "200 authorization_given");
    assert.equal(verdictOf(await end(browser, token)), "410 link_invalid");
  });

  it("W02: is not given by no token at all, whether a mail was asked for or not", async () => {
    const app = await startAsking();
    const browser = await signedIn(app);
    for (const round of ["before", "after"]) {
      for (const token of [undefined, "", null, [], {}, "undefined", [""], "."]) {
        assert.equal(verdictOf(await end(browser, token)), "410 link_invalid", `${round}: ${JSON.stringify(token)}`);
      }
      assert.equal(verdictOf(await addPin(browser)), "403 authorization_needed");
      await ask(browser);
    }
  });

  it("T18.12: is asked of nobody without the option", async () => {
    const app = await startApp();
    assert.equal(verdictOf(await addPin(await signedIn(app))), "200 factor_added");
  });

  it("T18.13: lets whoever gave it set a factor up, and see the page for it", async () => {
    const app = await startAsking();
    const browser = await signedIn(app);
    await ask(browser);
    await end(browser, tokenOf(await linkOf(app)));
    assert.equal((await browser.get("/auth/2fa/pin/setup")).status, 200);
    assert.equal(verdictOf(await addPin(browser)), "200 factor_added");
  });

  it("T18.14: sends everybody else to the page that mails the link", async () => {
    const app = await startAsking();
    const browser = await signedIn(app);
    const led = await browser.get("/auth/2fa/pin/setup");
    assert.ok(led.url.endsWith(PATH));
    assert.match(led.page.text, /Please confirm by mail first/);
    assert.equal(verdictOf(await addPin(browser)), "403 authorization_needed");
    assert.deepEqual(await app.gate.twofactor.recoveryCodesLeft(pidOf(ANN)), 0);
  });

  it("is over after thirty minutes, before the link is followed and after", async () => {
    const app = await startAsking();
    const browser = await signedIn(app);
    await ask(browser);
    const late = tokenOf(await linkOf(app));
    app.clock.advance(minutes(30));
    await browser.json("POST", "/auth/reauthenticate", { password: "correct horse battery staple" });
    assert.equal(verdictOf(await end(browser, late)), "410 link_invalid");
    await ask(browser);
    await end(browser, tokenOf(await linkOf(app)));
    app.clock.advance(minutes(30));
    await browser.json("POST", "/auth/reauthenticate", { password: "correct horse battery staple" });
    assert.equal(verdictOf(await addPin(browser)), "403 authorization_needed");
  });

  it("ends with a sign-out, with a new password and with the address", async () => {
    const app = await startAsking();
    const browser = await signedIn(app);
    await ask(browser);
    await end(browser, tokenOf(await linkOf(app)));
    await browser.json("POST", "/auth/logout", {});
    await logIn(browser);
    assert.equal(verdictOf(await addPin(browser)), "403 authorization_needed");
  });

  it("mails once a minute, and ten times a day", async () => {
    const app = await startAsking();
    const browser = await signedIn(app);
    assert.deepEqual(tally(await parallel(20, () => ask(browser))), { "200 authorization_sent": 1, "429 too_many_attempts": 19 });
    let sent = 1;
    for (let round = 0; round < 20; round += 1) {
      app.clock.advance(seconds(61));
      if (round === 12) await browser.json("POST", "/auth/reauthenticate", { password: "correct horse battery staple" });
      if (verdictOf(await ask(browser)) === "200 authorization_sent") sent += 1;
    }
    assert.equal(sent, 10);
  });

  it("is not asked of a user without an address, who is told what is missing", async () => {
    const app = await startAsking();
    const passwordHash = await app.hasher.hash("correct horse battery staple");
    const cat = { pid: "pid-of-cat", login: "cat@example.com", email: null, passwordHash, profile: {}, createdAt: app.clock.now() };
    assert.ok(await app.storer.createUser(cat));
    const browser = await signedIn(app, cat.login);
    assert.match((await browser.get(PATH)).page.text, /no e-mail address/);
    assert.equal(verdictOf(await ask(browser)), "409 email_missing");
    assert.equal(verdictOf(await addPin(browser)), "403 authorization_needed");
  });

  it("wants a way to send mail: told at the start", () => {
    assert.throws(
      () =>
        castellan({
          rootUrl: "https://app.example.com",
          keys: ["nothing is sealed by this key: 0123456789"],
          sessions: expressSessions({ secret: "nothing is signed by this secret: 0123456789" }),
          storer: memoryStorer(),
          sweepEvery: null,
          modules: { twofactor: twofactor({ emailAuthorization: true }) },
        }),
      (error) => error instanceof ConfigError && /emailAuthorization/.test(error.message),
    );
  });
});
