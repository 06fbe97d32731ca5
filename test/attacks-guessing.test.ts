/** Attacks by guessing: past the limits, past the second factor, and by what answers tell of who has an account. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { minutes } from "@castellan/core";
import { bcryptHasher, HashLane } from "@castellan/defaults";
import { sqlite } from "@castellan/storer-sql/sqlite";
import type { Answer } from "@castellan/testkit";
import { describe, it, onTestFinished } from "vitest";
import {
  ANN,
  BOB,
  type DoorApp,
  type DoorChanges,
  haveUser,
  logIn,
  parallel,
  signedIn,
  startDoors,
  tally,
  verdictOf,
  whoIs,
} from "./support/doors.ts";
import { PIN, pin } from "./support/modules.ts";
import { newFolder, type OpenedStorer, storerKinds } from "./support/storers.ts";

const CAT = "cat@example.com";
const behindOneProxy: DoorChanges = { first: (web) => web.set("trust proxy", 1) };

const wrong = (app: DoorApp, headers: Readonly<Record<string, string>>, login = ANN) =>
  app.browser({ headers }).json("POST", "/auth/login", { email: login, password: "wrong" });

describe("the limit of a network", () => {
  const spoofed = (index: number): readonly Readonly<Record<string, string>>[] => [
    { "X-Forwarded-For": `10.1.${index}.1` },
    { "X-Forwarded-For": `10.2.${index}.1, 10.3.${index}.1` },
    { Forwarded: `for=10.4.${index}.1` },
    { "X-Real-IP": `10.5.${index}.1` },
    { "CF-Connecting-IP": `10.6.${index}.1` },
    { "True-Client-IP": `10.7.${index}.1` },
    { "X-Client-IP": `10.8.${index}.1` },
    { "X-Forwarded-For": `garbage${index}` },
    { "X-Forwarded-For": `::ffff:10.9.${index}.1` },
    { "X-Forwarded-For": "" },
  ];

  it("is met as if no header came, where no proxy is trusted, and that is said to the log once (R41)", async () => {
    const app = await startDoors();
    const all = Array.from({ length: 7 }, (_, index) => spoofed(index)).flat();
    const answers = await parallel(all.length, (index) => wrong(app, all[index] ?? {}, `user${index}@example.com`));
    assert.deepEqual(tally(answers), { "401 invalid_credentials": 50, "429 too_many_attempts": 20 });
    assert.equal(app.log.filter(({ message }) => message.includes("X-Forwarded-For")).length, 1);
  });

  it("is met behind one trusted proxy, whatever the client wrote in front of what the proxy adds (R41)", async () => {
    const app = await startDoors(behindOneProxy);
    const answers = await parallel(70, (index) =>
      wrong(
        app,
        {
          "X-Forwarded-For": `10.1.0.${index}, garbage, 192.0.2.1${index % 2 ? "" : `:${40_000 + index}`}`,
          "X-Real-IP": `10.0.0.${index}`,
        },
        `user${index}@example.com`,
      ),
    );
    assert.deepEqual(tally(answers), { "401 invalid_credentials": 50, "429 too_many_attempts": 20 });
    assert.equal((await wrong(app, { "X-Forwarded-For": "192.0.2.2" })).status, 401);
  });

  it("is not refilled by signing in to an account of one's own in between (R110)", async () => {
    const app = await startDoors();
    await haveUser(app, BOB);
    let looked = 0;
    for (let index = 0; index < 60; index += 1) {
      if ((await wrong(app, {}, `user${index}@example.com`)).status === 401) looked += 1;
      if (index % 3 === 0) await logIn(app.browser(), BOB);
    }
    assert.equal(looked, 50);
  });
});

describe("the limit of an account", () => {
  it("holds over two processes on one file: of a hundred parallel tries ten are looked at (R44)", async () => {
    const file = join(await newFolder(), "app.db");
    const opened = async (): Promise<OpenedStorer> => ({
      storer: await sqlite({ file, synchronous: "normal" }),
      asked: () => [],
      before: () => {},
      removeUser: async () => {},
      dump: async () => "",
      away: () => {},
    });
    const figures = { gate: { limits: { "attempt/network": { max: 1000, per: minutes(15) } } } };
    const apps = [
      await startDoors({ ...figures, opened: await opened() }),
      await startDoors({ ...figures, opened: await opened() }),
    ] as const;
    await haveUser(apps[0]);
    await apps[1].gate.ready();
    const spelled = [ANN, "ANN@EXAMPLE.COM", " ann@example.com", "ann\uff20example.com", "\uff41nn@example.com"];
    const answers = await parallel(100, (index) => wrong(apps[index % 2 ? 0 : 1], {}, spelled[index % spelled.length]));
    assert.deepEqual(tally(answers), { "401 invalid_credentials": 10, "429 too_many_attempts": 90 });
    assert.equal(apps[0].hasher.calls.verify + apps[1].hasher.calls.verify, 10);
    assert.equal(verdictOf(await logIn(apps[0].browser())), "429 too_many_attempts");
    apps[0].clock.advance(minutes(15));
    apps[1].clock.advance(minutes(15));
    assert.equal((await logIn(apps[1].browser())).status, 200);
  });

  it("counts guesses of a second factor, and a right password buys no new ones, from any network (R45, R113)", async () => {
    const app = await startDoors({ ...behindOneProxy, extra: pin({ tries: 3 }) });
    await haveUser(app);
    let looked = 0;
    for (let round = 0; round < 12; round += 1) {
      const browser = app.browser({ headers: { "X-Forwarded-For": `192.0.2.${round}`, "User-Agent": `guesser/${round}` } });
      await logIn(browser);
      for (let guess = 0; guess < 3; guess += 1) {
        const answer = await browser.json("POST", "/auth/pin", { pin: `00${round}${guess}` });
        if (verdictOf(answer) === "401 invalid_credentials") looked += 1;
      }
    }
    assert.equal(looked, 10);
    const owner = app.browser();
    await logIn(owner);
    assert.equal((await owner.json("POST", "/auth/pin", { pin: PIN })).status, 429);
    app.clock.advance(minutes(15));
    await logIn(owner);
    assert.equal((await owner.json("POST", "/auth/pin", { pin: PIN })).status, 200);
    assert.equal(await whoIs(owner), ANN);
  });
});

describe("a wrong password", () => {
  /** Everything of an answer that somebody could tell two by. */
  const seen = ({ status, headers, text, setCookies }: Answer, login: string): unknown => {
    const { date: _, "set-cookie": __, ...rest } = headers;
    const masked = text.replaceAll(login, "LOGIN").replaceAll(/[\w-]{86}/g, "TOKEN");
    return { status, headers: rest, text: masked, cookies: setCookies.map((line) => line.replace(/=[^;]*/, "=")) };
  };

  for (const kind of storerKinds) {
    it(`gets one answer, one hash and the same queries, whoever it is: known, unknown, disabled, without password, of an old hash (R71, R72, R74; ${kind})`, async () => {
      const app = await startDoors({ kind });
      await haveUser(app, ANN);
      const disabled = await haveUser(app, BOB);
      await app.storer.createUser({ pid: "none", login: CAT, email: CAT, passwordHash: null, profile: {}, createdAt: new Date(0) });
      app.hasher.raiseCost();
      await haveUser(app, "new@example.com");
      await app.gate.disable(disabled);
      const logins = [ANN, BOB, CAT, "new@example.com", "zed@example.com"];
      for (const form of [false, true]) {
        const looks = [];
        for (const login of logins) {
          const browser = app.browser();
          const { page } = await browser.get("/auth/login");
          app.asked();
          const before = app.hasher.calls.verify;
          const answer = form ? await page.form().submit({ email: login, password: "wrong" }) : await logIn(browser, login, "wrong");
          looks.push({ seen: seen(answer, login), asked: app.asked(), hashes: app.hasher.calls.verify - before });
        }
        for (const look of looks) assert.deepEqual(look, looks[0]);
        assert.equal(looks[0]?.hashes, 1);
      }
      // The state is told to whoever knows the password, and to nobody else.
      assert.equal(verdictOf(await logIn(app.browser(), BOB)), "403 account_disabled");
    });

    it(`is limited in the same words and after the same number of tries, whoever it is (R74, W16; ${kind})`, async () => {
      const app = await startDoors({ kind });
      await haveUser(app, ANN);
      const series = [];
      for (const login of [ANN, "zed@example.com"]) {
        const answers: unknown[] = [];
        for (let index = 0; index < 12; index += 1) answers.push(seen(await logIn(app.browser(), login, `wrong ${index}`), login));
        series.push(answers);
      }
      assert.deepEqual(series[0], series[1]);
    });
  }
});

describe("two hundred sign-ins at once", () => {
  it("wait in a queue of bounded length, the others are told to come back, and whoever is signed in is served meanwhile (R114)", async () => {
    const lane = new HashLane({ threads: 1, waiting: 10 });
    const app = await startDoors({ ...behindOneProxy, gate: { hasher: bcryptHasher({ cost: 10, lane }) } });
    onTestFinished(() => lane.close());
    await haveUser(app);
    const browser = await signedIn(app);
    let isOver = false;
    const flood = parallel(200, (index) => wrong(app, { "X-Forwarded-For": `192.0.2.${index}` }, `user${index}@example.com`)).finally(
      () => {
        isOver = true;
      },
    );
    const pages: { readonly text: string; readonly duringFlood: boolean }[] = [];
    for (let index = 0; index < 5; index += 1) {
      const { text } = await browser.get("/account");
      pages.push({ text, duringFlood: !isOver });
    }
    const answers = await flood;
    const counts = tally(answers);
    assert.deepEqual(Object.keys(counts).sort(), ["401 invalid_credentials", "503 busy"]);
    assert.ok((counts["503 busy"] ?? 0) > 50);
    for (const { status, headers } of answers) if (status === 503) assert.match(headers["retry-after"] ?? "", /^[1-9]\d*$/);
    assert.ok(pages.every(({ text }) => text === `account of ${ANN}`));
    assert.ok(pages.some(({ duringFlood }) => duringFlood));
    assert.equal((await logIn(app.browser())).status, 200);
  });
});
