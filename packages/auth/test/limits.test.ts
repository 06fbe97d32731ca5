/** How often a password may be tried, and by whom. @module */
import assert from "node:assert/strict";
import { type BrowserClient, type MemoryStorer, memoryStorer } from "@castellan/testkit";
import { minutes } from "castellan";
import { describe, it } from "vitest";
import { ANN, type App, haveUser, PASSWORD, signIn, startApp, toldOf, tryJson } from "./support.ts";

const SUBJECT_MAX = 10;
const NETWORK_MAX = 50;

const wrong = async (browser: BrowserClient, email: string, times: number): Promise<number[]> => {
  const statuses: number[] = [];
  for (let time = 0; time < times; time += 1) statuses.push((await tryJson(browser, { email, password: `wrong ${time}` })).status);
  return statuses;
};

const times = (status: number, count: number): number[] => Array<number>(count).fill(status);

/** An application behind a proxy on this machine, which tells where people come from. */
const startBehindProxy = () => startApp({ add: (app) => void app.set("trust proxy", "loopback") });
const from = (app: App, address: string): BrowserClient => app.browser({ headers: { "X-Forwarded-For": address } });

describe("the budget of an account", () => {
  it("is 10 wrong passwords in a quarter of an hour: then 429 with Retry-After, as a page and as JSON, for the right one too", async () => {
    const app = await startApp();
    assert.deepEqual(await wrong(app.browser(), ANN, SUBJECT_MAX + 1), [...times(401, SUBJECT_MAX), 429]);
    app.clock.advance(minutes(5));
    const verified = app.hasher.calls.verify;
    const page = await signIn(app.browser());
    assert.deepEqual([page.status, page.headers["retry-after"]], [429, "600"]);
    assert.match(page.page.text, /Too many tries\./);
    assert.equal(page.page.form("/auth/login").field("email").value, ANN);
    const json = await tryJson(app.browser(), { email: ANN, password: PASSWORD });
    assert.deepEqual([json.status, json.headers["retry-after"]], [429, "600"]);
    assert.deepEqual(toldOf(json, "status", "reason"), { status: "failure", reason: "too_many_attempts" });
    assert.equal(app.hasher.calls.verify, verified, "nothing is looked at any more");
    app.clock.advance(minutes(10));
    assert.equal((await signIn(app.browser())).text, "start");
  });

  it("is the same for a login that nobody has", async () => {
    const app = await startApp();
    const [known, unknown] = [await wrong(app.browser(), ANN, 12), await wrong(app.browser(), "bob@example.com", 12)];
    assert.deepEqual(known, unknown);
  });

  it("is one, however the login is spelled", async () => {
    const app = await startApp();
    for (const login of [ANN, "bob@example.com"]) {
      const spellings = [login, ` ${login}`, `${login}  `, login.toUpperCase(), login.replace("@e", "@E")];
      for (const spelling of spellings) assert.deepEqual(await wrong(app.browser(), spelling, 2), [401, 401], spelling);
      for (const spelling of spellings) assert.deepEqual(await wrong(app.browser(), spelling, 1), [429], spelling);
    }
  });

  it("holds in whichever network the tries are made", async () => {
    const app = await startBehindProxy();
    for (let host = 1; host <= SUBJECT_MAX; host += 1) assert.deepEqual(await wrong(from(app, `198.51.100.${host}`), ANN, 1), [401]);
    assert.deepEqual(await wrong(from(app, "203.0.113.1"), ANN, 1), [429]);
  });

  it("is full again after a right password", async () => {
    const app = await startApp();
    assert.deepEqual(await wrong(app.browser(), ANN, SUBJECT_MAX - 1), times(401, SUBJECT_MAX - 1));
    assert.equal((await signIn(app.browser())).status, 200);
    assert.deepEqual(await wrong(app.browser(), ANN, SUBJECT_MAX + 1), [...times(401, SUBJECT_MAX), 429]);
  });

  it("does not touch another account", async () => {
    const app = await startApp();
    await haveUser(app, "bob@example.com");
    await wrong(app.browser(), ANN, 12);
    assert.equal((await tryJson(app.browser(), { email: "bob@example.com", password: PASSWORD })).status, 200);
  });
});

describe("the budget of a network", () => {
  const logins = Array.from({ length: NETWORK_MAX }, (_, index) => `somebody-${index}@example.com`);

  it("is 50 wrong passwords in a quarter of an hour over all accounts, and another network is not hit", async () => {
    const app = await startBehindProxy();
    const here = from(app, "198.51.100.7");
    for (const login of logins) assert.deepEqual(await wrong(here, login, 1), [401]);
    const json = await tryJson(here, { email: ANN, password: PASSWORD });
    assert.deepEqual([json.status, json.headers["retry-after"]], [429, "900"]);
    const page = await signIn(here);
    assert.deepEqual([page.status, page.headers["retry-after"]], [429, "900"]);
    assert.equal((await tryJson(from(app, "198.51.100.8"), { email: ANN, password: PASSWORD })).status, 200);
    app.clock.advance(minutes(15));
    assert.equal((await tryJson(here, { email: ANN, password: PASSWORD })).status, 200);
  });

  it("is not refilled by a right password, nor used up by it: an account of one's own buys no tries", async () => {
    const app = await startApp();
    for (const login of logins.slice(0, -1)) {
      await wrong(app.browser(), login, 1);
      assert.equal((await tryJson(app.browser(), { email: ANN, password: PASSWORD })).status, 200);
    }
    assert.deepEqual(await wrong(app.browser(), "last@example.com", 1), [401]);
    assert.equal((await tryJson(app.browser(), { email: ANN, password: PASSWORD })).status, 429);
  });

  it("is one for the first 64 bits of an IPv6 address, and an IPv4 address in IPv6 is itself", async () => {
    const app = await startBehindProxy();
    for (const [index, login] of logins.entries()) await wrong(from(app, `2001:db8:1:2::${index.toString(16)}`), login, 1);
    assert.deepEqual(await wrong(from(app, "2001:db8:1:2:ffff::1"), ANN, 1), [429]);
    assert.deepEqual(await wrong(from(app, "2001:db8:1:3::1"), ANN, 1), [401]);
    for (const login of logins) await wrong(from(app, "::ffff:192.0.2.1"), `x${login}`, 1);
    assert.deepEqual(await wrong(from(app, "192.0.2.1"), ANN, 1), [429]);
  });

  it("cannot be left by X-Forwarded-For, Forwarded or X-Real-IP where no proxy is trusted", async () => {
    const app = await startApp();
    for (const [index, login] of logins.entries()) {
      const address = `203.0.113.${index}`;
      const headers = { "X-Forwarded-For": address, "X-Real-IP": address, Forwarded: `for=${address}` };
      await wrong(app.browser({ headers }), login, 1);
    }
    assert.deepEqual(await wrong(from(app, "203.0.113.99"), ANN, 1), [429]);
  });
});

/** `startApp` makes Ann by the harness's own storer; here two gates share another one, in which nobody is. */
const startOver = (storer: MemoryStorer): Promise<App> => startApp({ gate: { storer } });

describe("limits", () => {
  it("are counted by the storer, so that a second process counts along", async () => {
    const storer = memoryStorer();
    const [one, other] = [await startOver(storer), await startOver(storer)];
    assert.deepEqual([one.gate.describe().limitsShared, other.gate.describe().limitsShared], [true, true]);
    await wrong(one.browser(), ANN, 5);
    assert.deepEqual(await wrong(other.browser(), ANN, 6), [...times(401, 5), 429]);
  });

  it("may have other figures, under the names that describe() lists", async () => {
    const app = await startApp({ gate: { limits: { "attempt/subject": { max: 2, per: minutes(1) } } } });
    assert.deepEqual(app.gate.describe().limits, [
      { name: "attempt/network", by: "network", max: NETWORK_MAX, perSeconds: 900 },
      { name: "attempt/subject", by: "subject", max: 2, perSeconds: 60 },
    ]);
    assert.deepEqual(await wrong(app.browser(), ANN, 3), [401, 401, 429]);
    app.clock.advance(minutes(1));
    assert.deepEqual(await wrong(app.browser(), ANN, 1), [401]);
  });

  it("let no more through when the tries come at once: of 30 parallel ones 10 are looked at", async () => {
    const app = await startApp();
    const verified = app.hasher.calls.verify;
    const replies = await Promise.all(
      Array.from({ length: 30 }, (_, index) => tryJson(app.browser(), { email: ANN, password: `wrong ${index}` })),
    );
    assert.equal(replies.filter(({ status }) => status === 401).length, SUBJECT_MAX);
    assert.equal(app.hasher.calls.verify - verified, SUBJECT_MAX);
  });
});
