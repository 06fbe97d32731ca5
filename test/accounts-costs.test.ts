/** What accounts that look after themselves cost on each request, counted in statements of a real database. @module */
import assert from "node:assert/strict";
import type { BrowserClient } from "@castellan/testkit";
import { minutes } from "castellan";
import { describe, it } from "vitest";
import { haveAccount, signIn, startAccounts } from "./support/accounts.ts";

/** A statement by what it does to which table: enough to know it by. */
const nameOf = (sql: string): string => {
  const [, verb = "", table = ""] = /^(\w+)[\s\S]*?castellan_(\w+)/.exec(sql) ?? [];
  return `${verb.toLowerCase()} ${table}`;
};

const start = async () => {
  const asked: string[] = [];
  const app = await startAccounts({
    onQuery: (sql) => asked.push(nameOf(sql)),
    add: (express, gate) => {
      express.get("/strict", gate.lock.middleware(), gate.require(), (_req, res) => void res.send("strict"));
      express.get("/who", async (req, res) => void res.send((await gate.currentUser(req))?.login ?? "nobody"));
    },
  });
  await haveAccount(app);
  /** What one request asks of the database. */
  const costOf = async (browser: BrowserClient, path: string): Promise<readonly string[]> => {
    asked.length = 0;
    await browser.get(path, { followRedirects: false });
    return [...asked];
  };
  return { app, costOf };
};

describe("with confirm, lock, expire and remember loaded", () => {
  it("a page for nobody in particular asks the database for nothing, whoever comes", async () => {
    const { app, costOf } = await start();
    const user = app.browser();
    await signIn(user, undefined, undefined, true);
    for (const browser of [app.browser(), user]) assert.deepEqual(await costOf(browser, "/"), []);
  });

  it("a stranger's request asks for nothing, also where the page wants to know who it is", async () => {
    const { app, costOf } = await start();
    for (const path of ["/who", "/account", "/strict"]) assert.deepEqual(await costOf(app.browser(), path), []);
  });

  it("a signed-in request asks once, remembered or not, and behind the lock's middleware too", async () => {
    const { app, costOf } = await start();
    for (const remembered of [false, true]) {
      const browser = app.browser();
      await signIn(browser, undefined, undefined, remembered);
      for (const path of ["/who", "/account", "/full", "/strict"]) assert.deepEqual(await costOf(browser, path), ["select sign_in"], path);
    }
  });

  it("once a minute a signed-in request writes that it was there", async () => {
    const { app, costOf } = await start();
    const browser = app.browser();
    await signIn(browser);
    app.clock.advance(minutes(1));
    assert.deepEqual(await costOf(browser, "/account"), ["select sign_in", "update sign_in"]);
    assert.deepEqual(await costOf(browser, "/account"), ["select sign_in"]);
  });

  it("the request by which a remembered browser comes back asks these, and the next one asks once", async () => {
    const { app, costOf } = await start();
    const browser = app.browser();
    await signIn(browser, undefined, undefined, true);
    browser.jar.closeBrowser();
    assert.deepEqual(await costOf(browser, "/account"), [
      "update remember", // the secret is replaced
      "select user", // whose it is
      "insert count", // an attempt is counted, by network
      "insert count", // and by user
      "delete count", // and taken back,
      "update count", // for it was a right one
      "select user", // the login door loads the user afresh
      "select user", // and so does the guard of confirm
      "delete session", // express-session ends the old session before it begins a new one,
      "insert session", // which is stored before anybody is signed in by it
      "insert sign_in",
      "insert session", // and once more with the answer
    ]);
    assert.deepEqual(await costOf(browser, "/account"), ["select sign_in"]);
  });

  it("a parallel request with the secret before asks for less, and writes nothing that lasts", async () => {
    const { app, costOf } = await start();
    const browser = app.browser();
    await signIn(browser, undefined, undefined, true);
    browser.jar.closeBrowser();
    const behind = browser.fork();
    await browser.get("/account");
    assert.deepEqual(await costOf(behind, "/account"), [
      "update remember",
      "select remember",
      "select user",
      "insert count",
      "insert count",
      "delete count",
      "update count",
      "select user",
      "select user",
    ]);
  });

  it("a cookie that remembers nobody costs one look for each of its outcomes, once", async () => {
    const { app, costOf } = await start();
    const browser = app.browser();
    await signIn(browser, undefined, undefined, true);
    browser.jar.closeBrowser();
    const user = await app.sqlite.findByLogin("ann@example.com");
    await app.sqlite.endRememberSeriesOf(user?.pid ?? "", null);
    assert.deepEqual(await costOf(browser, "/who"), ["update remember", "select remember", "delete remember"]);
    assert.deepEqual(await costOf(browser, "/who"), []);
  });
});
