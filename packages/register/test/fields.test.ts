/** What a registration asks for, and what it does not take. @module */
import assert from "node:assert/strict";
import { register } from "@castellan/register";
import { type HarnessOptions, harness } from "@castellan/testkit";
import { ConfigError, castellan, expressSessions, textField, usernameIdentifier } from "castellan";
import express from "express";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { ANN, kept, PASSWORD, problemsOf, signUp, signUpByJson, startApp, told, toldOf, usersOf } from "./support.ts";

const fields = {
  name: textField({ label: "profile.name", autocomplete: "name", schema: z.string().trim().min(2, "two letters at least") }),
  phone: textField({
    label: "profile.phone",
    type: "tel",
    autocomplete: "tel",
    required: false,
    schema: z.string().regex(/^\+\d+$/, "begin with +"),
  }),
  reason: textField({ label: "profile.reason", required: false, preserve: false }),
};

describe("extra fields", () => {
  it("T08.07: are asked for, checked by their schemas and kept in the profile as the schema gives them", async () => {
    const app = await startApp({ register: { fields } });
    const { page } = await app.browser().get("/auth/register");
    const form = page.form("/auth/register");
    assert.deepEqual(
      form.fields.map(({ name }) => name).filter((name) => name !== "_csrf"),
      ["email", "name", "phone", "reason", "password", "confirm_password"],
    );
    assert.deepEqual([form.field("name").attribute("autocomplete"), form.field("phone").type], ["name", "tel"]);
    assert.equal((await signUp(app.browser(), { name: "  Ann  ", phone: "+41791234567", reason: "" })).text, "start");
    assert.deepEqual(usersOf(app)[0]?.profile, { name: "Ann", phone: "+41791234567" });
    assert.equal((await signUpByJson(app.browser(), { email: "bob@example.com", name: "Bob", reason: "why not" })).status, 200);
    assert.deepEqual(usersOf(app)[1]?.profile, { name: "Bob", reason: "why not" });
  });

  it("T11.05: all problems are told at once, with what was typed shown again where the field says so, and never a secret", async () => {
    const app = await startApp({ register: { fields } });
    const values = {
      email: "no address",
      name: "A",
      phone: "0791234567",
      reason: "private",
      password: "short-secret",
      confirm_password: "another",
    };
    const page = await signUp(app.browser(), values);
    assert.equal(page.status, 422);
    assert.deepEqual(
      page.page.problems.map(({ field }) => field),
      ["email", "name", "phone", "password", "confirm_password"],
    );
    assert.match(page.page.text, /two letters at least/);
    const form = page.page.form("/auth/register");
    assert.deepEqual(
      ["email", "name", "phone", "reason", "password", "confirm_password"].map((name) => form.field(name).value),
      ["no address", "A", "0791234567", "", "", ""],
    );
    assert.doesNotMatch(page.text, /short-secret|other-secret|not-shown/);
    const json = await signUpByJson(app.browser(), values);
    assert.equal(json.status, 422);
    assert.deepEqual(problemsOf(json).sort(), [
      "confirm_password passwords_unequal",
      "email email_invalid",
      "name invalid",
      "password password_too_short",
      "phone invalid",
    ]);
    assert.deepEqual(toldOf(json, "values"), { values: { email: "no address", name: "A", phone: "0791234567" } });
    assert.doesNotMatch(json.text, /short-secret|other-secret|not-shown/);
    assert.equal(usersOf(app).length, 0);
  });

  it("R140: nothing else is taken: role, admin, confirmed, epoch, pid, passwordHash, profile …", async () => {
    const app = await startApp({ register: { fields } });
    const more = {
      role: "admin",
      roles: ["admin"],
      admin: true,
      isAdmin: "true",
      confirmed: "true",
      confirmedAt: "2020-01-01T00:00:00.000Z",
      epoch: 7,
      pid: "pid-of-my-choice",
      id: "1",
      login: "root@example.com",
      username: "root",
      passwordHash: "$test$1$x",
      disabledAt: null,
      secondaryEmails: ["root@example.com"],
      createdAt: "2000-01-01",
      profile: { role: "admin" },
      "profile[role]": "admin",
      "profile.role": "admin",
      constructor: "x",
    };
    const reply = await signUpByJson(app.browser(), { ...more, name: "Ann" });
    assert.equal(reply.status, 200);
    const browser = app.browser();
    const token = String(Reflect.get(Object((await browser.json("GET", "/auth/register")).json()), "csrfToken"));
    const form = {
      email: "bob@example.com",
      password: PASSWORD,
      name: "Bob",
      role: "admin",
      epoch: "7",
      "profile[role]": "admin",
      _csrf: token,
    };
    assert.equal((await browser.post("/auth/register", form)).text, "start");
    for (const [index, user] of usersOf(app).entries()) {
      assert.match(user.pid, /^[\w-]{22}$/);
      assert.deepEqual(user, {
        pid: user.pid,
        login: [ANN, "bob@example.com"][index],
        email: [ANN, "bob@example.com"][index],
        passwordHash: await app.hasher.hash(PASSWORD),
        profile: { name: ["Ann", "Bob"][index] },
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
    }
    assert.equal(usersOf(app).length, 2);
  });

  const CLASHES = ["email", "password", "confirm_password", "_csrf", "redir", "login", "confirmation"];
  const gateWith = (options: HarnessOptions, extra: Readonly<Record<string, ReturnType<typeof textField>>>) =>
    castellan({
      ...options,
      sessions: expressSessions({ secret: "a-secret-of-the-tests-0123456789-abcdefghijkl" }),
      modules: { register: register({ fields: extra }) },
    });
  const start = (extra: Readonly<Record<string, ReturnType<typeof textField>>>) =>
    harness({ gate: (options) => gateWith(options, extra), app: () => express() });

  it.each(CLASHES)("may not be named like one of the form's own: %s, as key or as name", async (name) => {
    for (const extra of [{ [name]: textField({ label: "x" }) }, { other: textField({ label: "x", name }) }]) {
      await expect(start(extra)).rejects.toThrow(ConfigError);
      await expect(start(extra)).rejects.toThrow(`the extra field "${name}" has the name of a field of the form`);
    }
  });

  it("that clash are told all at once", async () => {
    const clash = { email: textField({ label: "x" }), password: textField({ label: "x" }) };
    await expect(start(clash)).rejects.toMatchObject({
      problems: [expect.stringContaining('"email"'), expect.stringContaining('"password"')],
    });
  });
});

describe("where people have user names", () => {
  const named = { gate: { identifier: usernameIdentifier() } };
  const values = { username: "Ann.01", password: PASSWORD };

  it("the form asks for one, and the account has it in small letters and no address", async () => {
    const app = await startApp(named);
    const browser = app.browser();
    const { page } = await browser.get("/auth/register");
    assert.equal(page.form("/auth/register").field("username").attribute("autocomplete"), "username");
    const reply = await page.form("/auth/register").submit({ ...values, confirm_password: PASSWORD });
    assert.equal(reply.text, "start");
    assert.deepEqual([usersOf(app)[0]?.login, usersOf(app)[0]?.email], ["ann.01", null]);
    assert.equal((await browser.get("/account")).text, "account of ann.01");
    assert.equal((await app.browser().json("POST", "/auth/login", { username: "ANN.01", password: PASSWORD })).status, 200);
    assert.equal((await app.browser().json("POST", "/auth/register", { ...values, username: "ANN.01" })).status, 409);
  });

  it("what is no name is refused on that field", async () => {
    const app = await startApp(named);
    for (const username of ["a", "-ann", "ann ann", "ann@example.com", "a".repeat(65), "аnn", "ann\u200b"]) {
      const reply = await app.browser().json("POST", "/auth/register", { ...values, username });
      assert.deepEqual([reply.status, problemsOf(reply)], [422, ["username username_invalid"]], username);
    }
    assert.equal(usersOf(app).length, 0);
  });

  it("an extra field `email` becomes the user's address, and must be one", async () => {
    const app = await startApp({
      ...named,
      register: { fields: { email: textField({ label: "field.email", type: "email", required: false }) } },
    });
    const wrong = await app.browser().json("POST", "/auth/register", { ...values, email: "no address" });
    assert.deepEqual([wrong.status, problemsOf(wrong)], [422, ["email email_invalid"]]);
    assert.equal((await app.browser().json("POST", "/auth/register", { ...values, email: " Ann@Example.com" })).status, 200);
    assert.equal((await app.browser().json("POST", "/auth/register", { ...values, username: "bob" })).status, 200);
    assert.deepEqual(
      usersOf(app).map(({ login, email, profile }) => ({ login, email, profile })),
      [
        { login: "ann.01", email: ANN, profile: {} },
        { login: "bob", email: null, profile: {} },
      ],
    );
  });
});

describe("an address", () => {
  const NONE = [
    ["ann", "ann@", "@example.com", "ann@localhost", "ann@example.com, bob@example.com", "ann@example.com bob@example.com"],
    [
      '"evil@x"@victim.example',
      "victim@y.example(evil@x.example)",
      "<evil@x.example> victim@y.example",
      "victim@y.example >evil@x.example",
    ],
    ["evil@x.example;victim@y.example", "victim@y.example .evil.x", "ann@example.com\r\nBcc: evil@example.com", "ann@example.com\u2028"],
    ["ann@[127.0.0.1]", "ann@127.0.0.1", "=?utf-8?q?ann?=@example.com", "änn@example.com", "ann..b@example.com", "ann@exa_mple.com"],
  ].flat();

  it.each(NONE)("R92 R93: that is not exactly one plain address makes no account: %j", async (email) => {
    const app = await startApp();
    const json = await signUpByJson(app.browser(), { email });
    if (json.status === 200) assert.equal(usersOf(app)[0]?.email, ANN, "what trimming leaves is Ann's");
    else assert.deepEqual([json.status, problemsOf(json), usersOf(app).length], [422, ["email email_invalid"], 0]);
  });
});

describe("a body that no registration page sends", () => {
  const FORM = "application/x-www-form-urlencoded";
  const body = (values: object) => JSON.stringify({ email: ANN, password: PASSWORD, name: "Ann", ...values });
  const CASES = [
    ["an array for the login", 422, "application/json", body({ email: [ANN] })],
    ["an object for the password", 422, "application/json", body({ password: { length: 20 } })],
    ["a number for the second password", 422, "application/json", body({ confirm_password: 5 })],
    ["an array for an extra field", 422, "application/json", body({ name: ["Ann"] })],
    ["an object for an extra field", 422, "application/json", body({ name: { first: "Ann" } })],
    ["NUL in an extra field", 422, "application/json", body({ name: "Ann\u0000" })],
    ["NUL in the password", 422, "application/json", body({ password: `${PASSWORD}\u0000` })],
    ["a password of 1,025 bytes", 422, "application/json", body({ password: "a b".repeat(342) })],
    ["no field", 422, "application/json", "{}"],
    ["the login twice", 422, FORM, `email=a%40example.com&email=b%40example.com&name=Ann&password=${PASSWORD}`],
    ["a name twice in JSON", 400, "application/json", `{"email":"a@example.com",${body({}).slice(1)}`],
    ["broken JSON", 400, "application/json", "{"],
    ["1 MB", 413, FORM, `email=${"a".repeat(1_000_000)}`],
    ["plain text", 415, "text/plain", body({})],
    ["no content type", 415, null, body({})],
  ] as const;

  it.each(CASES)("is turned away as a page and as JSON, and nothing is written: %s", async (_what, status, type, text) => {
    const app = await startApp({ register: { fields } });
    const browser = app.browser();
    const token = String(Reflect.get(Object((await browser.json("GET", "/auth/register")).json()), "csrfToken"));
    const before = app.storer.dump();
    for (const accept of ["text/html", "application/json"]) {
      const headers = { "Content-Type": type, Accept: accept, "X-CSRF-Token": token };
      const reply = await browser.request("POST", "/auth/register", { from: browser.origin, body: text, headers });
      assert.equal(reply.status, status);
      expect(reply.headers["content-type"]).toContain(accept);
      if (accept === "application/json") assert.equal(told(reply)["status"], "failure");
      assert.doesNotMatch(reply.text, /correct horse/);
    }
    assert.deepEqual([app.storer.dump(), app.hasher.calls.hash], [before, 0]);
  });

  it("takes nothing from the query string", async () => {
    const app = await startApp();
    const query = `/auth/register?${new URLSearchParams({ email: ANN, password: PASSWORD })}`;
    assert.equal((await app.browser().json("POST", query, {})).status, 422);
    const shown = await app.browser().get(query);
    assert.equal(shown.page.form("/auth/register").field("email").value, "");
    assert.equal(usersOf(app).length, 0);
  });

  it("from another site, or without a token, is refused", async () => {
    const app = await startApp();
    const browser = app.browser();
    const values = { email: ANN, password: PASSWORD };
    assert.equal((await browser.post("/auth/register", values, { from: "https://evil.example" })).status, 403);
    assert.equal((await browser.json("POST", "/auth/register", values, { from: "https://evil.example" })).status, 403);
    assert.equal((await browser.post("/auth/register", values)).status, 403);
    assert.deepEqual([kept(app).users.length, app.storer.dump().counters.size], [0, 0]);
  });

  it("shows what was typed as text and nothing else", async () => {
    const app = await startApp();
    const email = `"><script>alert(1)</script>@example.com`;
    const { page, text } = await signUp(app.browser(), { email });
    assert.equal(page.form("/auth/register").field("email").value, email);
    assert.doesNotMatch(text, /<script/);
  });
});
