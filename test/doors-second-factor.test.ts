/** What the doors of second factors promise, shown with a module that uses the public interface alone: C03, C15, C23, R24. */
import assert from "node:assert/strict";
import { attempt, login, minutes, refuse } from "@castellan/core";
import type { BrowserClient } from "@castellan/testkit";
import { describe, it } from "vitest";
import {
  ANN,
  BOB,
  barrier,
  type DoorApp,
  type DoorChanges,
  haveUser,
  logIn,
  logOut,
  methodsOf,
  OTHER_PASSWORD,
  PASSWORD,
  parallel,
  sessionIdOf,
  signedIn,
  startDoors,
  tally,
  verdictOf,
  whoIs,
} from "./support/doors.ts";
import { doorways, PIN, type PinOptions, pin } from "./support/modules.ts";
import { type StorerKind, storerKinds } from "./support/storers.ts";

const isAnn = ({ login }: { readonly login: string }): boolean => login === ANN;

const start = (kind: StorerKind, options: PinOptions = {}, changes: DoorChanges = {}): Promise<DoorApp> =>
  startDoors({ kind, extra: pin(options), ...changes });

const givePin = (browser: BrowserClient, given = PIN) => browser.json("POST", "/auth/pin", { pin: given });

/** A browser whose password was right and whose pin is awaited. */
async function waiting(app: DoorApp, email = ANN, password = PASSWORD): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal(verdictOf(await logIn(browser, email, password)), "200 second_factor_required");
  return browser;
}

describe.each(storerKinds)("a pending login (%s)", (kind) => {
  it("is no sign-in: every page refuses, and so does every route that needs one", async () => {
    const app = await start(
      kind,
      {},
      {
        add: (express, gate) => {
          express.get("/two", gate.require({ twoFactored: true }), (_req, res) => void res.send("two"));
          express.get(
            "/state",
            async (req, res) =>
              void res.json([
                await gate.currentUser(req),
                await gate.currentSignIn(req),
                await gate.isFullyAuthed(req),
                await gate.isTwoFactored(req),
              ]),
          );
        },
      },
    );
    const pid = await haveUser(app);
    const browser = await waiting(app);
    assert.equal(await whoIs(browser), "nobody");
    for (const path of ["/account", "/full", "/two"]) {
      assert.equal(verdictOf(await browser.json("GET", path)), "401 login_required", path);
      assert.equal((await browser.get(path, { followRedirects: false })).status, 303, path);
    }
    assert.deepEqual((await browser.get("/state")).json(), [null, null, false, false]);
    assert.deepEqual(await app.gate.signIns(pid), []);
  });

  it("becomes a sign-in by the second factor, under a new session id, and the old one is dead (R11)", async () => {
    const app = await start(kind);
    const pid = await haveUser(app);
    const browser = await waiting(app);
    const old = browser.fork();
    assert.equal(verdictOf(await givePin(browser)), "200 signed_in");
    assert.equal(await whoIs(browser), ANN);
    assert.notEqual(sessionIdOf(browser), sessionIdOf(old));
    assert.equal(await whoIs(old), "nobody");
    assert.equal(verdictOf(await givePin(old)), "401 login_expired");
    assert.deepEqual(methodsOf((await app.gate.signIns(pid))[0]), ["password", "pin"]);
  });

  it("works by forms, and leads to the page that was wanted, query and all", async () => {
    const app = await start(kind);
    await haveUser(app);
    const browser = app.browser();
    const login = await browser.get("/account?tab=2&q=a%26b");
    const asked = await login.page.form().submit({ email: ANN, password: PASSWORD });
    assert.equal(new URL(asked.url).pathname, "/auth/pin");
    const wrong = await asked.page.form().submit({ pin: "000000" });
    assert.equal(wrong.status, 401);
    const answer = await wrong.page.form().submit({ pin: PIN });
    assert.equal(answer.text, `account of ${ANN}`);
    assert.equal(new URL(answer.url).search, "?tab=2&q=a%26b");
  });

  it("keeps what the person wanted when the password was typed: to be remembered, or not", async () => {
    const app = await start(kind);
    await haveUser(app);
    const heard: unknown[] = [];
    app.gate.on(login).after("notify", ({ intent, proof, second, via }) => void heard.push([intent, proof.method, second?.method, via]));
    for (const remember of [true, false]) {
      const browser = app.browser();
      await browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD, remember, redir: "/full" });
      // What is sent along with the answer counts for nothing.
      await browser.json("POST", "/auth/pin?redir=/account", { pin: PIN, remember: !remember, redir: "/account" });
      assert.deepEqual(heard.pop(), [{ to: "/full", remember }, "password", "pin", "auth"]);
    }
  });

  it("runs the guards again when the second factor is given", async () => {
    const app = await start(kind);
    const pid = await haveUser(app);
    let closed = false;
    app.gate.on(login).before("guard", () => (closed ? refuse(403, "account_disabled") : null));
    const browser = await waiting(app);
    closed = true;
    assert.equal(verdictOf(await givePin(browser)), "403 account_disabled");
    assert.deepEqual(await app.gate.signIns(pid), []);
    closed = false;
    assert.equal(verdictOf(await givePin(browser)), "401 login_expired");
  });

  it("belongs to the browser in which the password was typed", async () => {
    const app = await start(kind, { has: () => true });
    await haveUser(app);
    await haveUser(app, BOB);
    const [ann, stranger] = [await waiting(app), app.browser()];
    assert.equal(verdictOf(await givePin(stranger)), "401 login_expired");
    const bob = await waiting(app, BOB);
    assert.equal(verdictOf(await givePin(bob)), "200 signed_in");
    assert.equal(await whoIs(bob), BOB);
    assert.equal(await whoIs(ann), "nobody");
  });

  it("is of one user: the second of two logins in one browser counts, and nothing is mixed (C23)", async () => {
    const app = await start(kind, { has: () => true });
    await haveUser(app);
    await haveUser(app, BOB, OTHER_PASSWORD);
    const browser = await waiting(app);
    const firstTab = browser.fork();
    assert.equal(verdictOf(await logIn(browser, BOB, OTHER_PASSWORD)), "200 second_factor_required");
    assert.equal(verdictOf(await givePin(firstTab)), "401 login_expired");
    assert.equal(verdictOf(await givePin(browser)), "200 signed_in");
    assert.equal(await whoIs(browser), BOB);
    assert.equal(await whoIs(firstTab), "nobody");
  });

  it("ends whoever was signed in there before: the cookie of that time is dead", async () => {
    const app = await start(kind, { has: isAnn });
    await haveUser(app);
    const bob = await haveUser(app, BOB);
    const browser = await signedIn(app, BOB);
    const old = browser.fork();
    await logIn(browser, ANN);
    assert.equal(await whoIs(browser), "nobody");
    assert.equal(await whoIs(old), "nobody");
    assert.deepEqual(await app.gate.signIns(bob), []);
  });

  it("ends after its time", async () => {
    const app = await start(kind, { lasts: minutes(5) });
    await haveUser(app);
    const [late, inTime] = [await waiting(app), await waiting(app)];
    app.clock.advance(minutes(4));
    assert.equal(verdictOf(await givePin(inTime)), "200 signed_in");
    app.clock.advance(minutes(1));
    assert.equal((await late.json("GET", "/auth/pin")).status, 401);
    assert.equal(verdictOf(await givePin(late)), "401 login_expired");
    assert.equal(await whoIs(late), "nobody");
  });

  it("ends with its tries: the right answer comes too late", async () => {
    const app = await start(kind, { tries: 3 });
    await haveUser(app);
    const browser = await waiting(app);
    for (let count = 0; count < 3; count += 1) assert.equal(verdictOf(await givePin(browser, "000000")), "401 invalid_credentials");
    assert.equal(verdictOf(await givePin(browser)), "401 login_expired");
    assert.equal(await whoIs(browser), "nobody");
  });

  it("lets exactly five of fifty parallel wrong answers be looked at", async () => {
    let looked = 0;
    const look = () => {
      looked += 1;
    };
    const app = await start(kind, { tries: 5, evaluating: look });
    const pid = await haveUser(app);
    const browser = await waiting(app);
    const answers = await parallel(50, () => givePin(browser.fork(), "000000"));
    assert.equal(looked, 5);
    assert.deepEqual(tally(answers), { "401 invalid_credentials": 5, "401 login_expired": 45 });
    assert.deepEqual(await app.gate.signIns(pid), []);
  });

  it("makes one sign-in of twenty parallel right answers (C03, R24)", async () => {
    const app = await start(kind, { tries: 50 }, { gate: { limits: { "attempt/subject": { max: 50, per: minutes(15) } } } });
    const pid = await haveUser(app);
    const browser = await waiting(app);
    const rivals = await parallel(20, async () => browser.fork());
    const answers = await Promise.all(rivals.map((rival) => givePin(rival)));
    assert.deepEqual(tally(answers), { "200 signed_in": 1, "401 login_expired": 19 });
    assert.equal((await app.gate.signIns(pid)).length, 1);
    const who = await Promise.all(rivals.map(whoIs));
    assert.equal(who.filter((name) => name === ANN).length, 1);
  });

  const endings: Readonly<Record<string, (app: DoorApp, pid: string, browser: BrowserClient) => Promise<unknown>>> = {
    "a logout": (_app, _pid, browser) => logOut(browser),
    "a new login": (_app, _pid, browser) => logIn(browser, BOB),
    "a new login of the same user": (_app, _pid, browser) => logIn(browser),
    "a change of password": (app, pid) => app.gate.changePassword(pid, { from: PASSWORD, to: OTHER_PASSWORD }),
    "a password set by an administrator": (app, pid) => app.gate.updatePassword(pid, OTHER_PASSWORD),
    "the end of all sign-ins": (app, pid) => app.gate.endSignIns(pid, "all"),
    "a disabling": (app, pid) => app.gate.disable(pid),
    "the end of the account": (app, pid) => app.removeUser(pid),
  };

  it.each(Object.keys(endings))("ends with %s", async (ending) => {
    const app = await start(kind, { has: isAnn });
    const pid = await haveUser(app);
    await haveUser(app, BOB);
    const browser = await waiting(app);
    const old = browser.fork();
    await endings[ending]?.(app, pid, browser);
    assert.equal(verdictOf(await givePin(old)), "401 login_expired");
    assert.equal(await whoIs(old), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
  });

  it.each(["a logout", "a new login", "a new login of the same user"])("leaves no row behind after %s", async (ending) => {
    const app = await start(kind, { has: isAnn });
    const pid = await haveUser(app);
    await haveUser(app, BOB);
    const browser = await waiting(app);
    await endings[ending]?.(app, pid, browser);
    const rows = (await app.dump()).split(`"purpose":"login"`).length - 1;
    assert.equal(rows, ending === "a new login of the same user" ? 1 : 0);
  });

  it("is refused when the user is disabled while the pin is looked at (C15)", async () => {
    const slow = barrier();
    const app = await start(kind, { evaluating: () => slow.wait() });
    const pid = await haveUser(app);
    const browser = await waiting(app);
    const answer = givePin(browser);
    await slow.reached;
    await app.gate.disable(pid);
    slow.open();
    assert.equal(verdictOf(await answer), "401 login_expired");
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
  });

  it("is refused when the password changes between the guards and the sign-in", async () => {
    const app = await start(kind);
    const pid = await haveUser(app);
    const browser = await waiting(app);
    app.gate.on(login).before("guard", async () => void (await app.gate.updatePassword(pid, OTHER_PASSWORD)));
    assert.equal(verdictOf(await givePin(browser)), "401 account_changed");
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
  });

  it("gives no more guesses for a known password: over any number of logins, ten in a quarter of an hour", async () => {
    let looked = 0;
    const look = () => {
      looked += 1;
    };
    const app = await start(kind, { tries: 4, evaluating: look });
    await haveUser(app);
    for (let count = 0; count < 6; count += 1) {
      const browser = app.browser();
      await logIn(browser);
      for (let tries = 0; tries < 4; tries += 1) await givePin(browser, "000000");
    }
    assert.equal(looked, 10);
  });
});

describe("a second factor that was given", () => {
  it("opens what asks for one, in that session only", async () => {
    const app = await startDoors({
      extra: pin({ has: isAnn }),
      add: (express, gate) => {
        express.get("/two", gate.require({ twoFactored: true }), (_req, res) => void res.send("two"));
        express.get("/is-two", async (req, res) => void res.send(String(await gate.isTwoFactored(req))));
      },
    });
    await haveUser(app);
    await haveUser(app, BOB);
    const ann = await waiting(app);
    await givePin(ann);
    const bob = await signedIn(app, BOB);
    assert.equal((await ann.get("/two")).text, "two");
    assert.equal((await ann.get("/is-two")).text, "true");
    assert.equal(verdictOf(await bob.json("GET", "/two")), "403 second_factor_missing");
    assert.equal((await bob.get("/is-two")).text, "false");
    assert.equal((await app.browser().get("/is-two")).text, "false");
  });

  it("outlives a change of password in that browser", async () => {
    const both = pin();
    const more = doorways();
    const extra = { ...both, start: (core: Parameters<typeof both.start>[0]) => [both.start(core), more.start(core)] };
    const app = await startDoors({ extra });
    const pid = await haveUser(app);
    const browser = await waiting(app);
    await givePin(browser);
    assert.equal((await browser.json("POST", "/auth/password", { from: PASSWORD, to: OTHER_PASSWORD })).status, 200);
    assert.deepEqual(methodsOf((await app.gate.signIns(pid))[0]).toSorted(), ["password", "pin"]);
  });

  it("is not asked for when nobody subscribes, and a wrong password never comes so far", async () => {
    const app = await startDoors({ extra: pin({ has: isAnn }) });
    await haveUser(app);
    assert.equal(verdictOf(await logIn(app.browser(), ANN, "wrong")), "401 invalid_credentials");
    const browser = app.browser();
    await logIn(browser, ANN, "wrong");
    assert.equal(verdictOf(await givePin(browser)), "401 login_expired");
  });

  it("counts as an attempt, which guards may refuse before the pin is looked at", async () => {
    let looked = 0;
    const look = () => {
      looked += 1;
    };
    const app = await startDoors({ extra: pin({ evaluating: look }) });
    await haveUser(app);
    app.gate.on(attempt).before("guard", ({ method }) => (method === "pin" ? refuse(429, "too_many_attempts") : null));
    const browser = await waiting(app);
    assert.equal(verdictOf(await givePin(browser)), "429 too_many_attempts");
    assert.equal(looked, 0);
  });
});
