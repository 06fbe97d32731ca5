/** The mailed link: used once, for one user, for an hour, by a person. @module */
import assert from "node:assert/strict";
import { type Answer, memoryStorer } from "@castellan/testkit";
import { hours, minutes } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  ask,
  has,
  haveUser,
  kept,
  linkFor,
  mailsTo,
  newToken,
  OTHER_PASSWORD,
  PASSWORD,
  ROOT,
  recoverBy,
  signedIn,
  spend,
  startApp,
  statusAndReason,
  tokenFor,
  userOf,
} from "./support.ts";

const DEAD = "410 link_invalid";
const BOB = "bob@example.com";
const path = (link: string): string => link.slice(ROOT.length);
const dead = (answer: Answer): boolean => statusAndReason(answer) === DEAD;

describe("a token", () => {
  it("C01 R123 is spent by exactly one of twenty uses at once: its password is the live one, one mail tells of it, and all sign-ins end", async () => {
    const app = await startApp();
    const owner = await signedIn(app);
    const token = await newToken(app);
    const before = app.hasher.calls.hash;
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => spend(app, token, `${OTHER_PASSWORD} ${index}`)));
    const won = answers.flatMap((answer, index) => (answer.status === 200 ? [index] : []));
    assert.equal(won.length, 1);
    assert.deepEqual(new Set(answers.filter(({ status }) => status !== 200).map(statusAndReason)), new Set([DEAD]));
    assert.ok(await has(app, `${OTHER_PASSWORD} ${won[0]}`));
    assert.ok(app.hasher.calls.hash - before <= 20);
    assert.equal((await mailsTo(app, ANN)).filter(({ subject }) => subject === "Your password was changed").length, 1);
    assert.equal(statusAndReason(await owner.json("GET", "/account")), "401 login_required");
    assert.equal((await userOf(app)).epoch, 1);
  });

  it("R117 does not work a second time", async () => {
    const app = await startApp();
    const token = await newToken(app);
    await spend(app, token);
    assert.ok(dead(await spend(app, token, PASSWORD)));
    assert.ok(await has(app, OTHER_PASSWORD));
  });

  it("T13.11: is useless from its last moment on: an hour, or what the application says, with the same answer as any other dead one", async () => {
    for (const [lasts, recover] of [
      [hours(1), {}],
      [minutes(10), { lasts: minutes(10) }],
    ] as const) {
      const app = await startApp({ recover });
      const token = await newToken(app);
      app.clock.advance(lasts);
      assert.ok(dead(await spend(app, token)));
      app.clock.set(new Date(app.clock.now().getTime() - 1));
      assert.equal((await spend(app, token)).status, 200);
    }
  });

  it("R117 the older of two is useless, also while the newer one has not been used", async () => {
    const app = await startApp();
    const older = await newToken(app);
    app.clock.advance(minutes(5));
    const newer = await newToken(app);
    assert.ok(dead(await spend(app, older)));
    assert.ok(await has(app, PASSWORD));
    assert.equal((await spend(app, newer)).status, 200);
  });

  it("R117 is useless after a change of password, by its owner or by an administrator", async () => {
    const app = await startApp();
    const { pid } = await userOf(app);
    const token = await newToken(app);
    const changed = await app.gate.changePassword(pid, { from: PASSWORD, to: OTHER_PASSWORD });
    assert.ok("ok" in changed);
    assert.ok(dead(await spend(app, token, "yet another pass phrase")));
    app.clock.advance(minutes(5));
    const again = await newToken(app);
    await app.gate.updatePassword(pid, PASSWORD);
    assert.ok(dead(await spend(app, again)));
    assert.ok(await has(app, PASSWORD));
  });

  it("R117 is useless once the address that it was mailed to is the user's no more", async () => {
    const app = await startApp();
    const token = await newToken(app);
    const { storer, clock } = app;
    const user = await userOf(app);
    storer.removeUser(user.pid);
    await storer.createUser({ ...user, email: "ann@example.org", createdAt: clock.now() });
    assert.ok(dead(await spend(app, token)));
    await storer.setSecondaryEmails(user.pid, [ANN]);
    assert.equal((await spend(app, token)).status, 200, "it is one of them again");
  });

  it("R120 is worthless for another user, and for one who is gone", async () => {
    const app = await startApp();
    const pid = await haveUser(app, BOB);
    const [ann, bob] = [await newToken(app), await newToken(app, BOB)];
    const mixed = Buffer.concat([Buffer.from(ann, "base64url").subarray(0, 16), Buffer.from(bob, "base64url").subarray(16)]);
    assert.ok(dead(await spend(app, mixed.toString("base64url"))));
    app.storer.removeUser(pid);
    assert.ok(dead(await spend(app, bob)));
    assert.equal((await spend(app, ann)).status, 200);
  });

  it("R122 of another purpose (confirm, unlock) gives no new password, and this one confirms and unlocks nothing", async () => {
    const app = await startApp();
    const pid = await haveUser(app, BOB, BOB, false);
    await app.gate.confirm.send(await userOf(app, BOB));
    const confirmation = await tokenFor(app, BOB);
    const stranger = app.browser({ headers: { "X-Forwarded-For": "203.0.113.7" } });
    for (let turn = 0; turn < 7; turn += 1) await stranger.json("POST", "/auth/login", { email: BOB, password: "wrong" });
    const unlocking = await tokenFor(app, BOB);
    assert.notEqual(unlocking, confirmation);
    const recovery = await newToken(app, BOB);
    const before = kept(app);
    const tries: readonly [string, string][] = [
      ["/auth/recover/end", confirmation],
      ["/auth/recover/end", unlocking],
      ["/auth/confirm", recovery],
      ["/auth/confirm", unlocking],
      ["/auth/unlock", recovery],
      ["/auth/unlock", confirmation],
    ];
    for (const [where, token] of tries) {
      assert.ok(dead(await app.browser().json("POST", where, { token, password: OTHER_PASSWORD })), where);
    }
    assert.deepEqual(kept(app), before);
    assert.equal((await app.browser().json("POST", "/auth/unlock", { token: unlocking })).status, 200);
    assert.equal((await app.browser().json("POST", "/auth/confirm", { token: confirmation })).status, 200);
    assert.equal((await spend(app, recovery)).status, 200);
    assert.equal((await userOf(app, BOB)).pid, pid);
  });

  it("T13.10 T13.12: that is none, cannot be read or was made by nobody gets the same answer as a dead one, and costs no hash", async () => {
    const app = await startApp();
    const token = await newToken(app);
    const near = token.slice(0, 40) + (token[40] === "A" ? "B" : "A") + token.slice(41);
    const texts: readonly unknown[] = [
      "",
      " ",
      "\0",
      "null",
      "%00",
      "a".repeat(64),
      near,
      `${token}=`,
      token.slice(1),
      null,
      undefined,
      [],
      {},
      0,
    ];
    const before = app.hasher.calls.hash;
    for (const text of texts) assert.ok(dead(await spend(app, text)), JSON.stringify(text));
    assert.equal(app.hasher.calls.hash, before);
    const landing = await app.browser().get(`/auth/recover/end?token=${near}`);
    const page = await landing.page.form("/auth/recover/end").submit({ password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    assert.deepEqual([page.status, page.page.forms.length, page.text.includes(near)], [410, 0, false]);
    assert.match(page.page.text, /This link does not work any more\. Ask for a new one\./);
    assert.equal((await spend(app, token)).status, 200);
  });

  it("cannot be guessed on and on: the thirty-first wrong one in an hour from a network is 429", async () => {
    const app = await startApp();
    for (let turn = 0; turn < 30; turn += 1) assert.ok(dead(await spend(app, "a".repeat(64))));
    assert.equal(statusAndReason(await spend(app, "a".repeat(64))), "429 too_many_attempts");
    const elsewhere = app.browser({ headers: { "X-Forwarded-For": "203.0.113.9" } });
    assert.equal((await spend(app, await newToken(app), OTHER_PASSWORD, elsewhere)).status, 200);
  });

  it("of another installation is nobody's", async () => {
    const [one, other] = [await startApp(), await startApp({ gate: { storer: memoryStorer() } })];
    const token = await newToken(one);
    assert.ok(dead(await spend(other, token)));
  });
});

describe("the address of the link", () => {
  it("is clean after the landing, in no log, and in no header of what follows", async () => {
    const app = await startApp();
    const token = await newToken(app);
    const browser = app.browser();
    const landing = await browser.get(`/auth/recover/end?token=${token}&redir=/account`);
    assert.equal(landing.url, `${ROOT}/auth/recover/end`);
    assert.equal(landing.redirects[0]?.location, "/auth/recover/end");
    const done = await landing.page.form("/auth/recover/end").submit({ password: OTHER_PASSWORD, confirm_password: OTHER_PASSWORD });
    for (const answer of [landing, ...landing.redirects, done, ...done.redirects]) {
      assert.ok(!JSON.stringify([answer.headers, answer.setCookies]).includes(token));
    }
    assert.ok(!JSON.stringify(app.log).includes(token));
  });

  it("works in browsers without Fetch Metadata", async () => {
    const app = await startApp();
    await ask(app, ANN);
    assert.equal((await recoverBy(app.browser({ fetchMetadata: false }), path(await linkFor(app)))).url, `${ROOT}/auth/login`);
    assert.ok(await has(app, OTHER_PASSWORD));
  });

  it("stays out of the log when the database goes away at the very end, and the link works when it is back", async () => {
    const app = await startApp();
    const token = await newToken(app);
    app.storer.fail(new Error("the database is away"));
    assert.equal((await spend(app, token)).status, 503);
    app.storer.fail(null);
    const log = JSON.stringify(app.log);
    assert.ok(!log.includes(token) && !log.includes(OTHER_PASSWORD));
    assert.equal((await spend(app, token)).status, 200);
  });

  it("is the same page for whoever scans: GET and HEAD, with cookies and without, change nothing, and the link works afterwards", async () => {
    const app = await startApp();
    await app.storer.setSecondaryEmails((await userOf(app)).pid, ["ann@home.example"]);
    await ask(app, ANN);
    await app.gate.deliverMails();
    const links = app.mails.flatMap(({ text, html = "" }) => `${text} ${html}`.match(/https:[^\s"<]+/g) ?? []);
    assert.equal(new Set(links).size, 2);
    const before = kept(app);
    const keeping = app.browser();
    for (const link of links) {
      for (const method of ["GET", "HEAD", "GET", "OPTIONS"]) {
        assert.ok((await app.browser().request(method, path(link), { mode: "bare", followRedirects: true })).status < 300);
        assert.ok((await keeping.request(method, path(link), { followRedirects: true })).status < 300);
      }
    }
    assert.deepEqual(kept(app), before);
    assert.equal((await recoverBy(keeping, path(await linkFor(app)))).url, `${ROOT}/auth/login`);
    assert.ok(await has(app, OTHER_PASSWORD));
  });
});
