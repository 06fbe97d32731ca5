/** Logins in parallel, and logins during which the account changes: C07, C08, C11, C12, C15, C16, C20. */
import assert from "node:assert/strict";
import { type LoginEvent, login, logout, minutes, register, seconds } from "@castellan/core";
import { bcryptHasher, HashLane, Unavailable } from "castellan";
import { describe, it, onTestFinished } from "vitest";
import {
  ANN,
  BOB,
  barrier,
  type DoorApp,
  giveWay,
  haveUser,
  logIn,
  logOut,
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
import { doorways } from "./support/modules.ts";
import { storerKinds } from "./support/storers.ts";

const throttle = (max: number) => ({
  limits: { "attempt/subject": { max, per: minutes(15) }, "attempt/network": { max: 1000, per: minutes(15) } },
});

/** Lets `change` happen after the password was found right and before the sign-in is made. */
async function loginDuring(app: DoorApp, change: () => Promise<unknown>) {
  const [slow, browser] = [barrier(), app.browser()];
  app.hasher.pause(slow.wait());
  const answer = logIn(browser);
  while (app.hasher.calls.verify === 0) await giveWay();
  app.hasher.pause(null);
  await change();
  slow.open();
  return { answer: await answer, browser };
}

describe.each(storerKinds)("a login (%s)", (kind) => {
  const changes: Readonly<Record<string, (app: DoorApp, pid: string) => Promise<unknown>>> = {
    "the password is set anew (C12)": (app, pid) => app.gate.updatePassword(pid, OTHER_PASSWORD),
    "the password is changed by the user (C12)": (app, pid) => app.gate.changePassword(pid, { from: PASSWORD, to: OTHER_PASSWORD }),
    "the user is disabled (C15)": (app, pid) => app.gate.disable(pid),
    "the user is disabled and enabled again (C15)": async (app, pid) => {
      await app.gate.disable(pid);
      await app.gate.enable(pid);
    },
    "the user is deleted (C15)": (app, pid) => app.removeUser(pid),
    "all sign-ins are ended (C16)": (app, pid) => app.gate.endSignIns(pid, "all"),
  };

  it.each(Object.keys(changes))("is refused when, between the check and the sign-in, %s", async (change) => {
    const app = await startDoors({ kind });
    const pid = await haveUser(app);
    const { answer, browser } = await loginDuring(app, async () => changes[change]?.(app, pid));
    assert.equal(verdictOf(answer), "401 account_changed");
    assert.equal(sessionIdOf(browser), null);
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
  });

  it.each(Object.keys(changes))("is refused when, at the very last moment, %s", async (change) => {
    const app = await startDoors({ kind });
    const pid = await haveUser(app);
    const browser = app.browser();
    let changed = false;
    app.before("createSignIn", async () => {
      if (changed) return;
      changed = true;
      await changes[change]?.(app, pid);
    });
    assert.equal(verdictOf(await logIn(browser)), "401 account_changed");
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
  });

  it("goes on when the hash is only made stronger meanwhile", async () => {
    const app = await startDoors({ kind });
    await haveUser(app);
    app.hasher.raiseCost();
    const answers = await parallel(5, () => logIn(app.browser()));
    assert.deepEqual(tally(answers), { "200 signed_in": 5 });
  });

  it("ends with all others when they are ended after it, and lives when it comes after (C16)", async () => {
    const app = await startDoors({ kind });
    const pid = await haveUser(app);
    const rounds = await parallel(10, async () => {
      const browser = app.browser();
      const [login] = await Promise.all([logIn(browser), app.gate.endSignIns(pid, "all")]);
      return { verdict: verdictOf(login), browser };
    });
    const alive = await Promise.all(rounds.map(({ browser }) => whoIs(browser)));
    const lives = alive.filter((who) => who === ANN).length;
    assert.equal((await app.gate.signIns(pid)).length, lives);
    for (const { verdict } of rounds) assert.match(verdict, /^(200 signed_in|401 account_changed)$/);
    assert.equal(await whoIs(await signedIn(app)), ANN);
  });

  it("of twenty in parallel with the right password, within the limit, succeeds twenty times", async () => {
    const app = await startDoors({ kind, gate: throttle(20) });
    const pid = await haveUser(app);
    const browsers = await parallel(20, async () => app.browser());
    assert.deepEqual(tally(await Promise.all(browsers.map((browser) => logIn(browser)))), { "200 signed_in": 20 });
    assert.equal(new Set(browsers.map(sessionIdOf)).size, 20);
    assert.deepEqual(new Set(await Promise.all(browsers.map(whoIs))), new Set([ANN]));
    assert.equal((await app.gate.signIns(pid)).length, 20);
  });

  it("of a hundred in parallel with a wrong password has five looked at, and then refuses the right one too (C07)", async () => {
    const app = await startDoors({ kind, gate: throttle(5) });
    await haveUser(app);
    const before = app.hasher.calls.verify;
    const answers = await parallel(100, (index) => logIn(app.browser(), ANN, `wrong ${index}`));
    assert.equal(app.hasher.calls.verify - before, 5);
    assert.deepEqual(tally(answers), { "401 invalid_credentials": 5, "429 too_many_attempts": 95 });
    const right = await logIn(app.browser());
    assert.equal(verdictOf(right), "429 too_many_attempts");
    assert.equal(right.headers["retry-after"], "900");
    app.clock.advance(seconds(899));
    assert.equal(verdictOf(await logIn(app.browser())), "429 too_many_attempts");
    app.clock.advance(seconds(1));
    assert.equal(verdictOf(await logIn(app.browser())), "200 signed_in");
  });

  it("of a hundred in parallel with one right password among them never has more than five looked at (C07)", async () => {
    const app = await startDoors({ kind, gate: throttle(5) });
    await haveUser(app);
    const [before, slow] = [app.hasher.calls.verify, barrier()];
    app.hasher.pause(slow.wait());
    const answers = parallel(100, (index) => logIn(app.browser(), ANN, index === 2 ? PASSWORD : `wrong ${index}`));
    while (app.hasher.calls.verify - before < 5) await giveWay();
    slow.open();
    await answers;
    assert.ok(app.hasher.calls.verify - before <= 10, "five before the right one cleared the count, and at most five after it");
  });

  it("is counted before the password is looked at, so that one which is cut off counts too (F04)", async () => {
    const app = await startDoors({ kind, gate: throttle(5) });
    await haveUser(app);
    const cutOff = Promise.reject(new Unavailable("the process is going down"));
    cutOff.catch(() => {});
    app.hasher.pause(cutOff);
    for (let count = 0; count < 5; count += 1) assert.equal(verdictOf(await logIn(app.browser())), "503 unavailable");
    app.hasher.pause(null);
    assert.equal(verdictOf(await logIn(app.browser())), "429 too_many_attempts");
  });

  it("counts for a login that nobody has as it does for one that somebody has", async () => {
    const app = await startDoors({ kind, gate: throttle(5) });
    const answers = await parallel(20, (index) => logIn(app.browser(), index % 2 ? "nobody@example.com" : " NOBODY@Example.com ", "wrong"));
    assert.deepEqual(tally(answers), { "401 invalid_credentials": 5, "429 too_many_attempts": 15 });
  });
});

describe.each(storerKinds)("a registration (%s)", (kind) => {
  it("of twenty in parallel with one login, in any spelling, makes one account and one message (C08)", async () => {
    const app = await startDoors({ kind, gate: { limits: { "register/network": { max: 100, per: minutes(1) } } } });
    const made: string[] = [];
    app.gate.on(register).after("notify", ({ user }) => void made.push(user.login));
    const spellings = [ANN, "ANN@example.com", " Ann@Example.COM ", "ann@EXAMPLE.com", "ａnn@example.com"];
    const browsers = await parallel(20, async () => app.browser());
    const answers = await Promise.all(
      browsers.map((browser, index) =>
        browser.json("POST", "/auth/register", { email: spellings[index % spellings.length], password: `${PASSWORD} ${index}` }),
      ),
    );
    assert.deepEqual(tally(answers), { "200 registered": 1, "409 login_taken": 19 });
    assert.deepEqual(made, [ANN]);
    const winner = answers.findIndex(({ status }) => status === 200);
    const who = await Promise.all(browsers.map(whoIs));
    assert.deepEqual(who.filter((name) => name === ANN).length, 1);
    assert.equal(verdictOf(await logIn(app.browser(), ANN, `${PASSWORD} ${winner}`)), "200 signed_in");
    assert.equal(verdictOf(await logIn(app.browser(), ANN, `${PASSWORD} ${winner === 0 ? 1 : 0}`)), "401 invalid_credentials");
  });
});

describe.each(storerKinds)("a change of password (%s)", (kind) => {
  it("from two browsers at once is made once; the other browser is signed out (C11)", async () => {
    const app = await startDoors({ kind, extra: doorways() });
    const pid = await haveUser(app);
    const browsers = [await signedIn(app), await signedIn(app)];
    const [before, slow] = [app.hasher.calls.verify, barrier()];
    app.hasher.pause(slow.wait());
    const answers = browsers.map((browser, index) =>
      browser.json("POST", "/auth/password", { from: PASSWORD, to: `${OTHER_PASSWORD} ${index}` }),
    );
    while (app.hasher.calls.verify - before < 2) await giveWay();
    slow.open();
    const verdicts = (await Promise.all(answers)).map(verdictOf);
    assert.deepEqual(verdicts.toSorted(), ["200", "409 account_changed"]);
    const winner = verdicts.indexOf("200");
    assert.deepEqual(
      await Promise.all(browsers.map(whoIs)),
      browsers.map((_, index) => (index === winner ? ANN : "nobody")),
    );
    assert.equal((await app.gate.signIns(pid)).length, 1);
    app.hasher.pause(null);
    assert.equal(verdictOf(await logIn(app.browser(), ANN, `${OTHER_PASSWORD} ${winner}`)), "200 signed_in");
    assert.equal(verdictOf(await logIn(app.browser(), ANN, `${OTHER_PASSWORD} ${1 - winner}`)), "401 invalid_credentials");
  });

  it("of fifty services at once is made once", async () => {
    const app = await startDoors({ kind, gate: throttle(100) });
    const pid = await haveUser(app);
    const outcomes = await parallel(50, (index) => app.gate.changePassword(pid, { from: PASSWORD, to: `${OTHER_PASSWORD} ${index}` }));
    assert.equal(outcomes.filter((outcome) => "ok" in outcome).length, 1);
  });
});

describe("what follows a login", () => {
  const follow = async (phase: "record" | "notify", handler: (event: LoginEvent) => void | Promise<void>) => {
    const app = await startDoors();
    const pid = await haveUser(app);
    app.gate.on(login).after(phase, handler);
    return { app, pid, browser: app.browser() };
  };

  it("and must be written takes the sign-in back when it throws, and the id of that session is nobody's", async () => {
    const { app, pid, browser } = await follow("record", () => {
      throw new Unavailable("the audit log is away");
    });
    const answer = await logIn(browser);
    assert.equal(verdictOf(answer), "503 unavailable");
    assert.equal(sessionIdOf(browser), null);
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
  });

  it("and must be written takes the sign-in back too when the storer goes away at that moment", async () => {
    const { app, pid, browser } = await follow("record", () => {
      app.away(true);
      throw new Error("everything is away");
    });
    assert.equal((await logIn(browser)).status, 503);
    app.away(false);
    assert.equal(await whoIs(browser), "nobody");
    assert.equal(sessionIdOf(browser), null);
    assert.equal((await app.gate.signIns(pid)).length <= 1, true);
  });

  it("and is only told does not stand in the way when it throws, and the log says so", async () => {
    const { app, browser } = await follow("notify", async () => {
      throw new Error("the mail server is away");
    });
    assert.equal(verdictOf(await logIn(browser)), "200 signed_in");
    assert.equal(await whoIs(browser), ANN);
    assert.deepEqual(
      app.log.map(({ message }) => message),
      ['a handler of the channel "login" failed; the request went on'],
    );
  });
});

describe("what follows a logout", () => {
  it("and is only told does not keep anybody in when it throws", async () => {
    const app = await startDoors();
    await haveUser(app);
    app.gate.on(logout).after("notify", () => {
      throw new Error("away");
    });
    const browser = await signedIn(app);
    assert.equal(verdictOf(await logOut(browser)), "200 signed_out");
    assert.equal(await whoIs(browser), "nobody");
  });

  it("and must be written does not keep anybody in when it throws, and the answer is no success", async () => {
    const app = await startDoors();
    await haveUser(app);
    app.gate.on(logout).after("record", () => {
      throw new Unavailable("away");
    });
    const browser = await signedIn(app);
    const old = browser.fork();
    assert.equal((await logOut(browser)).status, 503);
    assert.equal(await whoIs(old), "nobody");
  });
});

describe("two hundred logins at once, with real hashes and a short queue", () => {
  it("fill the queue and no more; the others are told to come back, and nobody gets in by accident (C20)", async () => {
    const lane = new HashLane({ threads: 2, waiting: 30 });
    onTestFinished(() => lane.close());
    const app = await startDoors({ gate: { ...throttle(1000), hasher: bcryptHasher({ cost: 10, lane }) } });
    await haveUser(app);
    await haveUser(app, BOB, OTHER_PASSWORD);
    const browsers = await parallel(200, async () => app.browser());
    // Every second one is Ann with her password, the others are Ann with Bob's.
    const answers = await Promise.all(browsers.map((browser, index) => logIn(browser, ANN, index % 2 ? OTHER_PASSWORD : PASSWORD)));
    const counts = tally(answers);
    assert.deepEqual(Object.keys(counts).toSorted(), ["200 signed_in", "401 invalid_credentials", "503 busy"]);
    assert.ok((counts["503 busy"] ?? 0) >= 100, JSON.stringify(counts));
    for (const [index, answer] of answers.entries()) {
      if (answer.status === 200) assert.equal(index % 2, 0);
      if (answer.status === 503) assert.match(String(answer.headers["retry-after"]), /^[1-9]\d*$/);
    }
    const who = await Promise.all(browsers.map(whoIs));
    assert.deepEqual(
      who,
      answers.map(({ status }) => (status === 200 ? ANN : "nobody")),
    );
    assert.equal(verdictOf(await logIn(app.browser())), "200 signed_in");
  });
});
