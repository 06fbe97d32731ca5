/** Connected accounts: what somebody who is signed in can connect. @module */
import assert from "node:assert/strict";
import { minutes, refuse } from "@castellan/core";
import { linkIdentity } from "@castellan/oauth2";
import type { Answer, BrowserClient } from "@castellan/testkit";
import { describe, it } from "vitest";
import {
  ANN,
  ANN_THERE,
  type App,
  comeBack,
  depart,
  haveLinked,
  haveUser,
  PASSWORD,
  signIn,
  signInBy,
  startApp,
  subjectsOf,
  wayOf,
  who,
} from "./support.ts";

describe("connecting an account while signed in", () => {
  const connect = async (browser: BrowserClient): Promise<Answer> => {
    const { page } = await browser.get("/auth/oauth2");
    const form = page.forms.find(({ buttons }) => buttons.some(({ text }) => text === "Connect Demo"));
    assert.ok(form);
    return form.submit({}, { button: "Connect Demo" });
  };
  const signedIn = async (app: App): Promise<BrowserClient> => {
    const browser = app.browser();
    await signIn(browser);
    return browser;
  };

  it("links it, tells the owner, and it is a way in from then on", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const answer = await comeBack(
      browser,
      app.provider.approve(wayOf(await connect(browser)), { sub: "mine", email: "else@example.org", email_verified: true }),
    );
    assert.equal(answer.url, "https://app.example.test/auth/oauth2");
    assert.match(answer.page.text, /The account is connected/);
    assert.deepEqual(await subjectsOf(app, pid), ["mine"]);
    const other = app.browser();
    await signInBy(app, other, { sub: "mine" });
    assert.equal(await who(other), ANN);
    await app.gate.deliverMails();
    assert.match(String(app.mails[0]?.text), /by Demo \(else@example.org\)/);
  });

  it("wants a proof that is not old, and comes back to the page afterwards", async () => {
    const app = await startApp();
    await haveUser(app);
    const browser = await signedIn(app);
    app.clock.advance(minutes(31));
    const answer = await connect(browser);
    assert.equal(answer.url, "https://app.example.test/auth/reauthenticate?redir=%2Fauth%2Foauth2");
    assert.deepEqual(app.storer.dump().flows, []);
    assert.equal(
      (await answer.page.form("/auth/reauthenticate").submit({ password: PASSWORD })).url,
      "https://app.example.test/auth/oauth2",
    );
    wayOf(await connect(browser));
  });

  it("lets somebody without a password give the proof by the provider, at the login page, and come back", async () => {
    const app = await startApp();
    const browser = app.browser();
    await signInBy(app, browser);
    app.clock.advance(minutes(31));
    const answer = await connect(browser);
    assert.equal(answer.url, "https://app.example.test/auth/login?redir=%2Fauth%2Foauth2");
    const back = await signInBy(app, browser, ANN_THERE, "/auth/login?redir=%2Fauth%2Foauth2");
    assert.equal(back.url, "https://app.example.test/auth/oauth2");
    wayOf(await connect(browser));
  });

  it("wants the second factor of whoever has one", async () => {
    const state = { has: false };
    const app = await startApp({ hasPin: () => state.has });
    await haveUser(app);
    const browser = await signedIn(app);
    state.has = true;
    assert.equal((await browser.json("POST", "/auth/oauth2/link/demo", {})).status, 403);
  });

  it("cannot be begun from elsewhere, nor by somebody who is not signed in, nor by half", async () => {
    const app = await startApp();
    await haveUser(app);
    const browser = await signedIn(app);
    assert.equal((await browser.post("/auth/oauth2/link/demo", {}, { from: "https://evil.example" })).status, 403);
    assert.equal((await browser.post("/auth/oauth2/link/demo", {})).status, 403);
    assert.equal((await browser.get("/auth/oauth2/link/demo")).status, 405);
    assert.equal((await app.browser().json("POST", "/auth/oauth2/link/demo", {})).status, 401);
    const half = app.browser();
    await half.json("POST", "/auth/login", { email: ANN, password: PASSWORD, remember: true });
    half.jar.closeBrowser();
    assert.equal((await half.json("POST", "/auth/oauth2/link/demo", {})).status, 403);
  });

  it("links nothing when somebody else is signed in by the time, or nobody", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const evesPid = await haveUser(app, "eve@example.com");
    const browser = await signedIn(app);
    const [one, two] = [wayOf(await connect(browser)), wayOf(await connect(browser))];
    await signIn(browser, "eve@example.com");
    assert.equal((await comeBack(browser, app.provider.approve(one, { sub: "mine" }))).status, 403);
    await app.gate.endSignIns(evesPid, "all");
    assert.equal((await comeBack(browser, app.provider.approve(two, { sub: "mine" }))).status, 403);
    assert.deepEqual([await subjectsOf(app, pid), await subjectsOf(app, evesPid)], [[], []]);
  });

  it("cannot be finished in the victim's browser with the attacker's answer", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    await haveUser(app, "eve@example.com");
    const victim = await signedIn(app);
    const attacker = app.browser();
    await signIn(attacker, "eve@example.com");
    const back = app.provider.approve(wayOf(await connect(attacker)), { sub: "eve-there" });
    wayOf(await connect(victim));
    assert.equal((await comeBack(victim, back)).status, 400);
    const signingIn = app.provider.approve(await depart(attacker), { sub: "eve-there" });
    assert.equal((await comeBack(victim, signingIn)).status, 400);
    assert.deepEqual([await subjectsOf(app, pid), await who(victim)], [[], ANN]);
  });

  it("takes no identity from somebody else, and says so when it was connected already", async () => {
    const app = await startApp();
    const evesPid = await haveLinked(app, "eve@example.com", "eve-there");
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const taken = await comeBack(browser, app.provider.approve(wayOf(await connect(browser)), { sub: "eve-there" }));
    assert.equal(taken.status, 409);
    assert.deepEqual([await subjectsOf(app, pid), await subjectsOf(app, evesPid)], [[], ["eve-there"]]);
    for (const _ of Array(2)) await comeBack(browser, app.provider.approve(wayOf(await connect(browser)), { sub: "mine" }));
    assert.deepEqual(await subjectsOf(app, pid), ["mine"]);
  });

  it("waits until the address is confirmed, and heeds guards", async () => {
    const app = await startApp({ confirm: { policy: "allow-limited" } });
    const pid = await haveUser(app, ANN, { confirmed: false });
    const browser = await signedIn(app);
    assert.equal((await browser.json("POST", "/auth/oauth2/link/demo", {})).status, 403);
    await app.storer.confirmUser(pid, ANN, app.clock.now());
    app.gate.on(linkIdentity).before("guard", () => refuse(403, "account_disabled"));
    const answer = await comeBack(browser, app.provider.approve(wayOf(await connect(browser)), { sub: "mine" }));
    assert.deepEqual([answer.status, await subjectsOf(app, pid)], [403, []]);
  });
});

describe("the last way in", () => {
  it("stays where the other account is at a provider that is offered no more, which can be disconnected itself", async () => {
    const app = await startApp();
    const pid = await haveLinked(app, ANN, "ann-there", { password: null });
    const gone = { issuer: "https://gone.example", subject: "x", provider: "gone", email: ANN, tokens: null, linkedAt: app.clock.now() };
    assert.ok(await app.storer.linkIdentity(pid, 0, gone));
    const browser = app.browser();
    await signInBy(app, browser);
    const { accounts } = (await browser.json("GET", "/auth/oauth2")).json() as {
      accounts: { id: string; provider: string; removable: boolean }[];
    };
    assert.deepEqual(Object.fromEntries(accounts.map(({ provider, removable }) => [provider, removable])), { demo: false, gone: true });
    const unlink = async (name: string) =>
      (await browser.json("POST", "/auth/oauth2/unlink", { identity: accounts.find(({ provider }) => provider === name)?.id })).status;
    assert.deepEqual([await unlink("demo"), await unlink("gone")], [409, 200]);
    await signInBy(app, browser);
    assert.equal(await unlink("demo"), 409);
    assert.deepEqual(await subjectsOf(app, pid), ["ann-there"]);
  });
});
