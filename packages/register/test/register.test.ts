/** Creating accounts by page and by JSON. @module */
import assert from "node:assert/strict";
import { attempt, login, minutes, refuse, register as registerChannel } from "castellan";
import { describe, expect, it } from "vitest";
import { ANN, isSignedIn, kept, PASSWORD, problemsOf, signUp, signUpByJson, startApp, told, toldOf, usersOf } from "./support.ts";

describe("the registration page", () => {
  it("T11.01 T11.02: answers GET with 200 and a form that asks for login, password and the password again", async () => {
    const app = await startApp();
    assert.deepEqual(
      app.gate.describe().routes.filter((route) => route.endsWith("(register)")),
      ["GET /register (register)", "POST /register (register)"],
    );
    const { status, page, headers } = await app.browser().get("/auth/register?redir=/account");
    assert.equal(status, 200);
    assert.equal(page.heading, "Create an account");
    const form = page.form("/auth/register");
    assert.deepEqual(
      ["email", "password", "confirm_password"].map((name) => form.field(name).attribute("autocomplete")),
      ["username", "new-password", "new-password"],
    );
    assert.equal(form.field("redir").value, "/account");
    assert.match(form.field("_csrf").value, /^[\w-]{86}$/);
    assert.equal(headers["cache-control"], "no-store");
  });

  it("tells a JSON client what the form is made of", async () => {
    const app = await startApp();
    const { fields, ...rest } = told(await app.browser().json("GET", "/auth/register"));
    assert.deepEqual(rest, { status: "success", modules: { auth: true, register: true } });
    expect(fields).toEqual({
      email: { kind: "text", label: "E-mail address", autocomplete: "username", required: true },
      password: { kind: "secret", label: "Password", autocomplete: "new-password", required: true },
      confirm_password: expect.objectContaining({ kind: "secret", label: "Password again", autocomplete: "new-password" }),
    });
  });

  it("answers HEAD, OPTIONS with Allow, and anything else with 405 and Allow", async () => {
    const app = await startApp();
    const browser = app.browser();
    const allow = "GET, HEAD, OPTIONS, POST";
    const head = await browser.request("HEAD", "/auth/register");
    assert.deepEqual([head.status, head.text], [200, ""]);
    const options = await browser.request("OPTIONS", "/auth/register");
    assert.deepEqual([options.status, options.headers.allow], [204, allow]);
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const page = await browser.request(method, "/auth/register", { from: browser.origin });
      assert.deepEqual([page.status, page.headers.allow], [405, allow]);
      const json = await browser.json(method, "/auth/register", {});
      assert.deepEqual([json.status, json.headers.allow, told(json)["reason"]], [405, allow, "method_not_allowed"]);
    }
  });
});

describe("a registration", () => {
  it("T11.03: makes the user with a hash and no password, signs in, and leads a browser by 303 to the page after it", async () => {
    const app = await startApp({ register: { afterRegister: "/account" } });
    const heard: string[] = [];
    app.gate.on(registerChannel).after("notify", ({ user }) => void heard.push(`registered ${user.login}`));
    app.gate.on(login).after("notify", ({ user, via }) => void heard.push(`signed in ${user.login} via ${via}`));
    const browser = app.browser();
    const reply = await signUp(browser, { email: " Ann@Example.COM " });
    assert.equal(reply.text, `account of ${ANN}`);
    assert.deepEqual(
      reply.redirects.map(({ status, location }) => [status, location]),
      [[303, "/account"]],
    );
    const [user, ...others] = usersOf(app);
    assert.deepEqual(others, []);
    assert.deepEqual(user, {
      pid: user?.pid,
      login: ANN,
      email: ANN,
      passwordHash: await app.hasher.hash(PASSWORD),
      profile: {},
      createdAt: app.clock.now(),
      epoch: 0,
      disabledAt: null,
      confirmedAt: null,
      secondaryEmails: [],
      totp: null,
      smsNumber: null,
      recoveryCodes: [],
      oneTimePasswords: { epoch: 0, hashes: [] },
    });
    assert.match(String(user?.pid), /^[\w-]{22}$/);
    assert.doesNotMatch(JSON.stringify([...kept(app).sessions, ...kept(app).signIns, kept(app).users]), /correct horse/);
    assert.deepEqual(heard, [`registered ${ANN}`, `signed in ${ANN} via register`]);
    assert.match((await browser.get("/auth/login")).page.text, /Your account is ready, and you are signed in\./);
  });

  it("gives a JSON client 200 and the location; it need not ask for the password twice", async () => {
    const app = await startApp();
    const browser = app.browser();
    const reply = await signUpByJson(browser);
    assert.deepEqual([reply.status, reply.location], [200, null]);
    assert.deepEqual(told(reply), {
      status: "success",
      reason: "registered",
      message: "Your account is ready, and you are signed in.",
      location: "/",
    });
    assert.equal(await isSignedIn(browser), true);
  });

  it("leads to the page that was wanted, over mistakes too, and never to another site", async () => {
    const app = await startApp();
    const browser = app.browser();
    const mistaken = await signUp(browser, { password: "short" }, "/auth/register?redir=/account");
    assert.equal(mistaken.status, 422);
    const reply = await mistaken.page.form("/auth/register").submit({ password: PASSWORD, confirm_password: PASSWORD });
    assert.equal(reply.text, `account of ${ANN}`);
    const elsewhere = [
      "//evil.example",
      "/\\evil.example",
      "/\t/evil.example",
      "/..//evil.example",
      "https://evil.example",
      "javascript:alert(1)",
    ];
    for (const [index, redir] of elsewhere.entries()) {
      const answer = await signUpByJson(app.browser(), { email: `u${index}@example.com`, redir });
      assert.equal(told(answer)["location"], "/", `R96 R99 ${redir}`);
    }
  });

  it("takes the place of whoever was signed in in that browser", async () => {
    const app = await startApp();
    const browser = app.browser();
    await signUpByJson(browser);
    await signUpByJson(browser, { email: "bob@example.com" });
    assert.equal((await browser.get("/account")).text, "account of bob@example.com");
    assert.equal(kept(app).signIns.size, 1);
  });

  it("signs nobody in with `signIn: false`, and leads to the login page", async () => {
    const app = await startApp({ register: { signIn: false } });
    const browser = app.browser();
    const reply = await signUp(browser);
    assert.equal(new URL(reply.url).pathname, "/auth/login");
    assert.match(reply.page.text, /Your account is ready\. You can sign in now\./);
    assert.equal(await isSignedIn(browser), false);
    const json = await signUpByJson(browser, { email: "bob@example.com" });
    assert.deepEqual(told(json), {
      status: "success",
      reason: "registered_sign_in",
      message: "Your account is ready. You can sign in now.",
      location: "/auth/login",
    });
    assert.deepEqual([usersOf(app).length, kept(app).signIns.size], [2, 0]);
    assert.equal((await reply.page.form("/auth/login").submit({ email: ANN, password: PASSWORD })).text, "start");
  });

  it("T11.04: makes the account and signs nobody in where a guard of the channel login answers; that answer is given", async () => {
    const app = await startApp();
    app.gate.on(login).before("guard", ({ via }) => (via === "register" ? refuse(403, "login_required") : null));
    const browser = app.browser();
    const json = await signUpByJson(browser);
    assert.deepEqual([json.status, told(json)["reason"]], [403, "login_required"]);
    assert.equal((await signUp(browser, { email: "bob@example.com" })).status, 403);
    assert.deepEqual(
      usersOf(app).map((user) => user.login),
      [ANN, "bob@example.com"],
    );
    assert.equal(kept(app).signIns.size, 0);
    assert.equal((await browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD })).status, 200);
  });

  it("asks to sign in where the tries of that account or network are used up", async () => {
    const app = await startApp();
    app.gate.on(attempt).before("guard", () => refuse(429, "too_many_attempts"));
    const json = await signUpByJson(app.browser());
    assert.deepEqual(toldOf(json, "reason", "location"), { reason: "registered_sign_in", location: "/auth/login" });
    assert.equal(usersOf(app).length, 1);
  });

  it("is closed by a guard of the channel register, before anything is hashed or looked up", async () => {
    const app = await startApp();
    app.gate
      .on(registerChannel)
      .before("guard", ({ login: wanted }) => (wanted.endsWith("@example.org") ? null : refuse(403, "not_found")));
    const [hashed, before] = [app.hasher.calls.hash, kept(app)];
    const page = await signUp(app.browser());
    assert.equal(page.status, 403);
    assert.equal(page.page.form("/auth/register").field("email").value, ANN);
    const json = await signUpByJson(app.browser());
    assert.deepEqual([json.status, toldOf(json, "status", "reason")], [403, { status: "failure", reason: "not_found" }]);
    const service = await app.gate.register.register({ login: ANN, password: PASSWORD });
    assert.ok("refused" in service);
    assert.deepEqual([app.hasher.calls.hash, kept(app)], [hashed, before]);
    assert.equal((await signUpByJson(app.browser(), { email: "ann@example.org" })).status, 200);
  });
});

describe("a login that is taken", () => {
  it("T11.06: gets 409 on the field, the login shown again and no password; the owner's account does not change", async () => {
    const app = await startApp();
    const owner = app.browser();
    await signUpByJson(owner);
    const before = kept(app);
    for (const email of [ANN, " ANN@example.com"]) {
      const page = await signUp(app.browser(), {
        email,
        password: "another password of mine",
        confirm_password: "another password of mine",
      });
      assert.equal(page.status, 409);
      assert.deepEqual(page.page.problems, [{ field: "email", text: "There is an account with this name or address already." }]);
      assert.equal(page.page.form("/auth/register").field("email").value, email);
      assert.doesNotMatch(page.text, /another password/);
    }
    const json = await signUpByJson(app.browser(), { password: "another password of mine" });
    assert.equal(json.status, 409);
    assert.deepEqual(toldOf(json, "status", "reason", "problems", "values"), {
      status: "failure",
      reason: "login_taken",
      problems: [{ field: "email", reason: "login_taken", message: "There is an account with this name or address already." }],
      values: { email: ANN },
    });
    assert.deepEqual(kept(app), before);
    assert.equal(await isSignedIn(owner), true);
    assert.equal((await app.browser().json("POST", "/auth/login", { email: ANN, password: PASSWORD })).status, 200);
  });

  it("costs the hash that a free one costs", async () => {
    const app = await startApp();
    await signUpByJson(app.browser());
    const before = app.hasher.calls.hash;
    await signUpByJson(app.browser());
    assert.equal(app.hasher.calls.hash - before, 1);
  });

  it("is taken once: of twenty at the same time one gets it", async () => {
    const app = await startApp({ gate: { limits: { "register/network": { max: 100, per: minutes(1) } } } });
    const replies = await Promise.all(Array.from({ length: 20 }, () => signUpByJson(app.browser())));
    assert.deepEqual(replies.map(({ status }) => status).sort(), [200, ...Array<number>(19).fill(409)]);
    assert.equal(usersOf(app).length, 1);
  });
});

describe("a new password", () => {
  const WEAK = [
    ["short", "password_too_short"],
    ["fourteen chars", "password_too_short"],
    ["123456789012345", "password_too_common"],
    ["aaaaaaaaaaaaaaaa", "password_too_common"],
    ["ann@example.com", "password_has_context"],
    ["app.example.test", "password_has_context"],
    ["ä".repeat(37), "password_too_long"],
  ] as const;

  it.each(WEAK)("is refused as a page and as JSON: %s", async (password, reason) => {
    const app = await startApp();
    const page = await signUp(app.browser(), { password, confirm_password: password });
    assert.equal(page.status, 422);
    assert.deepEqual(
      page.page.problems.map(({ field }) => field),
      ["password"],
    );
    assert.equal(page.page.focused, "password");
    assert.deepEqual(
      ["password", "confirm_password"].map((name) => page.page.form("/auth/register").field(name).value),
      ["", ""],
    );
    assert.equal(page.page.form("/auth/register").field("email").value, ANN);
    const json = await signUpByJson(app.browser(), { password });
    assert.deepEqual([json.status, toldOf(json, "reason"), problemsOf(json)], [422, { reason: "invalid_fields" }, [`password ${reason}`]]);
    const service = await app.gate.register.register({ login: ANN, password });
    assert.ok("refused" in service && service.refused.kind === "refusal" && service.refused.problems[0]?.reason === reason);
    assert.deepEqual([usersOf(app).length, app.hasher.calls.hash, app.storer.dump().counters.size], [0, 0, 0]);
  });

  it("may be of any characters, and signs in exactly as it was typed", async () => {
    const app = await startApp();
    const strange = ["  spaces before and behind  ", "пароль из пяти слов да", "🐎🔋 a staple of words 📎", "<b>\"&'</b> twenty one"];
    for (const [index, password] of strange.entries()) {
      const email = `u${index}@example.com`;
      assert.equal((await signUp(app.browser(), { email, password, confirm_password: password })).text, "start", password);
      assert.equal((await app.browser().json("POST", "/auth/login", { email, password })).status, 200, password);
      assert.equal((await app.browser().json("POST", "/auth/login", { email, password: `${password} ` })).status, 401);
    }
  });

  it("T07.19: must be typed the same twice where it is asked for twice: the problem stands on the second one", async () => {
    const app = await startApp();
    for (const confirm_password of ["", "correct horse battery stapler", PASSWORD.toUpperCase(), ` ${PASSWORD}`]) {
      const page = await signUp(app.browser(), { confirm_password });
      assert.equal(page.status, 422);
      assert.deepEqual(page.page.problems, [{ field: "confirm_password", text: "The two passwords are not the same." }]);
      assert.equal(page.page.form("/auth/register").field("confirm_password").value, "");
      const json = await signUpByJson(app.browser(), { confirm_password });
      assert.deepEqual([json.status, problemsOf(json)], [422, ["confirm_password passwords_unequal"]]);
    }
    assert.equal(usersOf(app).length, 0);
    assert.equal((await signUpByJson(app.browser(), { confirm_password: PASSWORD })).status, 200);
  });
});

describe("registrations of one network", () => {
  it("are ten an hour: then 429 with Retry-After, as a page and as JSON; another network is not hit", async () => {
    const app = await startApp({ add: (express) => void express.set("trust proxy", "loopback") });
    const from = (address: string) => app.browser({ headers: { "X-Forwarded-For": address } });
    const here = () => from("198.51.100.7");
    for (let index = 0; index < 10; index += 1) assert.equal((await signUpByJson(here(), { email: `u${index}@example.com` })).status, 200);
    app.clock.advance(minutes(1));
    const json = await signUpByJson(here());
    assert.deepEqual([json.status, json.headers["retry-after"]], [429, "3540"]);
    assert.deepEqual(toldOf(json, "status", "reason"), { status: "failure", reason: "too_many_attempts" });
    const page = await signUp(here());
    assert.deepEqual([page.status, page.headers["retry-after"]], [429, "3540"]);
    assert.equal(page.page.form("/auth/register").field("email").value, ANN);
    assert.equal(usersOf(app).length, 10);
    assert.equal((await signUpByJson(from("198.51.100.8"))).status, 200);
    app.clock.advance(minutes(59));
    assert.equal((await signUpByJson(here(), { email: "bob@example.com" })).status, 200);
  });

  it("count where a login was taken: nobody finds out who is here one after the other", async () => {
    const app = await startApp();
    await signUpByJson(app.browser());
    const statuses = [];
    for (let time = 0; time < 10; time += 1) statuses.push((await signUpByJson(app.browser())).status);
    assert.deepEqual(statuses, [...Array<number>(9).fill(409), 429]);
  });

  it("do not count where something was wrong with the fields: whoever looks for a password loses nothing", async () => {
    const app = await startApp();
    for (let time = 0; time < 20; time += 1) assert.equal((await signUpByJson(app.browser(), { password: "short" })).status, 422);
    assert.equal((await signUpByJson(app.browser())).status, 200);
  });

  it("cannot be spread by X-Forwarded-For where no proxy is trusted", async () => {
    const app = await startApp();
    for (let index = 0; index < 10; index += 1) {
      const browser = app.browser({ headers: { "X-Forwarded-For": `203.0.113.${index}` } });
      assert.equal((await signUpByJson(browser, { email: `u${index}@example.com` })).status, 200);
    }
    assert.equal((await signUpByJson(app.browser({ headers: { "X-Forwarded-For": "203.0.113.99" } }))).status, 429);
  });
});

describe("gate.register.register", () => {
  it("makes an account and signs nobody in", async () => {
    const app = await startApp();
    const outcome = await app.gate.register.register({ login: " Ann@Example.com", password: PASSWORD, profile: { name: "Ann" } });
    assert.ok("ok" in outcome);
    assert.equal(outcome.ok.login, ANN);
    assert.deepEqual(usersOf(app)[0]?.profile, { name: "Ann" });
    assert.equal(kept(app).signIns.size, 0);
    const again = await app.gate.register.register({ login: ANN, password: PASSWORD });
    assert.ok("refused" in again && again.refused.kind === "refusal");
    assert.deepEqual([again.refused.status, again.refused.reason], [409, "login_taken"]);
    const nobody = await app.gate.register.register({ login: "no address", password: "short" });
    assert.ok("refused" in nobody && nobody.refused.kind === "refusal");
    assert.deepEqual(
      nobody.refused.problems.map(({ field, reason }) => `${field} ${reason}`),
      ["email email_invalid", "password password_too_short"],
    );
  });

  it("is not limited by network: an import has none", async () => {
    const app = await startApp();
    for (let index = 0; index < 30; index += 1) {
      assert.ok("ok" in (await app.gate.register.register({ login: `u${index}@example.com`, password: PASSWORD })));
    }
  });
});
