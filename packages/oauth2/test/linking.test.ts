/** Identities and accounts: nobody gets into an account by an address alone, and nobody loses the last way in. @module */
import assert from "node:assert/strict";
import { hours, minutes, refuse, usernameIdentifier } from "@castellan/core";
import { linkIdentity, unlinkIdentity } from "@castellan/oauth2";
import type { Answer, BrowserClient } from "@castellan/testkit";
import { describe, it } from "vitest";
import {
  ANN,
  ANN_THERE,
  haveLinked,
  haveUser,
  linkFor,
  PASSWORD,
  PIN,
  signIn,
  signInBy,
  startApp,
  subjectsOf,
  users,
  who,
} from "./support.ts";

const STRANGER = { sub: "stranger", email: ANN, email_verified: true, name: "Stranger" };
const CONNECT = "https://app.example.test/auth/oauth2/connect";

const prove = async (browser: BrowserClient, password: string): Promise<Answer> => {
  const { page } = await browser.get("/auth/oauth2/connect");
  return page.form("/auth/oauth2/connect").submit({ password });
};
const askForMail = async (browser: BrowserClient): Promise<Answer> => {
  const { page } = await browser.get("/auth/oauth2/connect");
  return page.form("/auth/oauth2/connect/mail").submit();
};
const openLink = async (browser: BrowserClient, link: string): Promise<Answer> => {
  const { page } = await browser.get(link);
  const form = page.forms.find(({ action }) => action === "/auth/oauth2/connect/end");
  assert.ok(form, "the page of the link has a button");
  return form.submit();
};

describe("somebody new whose address belongs to an account", () => {
  it("does not get in, and is asked to show that the account is theirs", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = app.browser();
    const answer = await signInBy(app, browser, STRANGER);
    assert.equal(answer.url, CONNECT);
    assert.match(answer.page.text, /There is an account with this address already/);
    assert.deepEqual([await who(browser), await subjectsOf(app, pid), users(app)], [null, [], [ANN]]);
  });

  it("is connected and signed in with the password of the account, back on the page that was wanted", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, STRANGER, "/auth/login?redir=%2Faccount");
    const answer = await prove(browser, PASSWORD);
    assert.equal(answer.url, "https://app.example.test/account");
    assert.deepEqual(await subjectsOf(app, pid), ["stranger"]);
    const again = app.browser();
    await signInBy(app, again, STRANGER);
    assert.equal(await who(again), ANN);
    await app.gate.deliverMails();
    assert.deepEqual(
      app.mails.map(({ subject, to }) => [subject, to.address]),
      [["An account was connected with yours", ANN]],
    );
  });

  it("is not connected by a wrong password, nor by guessing: the account locks as at the login page", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    for (const _ of Array(6)) assert.notEqual((await prove(browser, "a wrong pass phrase, guessed")).status, 303);
    const last = await prove(browser, PASSWORD);
    assert.match(last.page.text, /locked/);
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [null, []]);
  });

  it("is not connected by the password alone where there is a second factor, but by both", async () => {
    const app = await startApp({ hasPin: () => true });
    const pid = await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    const asked = await prove(browser, PASSWORD);
    assert.equal(asked.url, "https://app.example.test/auth/pin");
    assert.deepEqual(await subjectsOf(app, pid), []);
    assert.equal((await asked.page.form("/auth/pin").submit({ pin: "000000" })).status, 401);
    assert.deepEqual(await subjectsOf(app, pid), []);
    const { page } = await browser.get("/auth/pin");
    await page.form("/auth/pin").submit({ pin: PIN });
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [ANN, ["stranger"]]);
  });

  it("is connected by a link that is mailed to the address, opened in the same browser", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    assert.equal((await askForMail(browser)).url, CONNECT);
    const link = await linkFor(app);
    const landing = await browser.get(link);
    assert.doesNotMatch(landing.url, /token/);
    assert.deepEqual(await subjectsOf(app, pid), []);
    await openLink(browser, link);
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [ANN, ["stranger"]]);
  });

  it("is not connected by that link in another browser, a second time, or after a newer one", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    await askForMail(browser);
    const first = await linkFor(app);
    assert.equal((await openLink(app.browser(), first)).status, 410);
    app.clock.advance(minutes(2));
    await askForMail(browser);
    assert.equal((await openLink(browser, first)).status, 410);
    const second = await linkFor(app);
    assert.notEqual(second, first);
    const thief = browser.fork();
    await openLink(browser, second);
    assert.equal((await openLink(thief, second)).status, 410);
    assert.deepEqual([await who(thief), await who(browser), await subjectsOf(app, pid)], [null, ANN, ["stranger"]]);
  });

  it("is not connected by the mailbox with an account that nobody has confirmed, which somebody else may have made", async () => {
    const app = await startApp();
    const pid = await haveUser(app, ANN, { confirmed: false });
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    await askForMail(browser);
    const answer = await openLink(browser, await linkFor(app));
    assert.equal(answer.status, 409);
    assert.match(answer.page.text, /nobody has confirmed/);
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [null, []]);
  });

  it("has half an hour, and then begins again", async () => {
    const app = await startApp();
    await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    app.clock.advance(minutes(30));
    assert.equal((await browser.get("/auth/oauth2/connect")).status, 410);
    assert.equal((await app.browser().get("/auth/oauth2/connect")).status, 410);
  });

  it("is not connected because its owner happens to sign in at the login page of the same browser", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    await signIn(browser);
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [ANN, []]);
  });

  it("is not connected with another account than the one whose password it is", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    await haveUser(app, "eve@example.com", { password: "the pass phrase of eve herself" });
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    const { page } = await browser.get("/auth/oauth2/connect");
    const answer = await page
      .form("/auth/oauth2/connect")
      .submit({ password: "the pass phrase of eve herself" }, { tamper: { email: "eve@example.com", login: "eve@example.com" } });
    assert.equal(answer.status, 401);
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [null, []]);
  });

  it("is not connected by the owner's own sign-in, after somebody gave the password alone in that browser", async () => {
    const app = await startApp({ hasPin: () => true });
    const pid = await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    await prove(browser, PASSWORD);
    // Minutes later, at the same machine.
    app.clock.advance(minutes(1));
    await signIn(browser);
    const { page } = await browser.get("/auth/pin");
    await page.form("/auth/pin").submit({ pin: PIN });
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [ANN, []]);
  });

  it("is told so when it could not be connected after all, and is signed in by the password", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    app.gate.on(linkIdentity).before("guard", () => refuse(403, "account_disabled"));
    const { page } = await browser.get("/auth/oauth2/connect");
    const answer = await page.form("/auth/oauth2/connect").submit({ password: PASSWORD }, { followRedirects: false });
    assert.equal(answer.status, 303);
    assert.match((await browser.get("/auth/oauth2")).page.text, /could not be connected/);
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [ANN, []]);
  });

  it("gets in nowhere when the account changed hands in between: the password was changed while the second factor was asked for", async () => {
    const app = await startApp({ hasPin: () => true });
    const pid = await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, STRANGER);
    const asked = await prove(browser, PASSWORD);
    await app.gate.updatePassword(pid, "another long and quiet pass phrase");
    await asked.page.form("/auth/pin").submit({ pin: PIN });
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [null, []]);
  });
});

describe("an address that the provider does not vouch for", () => {
  it.each([
    ["says that it is not verified", false],
    ["says nothing", undefined],
    ['says "true" as a text', "true"],
    ["says 1", 1],
    ['says "false" as a text', "false"],
    ["says it as a list", [true]],
  ])("because it %s, makes no account before the mailbox was proved, and one that is confirmed then", async (_, verified) => {
    const app = await startApp();
    const browser = app.browser();
    const answer = await signInBy(app, browser, { ...ANN_THERE, email_verified: verified });
    assert.equal(answer.url, CONNECT);
    assert.deepEqual([users(app), await who(browser)], [[], null]);
    await openLink(browser, await linkFor(app));
    assert.deepEqual([users(app), await who(browser)], [[ANN], ANN]);
    assert.notEqual(app.storer.dump().users[0]?.confirmedAt, null);
  });

  it("tells nobody whether it has an account", async () => {
    const app = await startApp();
    await haveUser(app);
    const answers = [];
    for (const email of [ANN, "nobody@example.com"]) {
      const browser = app.browser();
      const answer = await signInBy(app, browser, { sub: `of ${email}`, email, email_verified: false });
      const wrong = await prove(browser, "a wrong pass phrase, guessed");
      answers.push(
        [answer, wrong].map(({ status, url, text }) => [status, url, text.replaceAll(/[\w-]{86}/g, "TOKEN").replaceAll(email, "ADDRESS")]),
      );
    }
    assert.deepEqual(answers[0], answers[1]);
  });

  it("is mailed to once a minute and ten times a day, whoever asks", async () => {
    const app = await startApp();
    const person = { ...ANN_THERE, email_verified: false };
    await signInBy(app, app.browser(), person);
    assert.equal((await signInBy(app, app.browser(), person)).status, 429);
    for (const _ of Array(9)) {
      app.clock.advance(minutes(1));
      assert.equal((await signInBy(app, app.browser(), person)).status, 200);
    }
    app.clock.advance(hours(1));
    assert.equal((await signInBy(app, app.browser(), person)).status, 429);
    await app.gate.deliverMails();
    assert.equal(app.mails.length, 10);
  });
});

describe("a provider that tells no address", () => {
  const PERSON = { sub: "shy" };

  it("leads to a form; what is typed there is somebody's only after the mailbox was proved", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = app.browser();
    const asked = await signInBy(app, browser, PERSON);
    assert.equal(asked.url, "https://app.example.test/auth/oauth2/finish");
    const answer = await asked.page.form("/auth/oauth2/finish").submit({ email: "  ANN@example.com " });
    assert.equal(answer.url, CONNECT);
    assert.deepEqual([await who(browser), await subjectsOf(app, pid), users(app)], [null, [], [ANN]]);
    await openLink(browser, await linkFor(app));
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [ANN, ["shy"]]);
  });

  it("shows what is wrong with the address, and takes a garbled one from the provider for none", async () => {
    const app = await startApp();
    const browser = app.browser();
    const asked = await signInBy(app, browser, { sub: "shy", email: "ann@example.com\r\nbcc: eve@example.com", email_verified: true });
    const answer = await asked.page.form("/auth/oauth2/finish").submit({ email: "nothing" });
    assert.deepEqual(
      [answer.status, answer.page.problems.map(({ field }) => field)],
      [422, ["email", "email"].slice(0, answer.page.problems.length)],
    );
    assert.deepEqual(users(app), []);
  });

  it("lets people choose a name where they sign in by name; one that is taken stays somebody else's", async () => {
    const app = await startApp({ gate: { identifier: usernameIdentifier() } });
    const pid = await haveUser(app, "ann", { confirmed: false });
    const browser = app.browser();
    const asked = await signInBy(app, browser, ANN_THERE);
    const taken = await asked.page.form("/auth/oauth2/finish").submit({ username: "Ann" });
    assert.equal(taken.status, 409);
    assert.deepEqual(await subjectsOf(app, pid), []);
    await taken.page.form("/auth/oauth2/finish").submit({ username: "ann2" });
    assert.equal(await who(browser), "ann2");
    assert.equal((await app.storer.findByLogin("ann2"))?.email, ANN);
  });
});

describe("disconnecting an account", () => {
  const listed = async (browser: BrowserClient) =>
    (await browser.json("GET", "/auth/oauth2")).json() as {
      accounts: { id: string; provider: string; account: string; removable: boolean }[];
    };
  const unlink = (browser: BrowserClient, identity: unknown) => browser.json("POST", "/auth/oauth2/unlink", { identity });

  it("ends it as a way in, and every other sign-in; this browser stays signed in", async () => {
    const app = await startApp();
    const pid = await haveLinked(app);
    const [browser, other] = [app.browser(), app.browser()];
    await signIn(browser);
    await signInBy(app, other);
    const { page } = await browser.get("/auth/oauth2");
    const answer = await page.form("/auth/oauth2/unlink").submit();
    assert.match(answer.page.text, /The account is disconnected/);
    assert.deepEqual([await who(browser), await who(other), await subjectsOf(app, pid)], [ANN, null, []]);
    const stranger = app.browser();
    assert.equal((await signInBy(app, stranger)).url, CONNECT);
    assert.equal(await who(stranger), null);
    await app.gate.deliverMails();
    assert.deepEqual(
      app.mails.map(({ subject }) => subject),
      ["An account is no longer connected with yours"],
    );
  });

  it("is refused for the last way in", async () => {
    const app = await startApp();
    const browser = app.browser();
    await signInBy(app, browser);
    const [only] = (await listed(browser)).accounts;
    assert.equal(only?.removable, false);
    assert.match((await browser.get("/auth/oauth2")).text, /your only way to sign in/);
    const answer = await unlink(browser, only?.id);
    assert.equal(answer.status, 409);
    assert.equal(await who(browser), ANN);
    assert.equal(app.storer.dump().identities.length, 1);
  });

  it("leaves one of two, however they are disconnected at once", async () => {
    const app = await startApp();
    const browser = app.browser();
    await signInBy(app, browser);
    const [user] = app.storer.dump().users;
    assert.ok(user);
    await app.storer.linkIdentity(user.pid, 0, {
      issuer: "x",
      subject: "y",
      provider: "demo",
      email: null,
      tokens: null,
      linkedAt: app.clock.now(),
    });
    const { accounts } = await listed(browser);
    const statuses = await Promise.all(accounts.map(async ({ id }) => (await unlink(browser.fork(), id)).status));
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.equal(app.storer.dump().identities.length, 1);
  });

  it("takes nothing of somebody else's, nothing made up, and wants a fresh proof", async () => {
    const app = await startApp();
    const pid = await haveLinked(app);
    await haveLinked(app, "eve@example.com", "eve-there");
    const [browser, eve] = [app.browser(), app.browser()];
    await signIn(browser);
    await signIn(eve, "eve@example.com");
    const [account] = (await listed(browser)).accounts;
    for (const id of [account?.id, "", undefined, ["x"], { x: 1 }]) assert.equal((await unlink(eve, id)).status, 404);
    assert.deepEqual(await subjectsOf(app, pid), ["ann-there"]);
    app.gate.on(unlinkIdentity).before("guard", () => refuse(403, "account_disabled"));
    assert.equal((await unlink(browser, account?.id)).status, 403);
    app.clock.advance(minutes(31));
    assert.equal((await unlink(browser, account?.id)).status, 403);
    assert.deepEqual(await subjectsOf(app, pid), ["ann-there"]);
  });
});
