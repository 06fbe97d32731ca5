/** Attacks by what is typed and sent: operators, types, SQL, patterns, passwords of a special kind, columns that nobody asked for. */
import assert from "node:assert/strict";
import { usernameIdentifier } from "@castellan/core";
import type { BrowserClient } from "@castellan/testkit";
import express from "express";
import { describe, it } from "vitest";
import { ANN, BOB, haveUser, logIn, PASSWORD, signedIn, startDoors, verdictOf, whoIs } from "./support/doors.ts";
import { storerKinds } from "./support/storers.ts";

const FORM = "application/x-www-form-urlencoded";

const tokenFor = async (browser: BrowserClient): Promise<string> =>
  String(Reflect.get(Object((await browser.json("GET", "/auth/login")).json()), "csrfToken"));

for (const kind of storerKinds) {
  describe(`a login that is no login (${kind})`, () => {
    const objects: readonly unknown[] = [
      { $gt: "" },
      { $regex: ".*" },
      { $ne: null },
      { $in: [ANN] },
      [ANN],
      [[ANN]],
      { toString: ANN },
      0,
      1,
      true,
      false,
      {},
    ];
    it("of another type than text gets 422 on the field, and nobody in (R02, R06)", async () => {
      const app = await startDoors({ kind });
      await haveUser(app);
      const browser = app.browser();
      for (const odd of objects) {
        assert.equal(verdictOf(await browser.json("POST", "/auth/login", { email: odd, password: PASSWORD })), "422 invalid_fields");
        assert.equal(verdictOf(await browser.json("POST", "/auth/login", { email: ANN, password: odd })), "422 invalid_fields");
        assert.equal(verdictOf(await browser.json("POST", "/auth/login", { email: odd, password: odd })), "422 invalid_fields");
      }
      assert.deepEqual(app.hasher.calls.verify, 0);
      assert.equal(await whoIs(browser), "nobody");
    });

    it("stays of the wrong type when the application's own parser made it of brackets (R02)", async () => {
      const app = await startDoors({ kind, first: (web) => web.use(express.urlencoded({ extended: true }), express.json()) });
      await haveUser(app);
      const browser = app.browser();
      const token = await tokenFor(browser);
      for (const body of [
        `email[$gt]=&password[$gt]=`,
        `email[]=${ANN}&password=${PASSWORD}`,
        `email=${ANN}&password[length]=28`,
        `__proto__[email]=${ANN}&constructor[prototype][x]=1`,
      ]) {
        const answer = await browser.request("POST", "/auth/login", {
          from: browser.origin,
          body: `${body}&_csrf=${token}`,
          headers: { "Content-Type": FORM },
        });
        assert.equal(answer.status, 422, body);
      }
      assert.equal(Reflect.get({}, "x"), undefined);
    });

    it("that is SQL, a pattern or a part of another login is nobody's, and breaks nothing (R08, R09)", async () => {
      const app = await startDoors({ kind });
      const pid = await haveUser(app);
      const before = await app.storer.load(pid);
      const tries = [
        "' OR 1=1--",
        `${ANN}'--`,
        `${ANN}' OR '1'='1`,
        `"; DROP TABLE castellan_user; --`,
        `\\`,
        "%",
        "_",
        "`",
        `%@example.com`,
        "ann@%",
        "ann_example.com",
        "ann@exampl",
        "^ann",
        ".*",
        "ann.*",
        "ann@example.com\u0000",
        `${ANN},${BOB}`,
        `${ANN};${BOB}`,
        "null",
        "undefined",
        "[object Object]",
        "?1",
        ":login",
        "$1",
      ];
      for (const [index, login] of tries.entries()) {
        const browser = app.browser({ headers: { "X-Test": String(index) } });
        const answer = await logIn(browser, login);
        assert.ok([401, 422].includes(answer.status), `${login}: ${answer.status}`);
        assert.equal(await whoIs(browser), "nobody");
      }
      assert.deepEqual(await app.storer.load(pid), before);
      assert.deepEqual(await app.gate.signIns(pid), []);
      assert.equal(await whoIs(await signedIn(app)), ANN);
    });
  });
}

describe("a password", () => {
  it("counts alone: however long the login is, a wrong one stays wrong (R62)", async () => {
    const app = await startDoors();
    const long = `${"a".repeat(60)}@${"b".repeat(60)}.${"c".repeat(60)}.example`;
    await haveUser(app, long);
    assert.equal((await logIn(app.browser(), long, "wrong")).status, 401);
    assert.equal((await logIn(app.browser(), long, `${PASSWORD}x`)).status, 401);
    assert.equal(await whoIs(await signedIn(app, long)), long);
  });

  it("with a NUL is refused, and what stands before it opens nothing (R63)", async () => {
    const app = await startDoors();
    const cut = "a long enough secret of mine\0and more";
    assert.equal((await app.browser().json("POST", "/auth/register", { email: ANN, password: cut })).status, 422);
    await haveUser(app, BOB, cut.slice(0, 28));
    assert.equal((await logIn(app.browser(), BOB, cut)).status, 422);
  });

  it("of somebody who has none is nothing that can be typed (R65)", async () => {
    const app = await startDoors();
    await app.storer.createUser({ pid: "none", login: ANN, email: ANN, passwordHash: null, profile: {}, createdAt: new Date(0) });
    await app.storer.createUser({ pid: "blank", login: BOB, email: BOB, passwordHash: "", profile: {}, createdAt: new Date(0) });
    for (const login of [ANN, BOB]) {
      for (const typed of ["null", "undefined", "!", "*", " ", "0", app.hasher.decoy]) {
        assert.equal(verdictOf(await logIn(app.browser(), login, typed)), "401 invalid_credentials");
      }
      assert.equal((await logIn(app.browser(), login, "")).status, 422);
    }
    assert.equal(app.hasher.calls.verify, 14);
  });

  it("is never the text of the hash itself (R65)", async () => {
    const app = await startDoors();
    const pid = await haveUser(app);
    const user = await app.storer.load(pid);
    assert.equal((await logIn(app.browser(), ANN, user?.passwordHash ?? "missing")).status, 401);
  });

  it("is taken exactly as it was typed: blanks, case and Unicode forms tell passwords apart (R66)", async () => {
    const app = await startDoors();
    const chosen = " Caf\u00e9 au lait at seven ";
    await haveUser(app, ANN, chosen);
    for (const other of [
      chosen.trim(),
      chosen.toLowerCase(),
      chosen.normalize("NFD"),
      `${chosen} `,
      chosen.replaceAll(" ", "\u00a0"),
      chosen.replace("C", "\uff23"),
    ]) {
      assert.equal((await logIn(app.browser(), ANN, other)).status, 401, JSON.stringify(other));
    }
    assert.equal((await logIn(app.browser(), ANN, chosen)).status, 200);
  });
});

describe("a registration", () => {
  it("takes nothing but its declared fields, whatever a body brings along (R140)", async () => {
    const app = await startDoors();
    const extra = {
      pid: "pid-of-mine",
      epoch: 99,
      role: "admin",
      admin: true,
      level: "full",
      passwordHash: "$test$1$x",
      password_hash: "x",
      disabledAt: null,
      confirmedAt: "2026-01-01",
      profile: { role: "admin" },
      createdAt: 0,
      login: BOB,
      username: "root",
      __proto__: { admin: true },
      constructor: { prototype: { admin: true } },
      remember: true,
    };
    const body = JSON.stringify({ ...extra, email: ANN, password: PASSWORD }).replace("{", '{"__proto__":{"admin":true},');
    const answer = await app.browser().request("POST", "/auth/register", {
      mode: "fetch",
      from: "https://app.example.test",
      body,
      headers: { "Content-Type": "application/json" },
    });
    assert.equal(answer.status, 200);
    const user = await app.storer.findByLogin(ANN);
    assert.deepEqual({ ...user?.profile }, {});
    assert.equal(user?.epoch, 0);
    assert.notEqual(user?.pid, "pid-of-mine");
    assert.equal(await app.storer.findByLogin(BOB), null);
    assert.equal(Reflect.get({}, "admin"), undefined);
  });

  it("of a user name that is somebody's address, or an address in disguise, is refused (R105)", async () => {
    const app = await startDoors({ gate: { identifier: usernameIdentifier() } });
    for (const username of [ANN, "ann\uff20example.com", "ann@example", "@ann", "a n n", "ann\u0000", "\u0430nn", "ANN\u202e"]) {
      const answer = await app.browser().json("POST", "/auth/register", { username, password: PASSWORD });
      assert.equal(answer.status, 422, JSON.stringify(username));
    }
    assert.equal((await app.browser().json("POST", "/auth/register", { username: "ann", password: PASSWORD })).status, 200);
    for (const same of ["Ann", " ann ", "\uff41nn", "ａｎｎ"]) {
      assert.equal((await app.browser().json("POST", "/auth/register", { username: same, password: PASSWORD })).status, 409, same);
    }
  });

  it("of one address in other letters, forms and widths is one account (R43, R106)", async () => {
    const app = await startDoors();
    await haveUser(app);
    for (const same of [
      "ANN@EXAMPLE.COM",
      " ann@example.com ",
      "ann\uff20example.com",
      "ann@ex\u00adample.com",
      "\uff41nn@example.com",
      "ann@example\u3002com",
    ]) {
      const answer = await app.browser().json("POST", "/auth/register", { email: same, password: PASSWORD });
      assert.ok([409, 422].includes(answer.status), `${JSON.stringify(same)}: ${answer.status}`);
    }
    assert.equal((JSON.parse(await app.dump()) as { users: unknown[] }).users.length, 1); // what the memory storer dumps
  });
});
