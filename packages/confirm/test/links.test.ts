/** The mailed link: used once, by nobody but a person, and seen by nobody else. @module */
import assert from "node:assert/strict";
import { memoryStorer } from "@castellan/testkit";
import { days, hours, minutes } from "castellan";
import { describe, it } from "vitest";
import {
  ANN,
  type App,
  haveConfirmed,
  haveUnconfirmed,
  isConfirmed,
  kept,
  linkFor,
  mailsTo,
  OTHER_PASSWORD,
  ROOT,
  spend,
  startApp,
  statusAndReason,
  tokenFor,
  userOf,
} from "./support.ts";

const DEAD = "410 link_invalid";
const pathOf = (link: string): string => link.slice(ROOT.length);

async function tokenForRecovery(app: App, email = ANN): Promise<string> {
  await app.browser().json("POST", "/auth/recover", { email });
  const mail = (await mailsTo(app, email)).findLast(({ text }) => text.includes("/auth/recover/end"));
  return /token=([\w-]+)/.exec(mail?.text ?? "")?.[1] ?? "";
}

describe("a token", () => {
  it("C06 R123 is spent by exactly one of twenty uses at once, and confirms once", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const token = await tokenFor(app);
    const answers = await Promise.all(Array.from({ length: 20 }, () => spend(app, token)));
    assert.deepEqual(answers.map(statusAndReason).sort(), ["200 confirmed", ...Array<string>(19).fill(DEAD)]);
  });

  it("is useless from its last moment on: 24 hours, or what the application says", async () => {
    for (const [lasts, confirm] of [
      [hours(24), {}],
      [minutes(10), { lasts: minutes(10) }],
    ] as const) {
      const app = await startApp({ confirm });
      await haveUnconfirmed(app);
      await haveUnconfirmed(app, "bob@example.com");
      const [ann, bob] = [await tokenFor(app), await tokenFor(app, "bob@example.com")];
      app.clock.advance(lasts);
      assert.equal(statusAndReason(await spend(app, ann)), DEAD);
      app.clock.set(new Date(app.clock.now().getTime() - 1));
      assert.equal((await spend(app, bob)).status, 200);
    }
  });

  it("R117 the older of two is useless, also while the newer one has not been used", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const older = await tokenFor(app);
    await app.browser().json("POST", "/auth/confirm/resend", { email: ANN });
    const newer = await tokenFor(app);
    assert.notEqual(newer, older);
    assert.equal(statusAndReason(await spend(app, older)), DEAD);
    assert.equal(await isConfirmed(app), false);
    assert.equal((await spend(app, newer)).status, 200);
  });

  it("R117 is useless after a change of password, and after the address has become another", async () => {
    const app = await startApp();
    const pid = await haveUnconfirmed(app);
    const token = await tokenFor(app);
    await app.gate.updatePassword(pid, OTHER_PASSWORD);
    assert.equal(statusAndReason(await spend(app, token)), DEAD);
    await app.gate.confirm.send(await userOf(app));
    const moved = await tokenFor(app);
    const user = await userOf(app);
    const { storer } = app;
    storer.removeUser(pid);
    await storer.createUser({ ...user, email: "ann@example.org", createdAt: app.clock.now() });
    assert.equal(statusAndReason(await spend(app, moved)), DEAD);
    assert.equal(await isConfirmed(app), false);
  });

  it("R120 confirms the one that it was made for and nobody else, and does not work for a user who is gone", async () => {
    const app = await startApp();
    const pid = await haveUnconfirmed(app);
    await haveUnconfirmed(app, "bob@example.com");
    const [ann, bob] = [await tokenFor(app), await tokenFor(app, "bob@example.com")];
    // The place of one with the proof of the other.
    const mixed = Buffer.concat([Buffer.from(ann, "base64url").subarray(0, 16), Buffer.from(bob, "base64url").subarray(16)]);
    assert.equal(statusAndReason(await spend(app, mixed.toString("base64url"))), DEAD);
    assert.equal((await spend(app, bob)).status, 200);
    assert.deepEqual([await isConfirmed(app), await isConfirmed(app, "bob@example.com")], [false, true]);
    app.storer.removeUser(pid);
    assert.equal(statusAndReason(await spend(app, ann)), DEAD);
  });

  it("R122 of another purpose does not confirm, and this one gives no new password", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const token = await tokenFor(app);
    const recovery = await tokenForRecovery(app);
    assert.equal(statusAndReason(await spend(app, recovery)), DEAD);
    const reset = await app.browser().json("POST", "/auth/recover/end", { token, password: OTHER_PASSWORD });
    assert.equal(statusAndReason(reset), DEAD);
    assert.equal((await spend(app, token)).status, 200);
  });

  it("in the query of the POST counts for nothing", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const answer = await app.browser().json("POST", `/auth/confirm?token=${await tokenFor(app)}`, {});
    assert.equal(statusAndReason(answer), DEAD);
  });

  it("of another gate's keys or storer is nobody's", async () => {
    const [one, other] = [await startApp(), await startApp({ gate: { storer: memoryStorer() } })];
    await haveUnconfirmed(one);
    await other.browser().json("POST", "/auth/register", { email: ANN, password: OTHER_PASSWORD });
    assert.equal(statusAndReason(await spend(other, `${await tokenFor(one)}`.replace(/^./, "_"))), DEAD);
  });
});

describe("the address of the link", () => {
  it("is clean after the landing: 303 without the token, whatever else stands in it", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const path = pathOf(await linkFor(app));
    for (const target of [
      path,
      `${path}&utm_source=mail`,
      `${path}&token=again`,
      "/auth/confirm?token=",
      "/auth/confirm?token=x&token=y",
    ]) {
      const landing = await app.browser().get(target, { followRedirects: false });
      assert.deepEqual([landing.status, landing.location, landing.text], [303, "/auth/confirm", ""], target);
    }
  });

  it("goes into no Referer and no search engine: the redirect and the page say so", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const browser = app.browser();
    const page = await browser.get(pathOf(await linkFor(app)));
    const [redirect] = page.redirects;
    for (const answer of [redirect, page]) {
      assert.equal(answer?.headers["referrer-policy"], "no-referrer");
      assert.equal(answer?.headers["x-robots-tag"], "noindex");
      assert.equal(answer?.headers["cache-control"], "no-store");
    }
    assert.equal(page.url, `${ROOT}/auth/confirm`);
  });

  it("stays clean in browsers without Fetch Metadata, whose form would otherwise come from nowhere", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const browser = app.browser({ fetchMetadata: false });
    const page = await browser.get(pathOf(await linkFor(app)));
    assert.equal(page.redirects[0]?.headers["referrer-policy"], "no-referrer");
    assert.equal(page.headers["referrer-policy"], "same-origin");
    assert.equal((await page.page.form("/auth/confirm").submit()).url, `${ROOT}/auth/login`);
    assert.equal(await isConfirmed(app), true);
  });

  it("is written to no log, neither by the landing nor by a failure at it", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const token = await tokenFor(app);
    app.storer.fail(new Error("the database is away"));
    assert.equal((await app.browser().get(`/auth/confirm?token=${token}`)).status, 200);
    assert.equal((await spend(app, token)).status, 503);
    app.storer.fail(null);
    assert.ok(app.log.length > 0);
    const log = JSON.stringify(app.log);
    assert.ok(!log.includes(token) && !log.includes(token.slice(22)) && !log.includes(ANN));
    assert.equal((await spend(app, token)).status, 200, "nothing half-done stays");
  });

  it("gives a client that speaks JSON the clean address, and the token only to the browser that brought it", async () => {
    const app = await startApp();
    await haveUnconfirmed(app);
    const browser = app.browser();
    const token = await tokenFor(app);
    const landing = await browser.json("GET", `/auth/confirm?token=${token}`);
    assert.ok(landing.status === 200 && !landing.text.includes(token));
    assert.match((await browser.json("GET", "/auth/confirm")).text, new RegExp(`"token":"${token}"`));
    assert.match((await app.browser().json("GET", "/auth/confirm")).text, /"token":null/);
  });
});

describe("a link scanner", () => {
  it("that fetches every link of every mail, with cookies and without, by GET and HEAD, changes nothing, and the link works afterwards", async () => {
    const app = await startApp();
    await haveConfirmed(app, "bob@example.com");
    await haveUnconfirmed(app);
    await tokenForRecovery(app, "bob@example.com");
    await app.browser().json("POST", "/auth/register", { email: "bob@example.com", password: OTHER_PASSWORD });
    await app.gate.deliverMails();
    const links = app.mails.flatMap(({ text, html = "" }) => `${text} ${html}`.match(/https:[^\s"<]+/g) ?? []);
    assert.ok(new Set(links).size >= 3);
    const before = kept(app);
    const keeping = app.browser();
    for (const link of links) {
      for (const method of ["GET", "HEAD", "GET"]) {
        const bare = await app.browser().request(method, pathOf(link), { mode: "bare", followRedirects: true });
        const asBrowser = await keeping.request(method, pathOf(link), { followRedirects: true });
        for (const answer of [bare, asBrowser]) assert.equal(answer.status, 200, `${method} ${link}`);
        // Scanners follow what a page links to.
        if (method === "GET") for (const { href } of asBrowser.page.links) await keeping.get(new URL(href, ROOT).pathname);
      }
    }
    await app.gate.deliverMails();
    assert.deepEqual(kept(app), before);
    assert.equal(await isConfirmed(app), false);
    const landing = await app.browser().get(pathOf(await linkFor(app)));
    assert.equal((await landing.page.form("/auth/confirm").submit()).status, 200);
    assert.equal(await isConfirmed(app), true);
  });
});

describe("what lies at rest", () => {
  it("R123 holds no token, no text of a mail, and no address beside the user's own and the link's destination", async () => {
    const app = await startApp({
      // Nothing leaves the queue.
      gate: { mailer: { send: () => Promise.reject(new Error("down")) } },
    });
    await app.gate.ready();
    await app.browser().json("POST", "/auth/register", { email: ANN, password: OTHER_PASSWORD });
    const sealed = app.storer.dump().mails;
    assert.equal(sealed.length, 1);
    const text = JSON.stringify(sealed);
    for (const word of [ANN, "example", "Confirm", "token", "https"]) assert.ok(!text.includes(word), word);
    app.clock.advance(days(4));
    await app.gate.deliverMails();
    assert.deepEqual(app.storer.dump().mails, []);
  });
});
