/** A new password by a mailed link: the pages, the mail, and what ends with the old password. @module */
import assert from "node:assert/strict";
import { finishRecovery, hours, login, minutes, startRecovery, usernameIdentifier } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  ask,
  has,
  haveUser,
  linkFor,
  mailsTo,
  newToken,
  OTHER_PASSWORD,
  PASSWORD,
  ROOT,
  recoverBy,
  signedIn,
  signIn,
  spend,
  startApp,
  statusAndReason,
  toldOf,
  userOf,
} from "./support.ts";

describe("the module", () => {
  it("T13.01: answers GET and POST of its two pages, and has a text for each reason", async () => {
    const app = await startApp();
    const { routes, reasons } = app.gate.describe();
    const own = routes.filter((route) => route.endsWith("(recover)"));
    assert.deepEqual(own, [
      "GET /recover (recover)",
      "POST /recover (recover)",
      "GET /recover/end (recover)",
      "POST /recover/end (recover)",
    ]);
    assert.deepEqual(reasons["recover"], ["recovery_sent", "password_recovered", "password_recovered_signed_in"]);
  });

  it("takes no link that works longer than a day", async () => {
    await assert.rejects(startApp({ recover: { lasts: hours(25) } }), RangeError);
  });
});

describe("asking for a link", () => {
  it("T13.02: begins with a page that asks for the login and nothing else", async () => {
    const app = await startApp();
    const { status, page } = await app.browser().get("/auth/recover");
    assert.deepEqual(
      [status, page.heading, page.form("/auth/recover").fields.map(({ name }) => name)],
      [200, "Forgot your password?", ["_csrf", "email"]],
    );
    assert.equal(page.form("/auth/recover").field("email").value, "");
  });

  it("T08.04 T13.03: mails a link to a known user, in text and HTML, and leads to the login page with a word", async () => {
    const app = await startApp();
    const { page } = await app.browser().get("/auth/recover");
    const asked = await page.form("/auth/recover").submit({ email: ` ${ANN.toUpperCase()} ` });
    assert.deepEqual([asked.url, asked.status], [`${ROOT}/auth/login`, 200]);
    assert.match(asked.page.text, /If there is an account for this, a mail with a link is on its way\./);
    const [mail, ...others] = await mailsTo(app, ANN);
    assert.ok(mail && others.length === 0);
    assert.equal(mail.subject, "Choose a new password");
    assert.match(mail.text, /within 60 minutes/);
    assert.ok(mail.html?.includes(`<a href="${await linkFor(app)}">Choose a new password</a>`));
  });

  it("T13.04: mails nothing for an unknown login, with the same answer", async () => {
    const app = await startApp();
    const { page } = await app.browser().get("/auth/recover");
    const asked = await page.form("/auth/recover").submit({ email: "nobody@example.com" });
    assert.equal(asked.url, `${ROOT}/auth/login`);
    assert.match(asked.page.text, /If there is an account for this, a mail with a link is on its way\./);
    await app.gate.deliverMails();
    assert.deepEqual(app.mails, []);
  });

  it("without a login is 422 on that field", async () => {
    const app = await startApp();
    for (const body of [{}, { email: "" }, { email: [ANN] }, { email: { $ne: null } }]) {
      const answer = await app.browser().json("POST", "/auth/recover", body);
      assert.deepEqual([answer.status, answer.text.includes('"field":"email"')], [422, true], JSON.stringify(body));
    }
    assert.deepEqual(app.storer.dump().mails, []);
  });

  it("tells who listens, of known and unknown logins alike", async () => {
    const app = await startApp();
    const told: unknown[] = [];
    app.gate.on(startRecovery).after("notify", ({ user }) => void told.push(user?.login ?? null));
    await ask(app, ANN);
    await ask(app, "nobody@example.com");
    assert.deepEqual(told, [ANN, null]);
  });

  it("goes by user name where people sign in by one, and mails nothing where there is no address", async () => {
    const app = await startApp({ gate: { identifier: usernameIdentifier() } });
    await haveUser(app, "bob", "bob@example.com");
    await haveUser(app, "eve", null);
    const answers = [];
    for (const username of ["bob", "eve", "nobody"]) {
      answers.push((await app.browser().json("POST", "/auth/recover", { username })).status);
    }
    assert.deepEqual(answers, [200, 200, 200]);
    await app.gate.deliverMails();
    assert.deepEqual(
      app.mails.map(({ to }) => to.address),
      ["bob@example.com"],
    );
    assert.equal((await spend(app, /token=([\w-]+)/.exec(app.mails[0]?.text ?? "")?.[1])).status, 200);
    assert.ok(await has(app, OTHER_PASSWORD, "bob"));
  });
});

describe("secondary addresses", () => {
  const MORE = ["ann@home.example", "ann@work.example"];

  it("T13.15: get a mail of their own each, which names none of the others and has a link of its own", async () => {
    const app = await startApp();
    const { pid } = await userOf(app);
    await app.storer.setSecondaryEmails(pid, [...MORE, ANN]);
    await ask(app, ANN);
    await app.gate.deliverMails();
    assert.deepEqual(
      app.mails.map(({ to }) => to).sort((a, b) => (a.address < b.address ? -1 : 1)),
      [ANN, ...MORE].sort().map((address) => ({ address })),
    );
    const links = new Set(app.mails.map(({ text }) => /token=([\w-]+)/.exec(text)?.[1]));
    assert.equal(links.size, 3);
    for (const { to, text, html } of app.mails) {
      for (const other of [ANN, ...MORE].filter((address) => address !== to.address)) assert.ok(!`${text}${html}`.includes(other));
    }
  });

  it("give a new password by any of their links, and the others end with it", async () => {
    const app = await startApp();
    await app.storer.setSecondaryEmails((await userOf(app)).pid, MORE);
    await ask(app, ANN);
    await app.gate.deliverMails();
    const [first, ...others] = app.mails.map(({ text }) => /token=([\w-]+)/.exec(text)?.[1]);
    assert.equal((await spend(app, first)).status, 200);
    for (const token of others) assert.equal(statusAndReason(await spend(app, token, PASSWORD)), "410 link_invalid");
  });

  it("that are no addresses get nothing, and stop no other mail", async () => {
    const app = await startApp();
    const hostile = ["ann@work.example\r\nBcc: evil@example.net", '"evil@x"@work.example', "evil@x.example;ann@work.example", ""];
    await app.storer.setSecondaryEmails((await userOf(app)).pid, [...hostile, "ann@home.example"]);
    assert.equal((await ask(app, ANN)).status, 200);
    await app.gate.deliverMails();
    assert.deepEqual(app.mails.map(({ to }) => to.address).sort(), [ANN, "ann@home.example"].sort());
    assert.deepEqual(app.storer.dump().mails, []);
  });
});

describe("the link", () => {
  it("T13.13: leads to rootUrl and the mount, whatever Host says, or to mail.rootUrl", async () => {
    const app = await startApp();
    const headers = { Host: "evil.example.net", "X-Forwarded-Host": "evil.example.net", Forwarded: "host=evil.example.net" };
    await app.browser({ headers }).json("POST", "/auth/recover", { email: ANN });
    assert.match(await linkFor(app), /^https:\/\/app\.example\.test\/auth\/recover\/end\?token=[\w-]{64}$/);
    assert.doesNotMatch(JSON.stringify(app.mails), /evil/);
    const split = await startApp({
      gate: { mail: { from: { address: "no-reply@app.example.test" }, every: null, rootUrl: "https://front.example.org" } },
    });
    await ask(split, ANN);
    assert.match(await linkFor(split), /^https:\/\/front\.example\.org\/recover\/end\?token=[\w-]{64}$/);
  });

  it("T13.14: holds a token of 64 characters, of which only the halves' place and hash are stored", async () => {
    const app = await startApp();
    const token = await newToken(app);
    assert.match(token, /^[\w-]{64}$/);
    const [row, ...others] = app.storer.dump().links;
    assert.ok(row && others.length === 0);
    assert.equal(row.selector, Buffer.from(token, "base64url").subarray(0, 16).toString("base64url"));
    assert.match(row.verifierHash, /^[\w-]{43}$/);
    assert.deepEqual(row.expiresAt, new Date(app.clock.now().getTime() + hours(1)));
  });

  it("T08.05 T13.05: opens a page with the token in its form, and not in its address", async () => {
    const app = await startApp();
    const token = await newToken(app);
    const landing = await app.browser().get(`/auth/recover/end?token=${token}`);
    assert.equal(landing.url, `${ROOT}/auth/recover/end`);
    const form = landing.page.form("/auth/recover/end");
    assert.equal(form.field("token").value, token);
    assert.deepEqual(
      form.fields.filter(({ type }) => type === "password").map((field) => field.attribute("autocomplete")),
      ["new-password", "new-password"],
    );
    assert.equal(landing.redirects[0]?.status, 303);
    for (const answer of [landing, ...landing.redirects]) {
      assert.deepEqual([answer.headers["referrer-policy"], answer.headers["x-robots-tag"]], ["no-referrer", "noindex"]);
    }
  });

  it("opens a page without a form where nobody brought a token", async () => {
    const app = await startApp();
    const { page } = await app.browser().get("/auth/recover/end");
    assert.equal(page.forms.length, 0);
    assert.equal((await page.link("Ask for a new link").follow()).page.heading, "Forgot your password?");
  });
});

describe("the new password", () => {
  it("T13.06: counts from then on; nobody is signed in, and the words do not say so", async () => {
    const app = await startApp();
    await ask(app, ANN);
    const browser = app.browser();
    const done = await recoverBy(browser, await linkFor(app));
    assert.equal(done.url, `${ROOT}/auth/login`);
    assert.match(done.page.text, /Your new password is saved\. You can sign in with it now\./);
    assert.equal(statusAndReason(await browser.json("GET", "/account")), "401 login_required");
    assert.equal(statusAndReason(await signIn(browser, PASSWORD)), "401 invalid_credentials");
    assert.equal((await signIn(browser, OTHER_PASSWORD)).status, 200);
  });

  it("T08.06 T13.06: can be chosen by a JSON client that posts the token in the body", async () => {
    const app = await startApp();
    const answer = await spend(app, await newToken(app));
    assert.deepEqual(toldOf(answer, "status", "reason", "location"), {
      status: "success",
      reason: "password_recovered",
      location: "/auth/login",
    });
    assert.ok(await has(app, OTHER_PASSWORD));
  });

  it("T13.07 T13.08: signs in where the application wants that, by the channels of any sign-in, once each and in their order", async () => {
    const app = await startApp({ recover: { signIn: true, afterRecover: "/account" } });
    const order: string[] = [];
    app.gate.on(finishRecovery).after("record", () => void order.push("finishRecovery"));
    app.gate
      .on(login)
      .before("guard", ({ via }) => void order.push(`guard ${via}`))
      .before("challenge", () => void order.push("challenge"))
      .after("record", () => void order.push("record"))
      .after("notify", () => void order.push("notify"));
    const browser = app.browser();
    const before = await browser.json("GET", "/auth/recover/end");
    assert.equal(before.status, 200);
    await ask(app, ANN);
    const done = await recoverBy(browser, await linkFor(app));
    assert.equal(done.text, `account of ${ANN}`);
    assert.deepEqual(order, ["finishRecovery", "guard recover", "challenge", "record", "notify"]);
    app.clock.advance(minutes(5));
    const json = await spend(app, await newToken(app), PASSWORD);
    assert.deepEqual(toldOf(json, "reason", "message", "location"), {
      reason: "password_recovered_signed_in",
      message: "Your new password is saved, and you are signed in.",
      location: "/account",
    });
  });

  it("T13.09: that will not do is 422 on its field, and leaves the token alive", async () => {
    const app = await startApp();
    await ask(app, ANN);
    const browser = app.browser();
    const landing = await browser.get(await linkFor(app));
    const form = landing.page.form("/auth/recover/end");
    const short = await form.submit({ password: "short", confirm_password: "short" });
    assert.deepEqual([short.status, short.page.problems.map(({ field }) => field)], [422, ["password"]]);
    const differing = await short.page.form("/auth/recover/end").submit({ password: OTHER_PASSWORD, confirm_password: PASSWORD });
    assert.deepEqual([differing.status, differing.page.problems.map(({ field }) => field)], [422, ["confirm_password"]]);
    const mine = await differing.page.form("/auth/recover/end").submit({ password: `${ANN}1`, confirm_password: `${ANN}1` });
    assert.equal(mine.status, 422, "a password like the login");
    assert.ok(!mine.text.includes(`${ANN}1`), "what was typed is not shown again");
    assert.ok(await has(app, PASSWORD));
    assert.equal(statusAndReason(await signIn(browser, OTHER_PASSWORD)), "401 invalid_credentials");
    const done = await mine.page.form("/auth/recover/end").submit({ password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    assert.equal(done.url, `${ROOT}/auth/login`);
    assert.ok(await has(app, OTHER_PASSWORD));
  });

  it("can be tried as often as it takes: poor ones use up nothing", async () => {
    const app = await startApp();
    const token = await newToken(app);
    for (let turn = 0; turn < 35; turn += 1) assert.equal((await spend(app, token, `short ${turn}`)).status, 422);
    assert.equal((await spend(app, token)).status, 200);
  });

  it("of somebody who had none (another way in) can be had too", async () => {
    const app = await startApp();
    const pid = "by-provider";
    await app.storer.createUser({
      pid,
      login: "bob@example.com",
      email: "bob@example.com",
      passwordHash: null,
      profile: {},
      createdAt: app.clock.now(),
    });
    assert.equal((await spend(app, await newToken(app, "bob@example.com"))).status, 200);
    assert.ok(await has(app, OTHER_PASSWORD, "bob@example.com"));
  });

  it("is told to its owner by mail, without a link", async () => {
    const app = await startApp();
    await spend(app, await newToken(app));
    const mail = (await mailsTo(app, ANN)).at(-1);
    assert.equal(mail?.subject, "Your password was changed");
    assert.ok(!mail?.text.includes("token"));
  });
});

describe("what ends with the old password", () => {
  it("W22 every sign-in, every remembered browser, and every sign-in that waits for its second factor", async () => {
    const app = await startApp({ hasPin: ({ login: name }) => name === "bob@example.com" });
    await haveUser(app, "bob@example.com");
    const browsers = [await signedIn(app), await signedIn(app, PASSWORD, ANN, true)];
    const half = app.browser();
    assert.match((await signIn(half, PASSWORD, "bob@example.com")).text, /\/auth\/pin/);
    assert.equal((await half.json("GET", "/auth/pin")).status, 200);
    assert.equal((await spend(app, await newToken(app))).status, 200);
    assert.equal((await spend(app, await newToken(app, "bob@example.com"))).status, 200);
    for (const browser of browsers) {
      assert.equal(statusAndReason(await browser.json("GET", "/account")), "401 login_required");
      browser.jar.delete("__Host-castellan-sid");
      assert.equal(statusAndReason(await browser.json("GET", "/account")), "401 login_required", "nor is it remembered");
    }
    assert.equal(statusAndReason(await half.json("GET", "/auth/pin")), "401 login_expired");
    assert.equal(statusAndReason(await half.json("POST", "/auth/pin", { pin: "271828" })), "401 login_expired");
    const { signIns, series, users } = app.storer.dump();
    assert.equal(signIns.size, 0);
    const epochs = new Map(users.map(({ pid, epoch }) => [pid, epoch]));
    assert.ok(series.every(({ pid, epoch }) => epochs.get(pid) !== epoch));
  });

  it("and nobody else's sign-in", async () => {
    const app = await startApp();
    await haveUser(app, "bob@example.com");
    const bob = await signedIn(app, PASSWORD, "bob@example.com");
    await spend(app, await newToken(app));
    assert.equal((await bob.get("/account")).text, "account of bob@example.com");
  });
});

describe("the service", () => {
  it("gate.recover.send mails a new link whatever the limits, answers how many, and voids the older one", async () => {
    const app = await startApp();
    const older = await newToken(app);
    assert.equal(await app.gate.recover.send(await userOf(app)), 1);
    await app.storer.setSecondaryEmails((await userOf(app)).pid, ["ann@home.example"]);
    assert.equal(await app.gate.recover.send(await userOf(app)), 2);
    assert.equal((await mailsTo(app, ANN)).length, 3);
    assert.equal(statusAndReason(await spend(app, older)), "410 link_invalid");
    await haveUser(app, "bob", null);
    assert.equal(await app.gate.recover.send(await userOf(app, "bob")), 0);
  });
});
