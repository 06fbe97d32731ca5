/** Signing in by a provider: the way there and back, and the login door at its end. @module */
import assert from "node:assert/strict";
import { login, minutes, refuse, register } from "@castellan/core";
import { oauth2Failed } from "@castellan/oauth2";
import { describe, it } from "vitest";
import {
  ANN,
  ANN_THERE,
  comeBack,
  depart,
  haveLinked,
  haveUser,
  PIN,
  pathOf,
  signInBy,
  startApp,
  subjectsOf,
  users,
  who,
} from "./support.ts";

describe("somebody who comes by a provider for the first time", () => {
  it("gets an account with what the provider said, confirmed, and is signed in", async () => {
    const app = await startApp();
    const browser = app.browser();
    const answer = await signInBy(app, browser);
    assert.equal(answer.url, "https://app.example.test/");
    assert.equal(await who(browser), ANN);
    const [user] = app.storer.dump().users;
    assert.deepEqual([user?.login, user?.email, user?.passwordHash, user?.profile], [ANN, ANN, null, { name: "Ann" }]);
    assert.deepEqual(user?.confirmedAt, app.clock.now());
    assert.deepEqual(await subjectsOf(app, String(user?.pid)), ["ann-there"]);
    await app.gate.deliverMails();
    assert.deepEqual(app.mails, []);
  });

  it("is the same person the next time, whatever the provider calls them by then", async () => {
    const app = await startApp();
    await signInBy(app, app.browser());
    const browser = app.browser();
    await signInBy(app, browser, { ...ANN_THERE, email: "ann@elsewhere.example", name: "Anna" });
    assert.equal(await who(browser), ANN);
    assert.deepEqual(users(app), [ANN]);
  });

  it("is another person than one with the same subject at another issuer", async () => {
    const app = await startApp();
    await signInBy(app, app.browser());
    const [identity] = app.storer.dump().identities;
    assert.equal(await app.storer.findIdentity(`${app.provider.issuer}/`, String(identity?.subject)), null);
  });

  it("gets no account where nobody new is wanted, or a guard of the registration refuses", async () => {
    const closed = await startApp({ oauth2: { register: false } });
    assert.match((await signInBy(closed, closed.browser())).text, /Nobody here has this account/);
    const guarded = await startApp();
    guarded.gate.on(register).before("guard", () => refuse(403, "account_disabled"));
    assert.equal((await signInBy(guarded, guarded.browser())).status, 403);
    for (const app of [closed, guarded]) assert.deepEqual([users(app), app.storer.dump().identities], [[], []]);
  });

  it("leaves one account, however often the same answer of the provider is sent at once", async () => {
    const app = await startApp();
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    const answers = await Promise.all(Array.from({ length: 10 }, () => comeBack(browser.fork(), back, { followRedirects: false })));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [303, ...Array(9).fill(400)].sort());
    assert.deepEqual(users(app), [ANN]);
  });
});

describe("a sign-in by a provider", () => {
  it("T21.04: comes back to the page that was wanted, and remembers the browser where that was ticked", async () => {
    const app = await startApp();
    await haveLinked(app);
    const browser = app.browser();
    const answer = await signInBy(app, browser, ANN_THERE, "/auth/login?redir=%2Faccount%3Ftab%3D2", { remember: true });
    assert.equal(answer.url, "https://app.example.test/account?tab=2");
    assert.equal(app.storer.dump().series.length, 1);
    const other = app.browser();
    await signInBy(app, other);
    assert.equal(app.storer.dump().series.length, 1);
  });

  it("T21.02: tells the provider nothing of what is wanted afterwards", async () => {
    const app = await startApp();
    const browser = app.browser();
    const way = await depart(browser, "Demo", "/auth/login?redir=%2Faccount", { remember: true });
    assert.doesNotMatch(way.href, /account|remember|redir=%2F/);
    assert.deepEqual(
      [way.searchParams.get("response_type"), way.searchParams.get("code_challenge_method"), way.searchParams.get("scope")],
      ["code", "S256", "openid email profile"],
    );
    assert.equal(way.searchParams.get("redirect_uri"), "https://app.example.test/auth/oauth2/callback/demo");
    assert.match(String(way.searchParams.get("state")), /^[\w-]{43}$/);
    assert.match(String(way.searchParams.get("nonce")), /^[\w-]{22}$/);
  });

  it.each(["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])(
    "leads to no other site afterwards: %s",
    async (redir) => {
      const app = await startApp();
      await haveLinked(app);
      const browser = app.browser();
      const answer = await signInBy(app, browser, ANN_THERE, `/auth/oauth2/demo?${new URLSearchParams({ redir })}`);
      assert.equal(answer.url, "https://app.example.test/");
    },
  );

  it("passes on what the application lets through, and nothing else", async () => {
    const app = await startApp({ oauth2: { passAlong: ["plan"], afterLogin: "/?from=login" } });
    await haveLinked(app);
    const answer = await signInBy(app, app.browser(), ANN_THERE, "/auth/oauth2/demo?plan=a%26b&other=1&state=mine&__proto__=x");
    assert.equal(answer.url, "https://app.example.test/?from=login&plan=a%26b");
  });

  it("asks for the second factor of whoever has one, and remembers over it what was wanted", async () => {
    const app = await startApp({ hasPin: () => true });
    await haveLinked(app);
    const browser = app.browser();
    const answer = await signInBy(app, browser, ANN_THERE, "/auth/login?redir=%2Faccount", { remember: true });
    assert.equal(answer.url, "https://app.example.test/auth/pin");
    assert.equal(await who(browser), null);
    assert.equal((await answer.page.form("/auth/pin").submit({ pin: "000000" })).status, 401);
    const { page } = await browser.get("/auth/pin");
    assert.equal((await page.form("/auth/pin").submit({ pin: PIN })).url, "https://app.example.test/account");
    assert.equal(await who(browser), ANN);
    assert.equal(app.storer.dump().series.length, 1);
  });

  it("lets nobody in who is locked, disabled, or not confirmed", async () => {
    const app = await startApp();
    const pid = await haveLinked(app);
    await haveLinked(app, "bob@example.com", "bob-there", { confirmed: false });
    const bob = app.browser();
    const bobs = await signInBy(app, bob, { sub: "bob-there", email: "bob@other.example", email_verified: true });
    assert.deepEqual([bobs.status, await who(bob)], [403, null]);
    await app.gate.lock.lock(pid);
    const locked = app.browser();
    assert.deepEqual([(await signInBy(app, locked)).status, await who(locked)], [403, null]);
    await app.gate.lock.unlock(pid);
    await app.gate.disable(pid);
    const disabled = app.browser();
    assert.deepEqual([(await signInBy(app, disabled)).status, await who(disabled)], [403, null]);
    await app.gate.enable(pid);
    await signInBy(app, disabled);
    assert.equal(await who(disabled), ANN);
  });

  it("confirms the account's address when the provider vouches for that very address", async () => {
    const app = await startApp();
    await haveLinked(app, ANN, "ann-there", { confirmed: false });
    const browser = app.browser();
    await signInBy(app, browser);
    assert.equal(await who(browser), ANN);
  });

  it("gives the browser a new session id", async () => {
    const app = await startApp();
    await haveLinked(app);
    const browser = app.browser();
    await browser.get("/auth/login");
    await signInBy(app, browser);
    const sid = () => browser.jar.get("__Host-castellan-sid")?.value;
    const before = sid();
    assert.ok(before);
    await signInBy(app, browser);
    assert.ok(sid());
    assert.notEqual(sid(), before);
  });

  it("T21.10 T21.11: is a sign-in like any other to guards and to those who are told", async () => {
    const app = await startApp();
    await haveLinked(app);
    const told: string[] = [];
    app.gate.on(login).after("notify", ({ via, proof }) => void told.push(`${via} ${proof.method}`));
    await signInBy(app, app.browser());
    assert.deepEqual(told, ["oauth2 oauth2"]);
    app.gate.on(login).before("guard", ({ via }) => (via === "oauth2" ? refuse(403, "account_disabled") : null));
    const browser = app.browser();
    assert.deepEqual([(await signInBy(app, browser)).status, await who(browser)], [403, null]);
  });

  it("begins from a link only by a button, and by nobody else's page", async () => {
    const app = await startApp();
    const browser = app.browser();
    const { page, status } = await browser.get("/auth/oauth2/demo");
    assert.equal(status, 200);
    assert.equal(app.storer.dump().flows.length, 0);
    assert.equal(
      page.forms.some(({ action }) => action === "/auth/oauth2/demo"),
      true,
    );
    assert.equal((await browser.post("/auth/oauth2/demo", {}, { from: "https://evil.example" })).status, 403);
    assert.equal((await browser.post("/auth/oauth2/demo", {})).status, 403);
    assert.equal(app.storer.dump().flows.length, 0);
  });

  it("can be begun and finished by a client that speaks JSON", async () => {
    const app = await startApp();
    await haveLinked(app);
    const browser = app.browser();
    const listed = (await browser.json("GET", "/auth/login")).json() as { oauth2: { providers: unknown } };
    assert.deepEqual(listed.oauth2.providers, [{ name: "demo", label: "Demo", path: "/oauth2/demo" }]);
    const begun = (await browser.json("POST", "/auth/oauth2/demo", { redir: "/account" })).json() as { status: string; location: string };
    assert.equal(begun.status, "success");
    const back = app.provider.approve(new URL(begun.location), ANN_THERE);
    const done = (await browser.json("GET", pathOf(back))).json() as { status: string; reason: string; location: string };
    assert.deepEqual([done.status, done.reason, done.location], ["success", "signed_in", "/account"]);
    assert.equal(await who(browser), ANN);
  });

  it("is limited by network", async () => {
    const app = await startApp({ gate: { limits: { "oauth2/start": { max: 1, per: minutes(1) } } } });
    const begin = async () => (await app.browser().json("POST", "/auth/oauth2/demo", {})).status;
    assert.deepEqual([await begin(), await begin()], [200, 429]);
    app.clock.advance(minutes(1));
    assert.equal(await begin(), 200);
  });
});

describe("when the provider says no", () => {
  const denied = async (app: Awaited<ReturnType<typeof startApp>>, error = "access_denied") => {
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    back.searchParams.delete("code");
    back.searchParams.set("error", error);
    back.searchParams.set("error_description", "<b>words of the provider</b>");
    return { browser, back, answer: await comeBack(browser, back) };
  };

  it("T21.08: people come back to the login page, which says so, and nothing is left", async () => {
    const app = await startApp();
    const { answer, browser } = await denied(app);
    assert.equal(answer.url, "https://app.example.test/auth/login");
    assert.match(answer.page.text, /You did not agree/);
    assert.doesNotMatch(answer.text, /words of the provider/);
    assert.deepEqual([users(app), app.storer.dump().flows, await who(browser)], [[], [], null]);
  });

  it("T21.09: whoever listens hears of it, and may answer in its place", async () => {
    const app = await startApp();
    const heard: string[] = [];
    app.gate.on(oauth2Failed).after("notify", ({ provider, reason }) => void heard.push(`${provider} ${reason}`));
    await denied(app);
    assert.deepEqual(heard, ["demo oauth2_denied"]);
    app.gate.on(oauth2Failed).before("guard", () => refuse(404, "not_found"));
    assert.equal((await denied(app)).answer.status, 404);
  });

  it("other errors end on a page that says what to do", async () => {
    const app = await startApp();
    const gone = (await denied(app, "temporarily_unavailable")).answer;
    assert.deepEqual([gone.status, gone.headers["retry-after"]], [503, "10"]);
    const wrong = (await denied(app, "invalid_scope")).answer;
    assert.equal(wrong.status, 502);
    assert.deepEqual(wrong.page.link("Try again with Demo").href, "/auth/oauth2/demo");
    assert.deepEqual(wrong.page.link("Sign in another way").href, "/auth/login");
  });
});

describe("the pages", () => {
  it("show the providers on login and registration, and the account page lists what is connected", async () => {
    const app = await startApp();
    const pid = await haveLinked(app);
    const browser = app.browser();
    for (const path of ["/auth/login", "/auth/register"]) assert.match((await browser.get(path)).text, /Continue with Demo/);
    await signInBy(app, browser);
    const { page } = await browser.get("/auth/oauth2");
    assert.match(page.text, /Demo ann@example.com/);
    assert.equal((await app.gate.oauth2.identities(pid)).length, 1);
  });

  it("of registration offer no provider where nobody new is wanted", async () => {
    const app = await startApp({ oauth2: { register: false } });
    assert.doesNotMatch((await app.browser().get("/auth/register")).text, /Continue with/);
    await haveUser(app);
  });
});
