/** Confirming an address: the pages, the mail, who gets in before and after. @module */
import assert from "node:assert/strict";
import { confirmChannel } from "@castellan/confirm";
import { ConfigError, hours, textField, usernameIdentifier } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  haveConfirmed,
  haveUnconfirmed,
  isConfirmed,
  linkFor,
  mailsTo,
  PASSWORD,
  ROOT,
  registerBy,
  signIn,
  spend,
  startApp,
  startGateWithoutMail,
  statusAndReason,
  tokenFor,
  toldOf,
  userOf,
} from "./support.ts";

describe("the module", () => {
  it("T12.01: answers GET and POST of its two pages, and has a text for each reason", async () => {
    const app = await startApp();
    const { routes, reasons } = app.gate.describe();
    const own = routes.filter((route) => route.endsWith("(confirm)"));
    assert.deepEqual(own, [
      "GET /confirm (confirm)",
      "POST /confirm (confirm)",
      "GET /confirm/resend (confirm)",
      "POST /confirm/resend (confirm)",
    ]);
    assert.deepEqual(reasons["confirm"], ["confirmation_sent", "not_confirmed", "confirmed", "email_required"]);
  });

  it("T12.01: does not start where nobody says who its mails come from", () => {
    assert.throws(
      () => startGateWithoutMail(),
      (error) => error instanceof ConfigError && error.problems.some((problem) => problem.includes('module "confirm" sends mails')),
    );
  });
});

describe("a registration", () => {
  it("T12.04: mails a link to the user's address, in text and HTML, and answers with a page that says so", async () => {
    const app = await startApp();
    const answer = await registerBy(app.browser());
    assert.deepEqual([answer.status, answer.page.heading], [200, "Look into your mailbox"]);
    const [mail, ...others] = await mailsTo(app, ANN);
    assert.ok(mail && others.length === 0);
    assert.equal(mail.subject, "Confirm your address");
    const link = await linkFor(app);
    assert.ok(mail.html?.includes(`<a href="${link}">Confirm this address</a>`));
    assert.equal(await isConfirmed(app), false);
  });

  it("T12.04: gives a JSON client a word and the way on, and signs nobody in", async () => {
    const app = await startApp();
    const browser = app.browser();
    const answer = await browser.json("POST", "/auth/register", { email: ANN, password: PASSWORD });
    assert.deepEqual(toldOf(answer, "status", "reason", "location"), {
      status: "success",
      reason: "confirmation_sent",
      location: "/auth/login",
    });
    assert.equal(statusAndReason(await browser.json("GET", "/account")), "401 login_required");
    await spend(app, await tokenFor(app));
    assert.equal(await isConfirmed(app), true);
  });

  it("by a script mails its link too", async () => {
    const app = await startApp();
    await app.gate.ready();
    assert.ok("ok" in (await app.gate.register.register({ login: ANN, password: PASSWORD })));
    assert.equal((await spend(app, await tokenFor(app))).status, 200);
  });

  it("needs an address where people sign in by name: without one it is 422 email_required, with one the link goes there", async () => {
    const fields = { email: textField({ label: "field.email", type: "email", autocomplete: "email", required: false }) };
    const app = await startApp({ register: { fields }, gate: { identifier: usernameIdentifier() } });
    const browser = app.browser();
    const without = await browser.json("POST", "/auth/register", { username: "ann", password: PASSWORD });
    assert.equal(without.status, 422);
    assert.match(without.text, /"field":"email","reason":"email_required"/);
    assert.equal(await app.storer.findByLogin("ann"), null);
    const given = await browser.json("POST", "/auth/register", { username: "ann", password: PASSWORD, email: "Ann@Example.com" });
    assert.equal(given.status, 200);
    await spend(app, await tokenFor(app, (await userOf(app, "ann")).email ?? ""));
    assert.equal(await isConfirmed(app, "ann"), true);
  });
});

describe("the link", () => {
  it("T12.11: leads to rootUrl and the mount, whatever Host and its companions say", async () => {
    const app = await startApp();
    const lies = {
      Host: "evil.example.net",
      "X-Forwarded-Host": "evil.example.net",
      Forwarded: "host=evil.example.net",
      "X-Forwarded-Proto": "http",
    };
    const browser = app.browser({ headers: lies });
    await browser.json("POST", "/auth/register", { email: ANN, password: PASSWORD });
    const [mail] = await mailsTo(app, ANN);
    assert.match(await linkFor(app), /^https:\/\/app\.example\.test\/auth\/confirm\?token=[\w-]{64}$/);
    assert.doesNotMatch(JSON.stringify(mail), /evil/);
  });

  it("T12.11: leads to mail.rootUrl where a separate front end is named", async () => {
    const app = await startApp({
      gate: { mail: { from: { address: "no-reply@app.example.test" }, every: null, rootUrl: "https://front.example.org/welcome" } },
    });
    await haveUnconfirmed(app);
    assert.match(await linkFor(app), /^https:\/\/front\.example\.org\/welcome\/confirm\?token=[\w-]{64}$/);
    assert.equal((await spend(app, await tokenFor(app))).status, 200);
  });

  it("T08.03 T12.05: opens a page with one button, which confirms, spends the token and leads to the login page with a word", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const browser = app.browser();
    const landing = await browser.get(await linkFor(app));
    assert.deepEqual([landing.status, landing.page.heading, await isConfirmed(app)], [200, "Confirm your address", false]);
    const done = await landing.page.form("/auth/confirm").submit();
    assert.equal(done.url, `${ROOT}/auth/login`);
    assert.match(done.page.text, /Your address is confirmed\. You can sign in now\./);
    assert.deepEqual((await userOf(app)).confirmedAt, app.clock.now());
    assert.equal(statusAndReason(await spend(app, await tokenFor(app))), "410 link_invalid");
    assert.equal(browser.jar.get("__Host-castellan-link"), null);
  });

  it("T12.05: leads where the application wants, and tells who listens", async () => {
    const told: string[] = [];
    const app = await startApp({ confirm: { afterConfirm: "/welcome" } });
    app.gate.on(confirmChannel).after("notify", ({ pid, ctx }) => void told.push(`${pid} ${ctx?.json}`));
    const pid = await haveUnconfirmed(app);
    const answer = await spend(app, await tokenFor(app));
    assert.deepEqual(toldOf(answer, "status", "reason", "location"), { status: "success", reason: "confirmed", location: "/welcome" });
    assert.deepEqual(told, [`${pid} true`]);
  });

  it("T12.12: holds a token of 64 characters, of which only the halves' place and hash are stored", async () => {
    const app = await startApp();
    const pid = await haveUnconfirmed(app);
    const token = await tokenFor(app);
    assert.match(token, /^[\w-]{64}$/);
    const [row, ...others] = app.storer.dump().links.filter((link) => link.pid === pid);
    assert.ok(row && others.length === 0);
    const bytes = Buffer.from(token, "base64url");
    assert.equal(row.selector, bytes.subarray(0, 16).toString("base64url"));
    assert.match(row.verifierHash, /^[\w-]{43}$/);
    assert.ok(!token.includes(row.verifierHash));
    assert.deepEqual(row.expiresAt, new Date(app.clock.now().getTime() + hours(24)));
  });
});

describe("what is no living link", () => {
  const nothing: readonly unknown[] = [
    "",
    " ",
    "\u0000",
    "null",
    "undefined",
    "%00",
    "0",
    "a".repeat(64),
    "A".repeat(63),
    `${"a".repeat(64)}=`,
  ];

  it("T12.06: without a token there is nothing to confirm: 410 as JSON, a page without a button as HTML", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    for (const body of [{}, { token: null }, { token: [] }, { token: {} }, { token: 0 }, { token: true }, { token: [""] }]) {
      assert.equal(statusAndReason(await app.browser().json("POST", "/auth/confirm", body)), "410 link_invalid", JSON.stringify(body));
    }
    const { page, status } = await app.browser().get("/auth/confirm");
    assert.deepEqual([status, page.forms.length, page.links.some(({ href }) => href === "/auth/confirm/resend")], [200, 0, true]);
    assert.equal(await isConfirmed(app), false);
  });

  it("T12.07 T12.08: one that cannot be read and one that nobody made get the same answer", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const token = await tokenFor(app);
    const wrongVerifier = token.slice(0, 40) + (token[40] === "A" ? "B" : "A") + token.slice(41);
    const wrongSelector = (token[0] === "A" ? "B" : "A") + token.slice(1);
    const answers = [];
    for (const text of [...nothing, wrongVerifier, wrongSelector, `${token}A`, token.slice(1), ` ${token}`, token.toLowerCase()]) {
      answers.push(statusAndReason(await spend(app, text)));
    }
    assert.deepEqual(new Set(answers), new Set(["410 link_invalid"]));
    assert.equal(await isConfirmed(app), false);
    assert.equal((await spend(app, token)).status, 200, "none of this has hurt the right one");
  });

  it("says on its page that the link does not work any more, and offers a new one", async () => {
    const app = await startApp();
    const landing = await app.browser().get(`/auth/confirm?token=${"a".repeat(64)}`);
    const refused = await landing.page.form("/auth/confirm").submit();
    assert.deepEqual([refused.status, refused.page.forms.length], [410, 0]);
    assert.match(refused.page.text, /This link does not work any more\./);
    assert.equal((await refused.page.link("Send the mail again").follow()).page.heading, "Send the mail again");
  });
});

describe("a sign-in", () => {
  it("T12.02: goes through with a confirmed address", async () => {
    const app = await startApp();
    await haveConfirmed(app);
    assert.equal((await signIn(app.browser())).text, "start");
  });

  it("T12.03: without one is answered 403 not_confirmed and the way to a new mail, after the right password only", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const browser = app.browser();
    const page = await signIn(browser);
    assert.equal(page.status, 403);
    assert.match(page.page.text, /Please confirm your address first/);
    assert.ok(page.page.links.some(({ href }) => href === "/auth/confirm/resend"));
    assert.equal(statusAndReason(await browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD })), "403 not_confirmed");
    assert.equal(statusAndReason(await browser.json("POST", "/auth/login", { email: ANN, password: "wrong" })), "401 invalid_credentials");
    assert.equal(statusAndReason(await browser.json("GET", "/account")), "401 login_required");
    assert.equal(app.storer.dump().signIns.size, 0);
  });
});

describe("with the policy allow-limited", () => {
  const confirm = { policy: "allow-limited" } as const;

  it("people get in at once, and the link is mailed all the same", async () => {
    const app = await startApp({ confirm });
    const browser = app.browser();
    assert.equal((await registerBy(browser)).text, "start");
    assert.equal((await browser.get("/account")).text, `account of ${ANN}`);
    assert.equal((await spend(app, await tokenFor(app))).status, 200);
  });

  it("T12.10: the middleware sends the unconfirmed to the page for a new mail, and tells a JSON client 403", async () => {
    const app = await startApp({ confirm });
    const browser = app.browser();
    await registerBy(browser);
    const turned = await browser.get("/wall", { followRedirects: false });
    assert.deepEqual([turned.status, turned.location, turned.text], [303, "/auth/confirm/resend", ""]);
    assert.match((await browser.get("/wall")).page.text, /Please confirm your address first/);
    assert.equal(statusAndReason(await browser.json("GET", "/wall")), "403 not_confirmed");
  });

  it("T12.09: the middleware lets the confirmed pass, from the moment of the confirmation on, and strangers too", async () => {
    const app = await startApp({ confirm });
    const browser = app.browser();
    await registerBy(browser);
    assert.equal((await app.browser().get("/wall")).text, "wall");
    await spend(app, await tokenFor(app));
    assert.equal((await browser.get("/wall")).text, "wall");
  });

  it("a registration for a taken login says so: silence is promised only where nobody gets in unproved", async () => {
    const app = await startApp({ confirm });
    await haveUnconfirmed(app);
    assert.equal(
      statusAndReason(await app.browser().json("POST", "/auth/register", { email: ANN, password: PASSWORD })),
      "409 login_taken",
    );
    assert.equal((await mailsTo(app, ANN)).length, 1);
  });
});

describe("the services", () => {
  it("gate.confirm.send mails a new link whatever the limits, and nothing to a user without an address", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const first = await tokenFor(app);
    const user = await userOf(app);
    await app.gate.confirm.send(user);
    await app.gate.confirm.send(user);
    assert.equal((await mailsTo(app, ANN)).length, 3);
    assert.equal(statusAndReason(await spend(app, first)), "410 link_invalid");
    assert.equal((await spend(app, await tokenFor(app))).status, 200);
    const pid = "somebody";
    await app.storer.createUser({
      pid,
      login: "bob@example.com",
      email: null,
      passwordHash: null,
      profile: {},
      createdAt: app.clock.now(),
    });
    await app.gate.confirm.send(await userOf(app, "bob@example.com"));
    await app.gate.deliverMails();
    assert.equal(app.mails.length, 3);
  });

  it("gate.confirm.isConfirmed says whether a user's address is", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    assert.equal(app.gate.confirm.isConfirmed(await userOf(app)), false);
    await spend(app, await tokenFor(app));
    assert.equal(app.gate.confirm.isConfirmed(await userOf(app)), true);
  });
});
