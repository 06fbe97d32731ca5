/** The same on a real database file: what it holds, and that a code works once. @module */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { auth } from "@castellan/auth";
import { sms } from "@castellan/sms";
import { sqlite } from "@castellan/storer-sql/sqlite";
import { harness, TEST_SECRET } from "@castellan/testkit";
import { twofactor } from "@castellan/twofactor";
import { castellan, expressSessions, minutes } from "castellan";
import express from "express";
import { describe, it, onTestFinished } from "vitest";
import {
  ANN,
  confirm,
  logIn,
  MANY_TRIES,
  NUMBER,
  PASSWORD,
  parallel,
  pidOf,
  setUp,
  tally,
  testSender,
  validate,
  verdictOf,
} from "./support.ts";

async function start() {
  const folder = await mkdtemp(join(tmpdir(), "castellan-sms-"));
  const storer = await sqlite(join(folder, "app.db"));
  const sender = testSender();
  const app = await harness({
    gate: (options) =>
      castellan({
        ...options,
        storer,
        sms: sender,
        limits: MANY_TRIES,
        sessions: expressSessions({ secret: TEST_SECRET }),
        modules: { auth: auth(), twofactor: twofactor(), sms: sms({ countries: ["CH"] }) },
      }),
    app: (gate) => express().use(gate.clientState()).use("/auth", gate.router),
  });
  onTestFinished(async () => {
    await app.close();
    await rm(folder, { recursive: true, force: true });
  });
  await app.gate.ready();
  const user = { pid: pidOf(ANN), login: ANN, email: ANN, profile: {}, createdAt: app.clock.now() };
  assert.ok(await storer.createUser({ ...user, passwordHash: await app.hasher.hash(PASSWORD) }));
  const code = (): string => sender.messages.at(-1)?.text.slice(0, 6) ?? "";
  /** Every byte of the database, its journal included. */
  const bytes = async (): Promise<string> => {
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), "latin1")));
    return files.join("");
  };
  return { app, storer, code, bytes };
}

describe("in a SQLite file", () => {
  it("neither number nor code can be found while a code waits; a code adds the factor once, and signs in once", async () => {
    const { app, storer, code, bytes } = await start();
    const browser = app.browser();
    await logIn(browser);
    assert.equal(verdictOf(await setUp(browser)), "200 sms_sent");
    const waiting = await bytes();
    assert.ok(waiting.includes("sms/setup"), "the code waits in a row");
    assert.ok(!waiting.includes(NUMBER.slice(1)));
    assert.ok(!new RegExp(`(?<!\\d)${code()}(?!\\d)`).test(waiting));
    const added = await parallel(20, () => confirm(browser.fork(), code()));
    assert.equal(tally(added)["200 factor_added"], 1);
    const user = await storer.load(pidOf(ANN));
    assert.deepEqual([user?.smsNumber, user?.epoch, await storer.countRecoveryCodes(pidOf(ANN))], [NUMBER, 1, 10]);

    app.clock.advance(minutes(1));
    const other = app.browser();
    assert.equal(verdictOf(await logIn(other)), "200 second_factor_required");
    const answers = await parallel(20, () => validate(other.fork(), code()));
    assert.equal(tally(answers)["200 signed_in"], 1);
  });

  it("of fifty wrong codes at once five are looked at", async () => {
    const { app, storer, code } = await start();
    assert.notEqual(await storer.enableSms(pidOf(ANN), 0, NUMBER, []), null);
    const browser = app.browser();
    await logIn(browser);
    const right = code();
    const answers = await parallel(50, () => validate(browser.fork(), right === "000000" ? "000001" : "000000"));
    assert.deepEqual(tally(answers), { "401 code_invalid": 4, "401 login_expired": 46 });
    assert.equal(verdictOf(await validate(browser, right)), "401 login_expired");
  });
});
