/** The package that people install: what may be left out, and what stands in its place. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import * as core from "@castellan/core";
import * as defaults from "@castellan/defaults";
import { register } from "@castellan/register";
import { browserClient, listen, memoryStorer, TEST_SECRET } from "@castellan/testkit";
import * as whole from "castellan";
import { type CastellanOptions, ConfigError, castellan, expressSessions, usernameIdentifier } from "castellan";
import express from "express";
import { describe, it, onTestFinished } from "vitest";

type Changes = Partial<Omit<CastellanOptions<never, never>, "storer" | "modules" | "sessions">>;

const gateWith = (changes: Changes = {}) => {
  const gate = castellan({
    rootUrl: "https://app.example.test",
    keys: [TEST_SECRET],
    storer: memoryStorer(),
    sessions: expressSessions({ secret: TEST_SECRET }),
    modules: { auth: auth(), register: register() },
    sweepEvery: null,
    ...changes,
  });
  onTestFinished(() => gate.close());
  return gate;
};

const from = { address: "gate@example.com" };
const mail = { to: { address: "ann@example.com" }, subject: "Hello", text: "Hello" };

describe("castellan()", () => {
  it("needs an address, a key, a storer, sessions and modules, and nothing else", async () => {
    const gate = gateWith({ logger: { info() {}, warn() {}, error() {} } });
    const server = await listen(express().use(gate.clientState()).use("/auth", gate.router));
    onTestFinished(() => server.close());
    const browser = browserClient(server.url, { origin: "https://app.example.test" });
    const values = { email: "ann@example.com", password: "correct horse battery staple" };
    assert.equal((await browser.json("POST", "/auth/register", values)).status, 200);
    assert.equal((await browser.json("POST", "/auth/login", values)).status, 200);
    assert.equal((await browser.json("POST", "/auth/login", { ...values, password: "wrong" })).status, 401);
  });

  it("hashes by bcrypt of cost 12, asks for 15 characters, and takes e-mail addresses", async () => {
    const storer = memoryStorer();
    const gate = castellan({
      rootUrl: "https://app.example.test",
      keys: [TEST_SECRET],
      storer,
      sessions: expressSessions({ secret: TEST_SECRET }),
      modules: { register: register() },
      sweepEvery: null,
    });
    onTestFinished(() => gate.close());
    assert.ok("ok" in (await gate.register.register({ login: "ann@example.com", password: "correct horse battery staple" })));
    assert.match(storer.dump().users[0]?.passwordHash ?? "", /^\$2b\$12\$/);
    assert.ok("refused" in (await gate.register.register({ login: "bob@example.com", password: "fourteen chars" })));
    assert.ok("refused" in (await gate.register.register({ login: "bob", password: "correct horse battery staple" })));
  });

  it("takes what is given in place of a default", async () => {
    const gate = gateWith({ identifier: usernameIdentifier() });
    assert.ok("ok" in (await gate.register.register({ login: "bob", password: "correct horse battery staple" })));
  });

  it("sends no mail into nothing: with a sender and without a mailer, the start says what is missing", () => {
    assert.throws(
      () => gateWith({ mail: { from } }),
      (error) => error instanceof ConfigError && /`mailer` is missing/.test(error.message),
    );
  });

  it("keeps mails in memory in development", async () => {
    await gateWith({ development: true, mail: { from } }).email(mail);
  });

  it("lists everything that is wrong at once", () => {
    assert.throws(
      // @ts-expect-error: in plain JavaScript nothing was checked before
      () => castellan({ rootUrl: "app.example.test" }),
      (error) =>
        error instanceof ConfigError && ["rootUrl", "keys", "storer", "sessions", "modules"].every((name) => error.message.includes(name)),
    );
  });
});

describe("the package castellan", () => {
  it("exports everything of core and of defaults", () => {
    const missing = Object.keys({ ...core, ...defaults }).filter((name) => !(name in whole));
    assert.deepEqual(missing, []);
  });
});
