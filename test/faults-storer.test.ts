/** The database is away, busy, closed or wrong, in the middle of everything: F03, F07, F09, F11. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { seconds } from "@castellan/core";
import { sqlite } from "@castellan/storer-sql/sqlite";
import type { Answer } from "@castellan/testkit";
import { describe, it } from "vitest";
import {
  ANN,
  BOB,
  type DoorApp,
  haveUser,
  logIn,
  logOut,
  OTHER_PASSWORD,
  PASSWORD,
  sessionIdOf,
  signedIn,
  startDoors,
  verdictOf,
  whoIs,
} from "./support/doors.ts";
import { doorways, PIN, pin } from "./support/modules.ts";
import { connectionTo, type DoorStorer, newFolder, openStorer, storerKinds } from "./support/storers.ts";

/** What a failure may look like from outside: a status, a stable reason, and nothing of what happened. */
function assertPlain(answer: Answer, html = false): void {
  assert.equal(answer.status, 503);
  assert.doesNotMatch(answer.text, /secret-detail|castellan_|SQLITE|no such|Error:|\bat .*\.[jt]s\b|node_modules/);
  assert.equal(answer.headers["cache-control"], "no-store");
  if (html) assert.match(String(answer.headers["content-type"]), /^text\/html/);
  else assert.equal(verdictOf(answer), "503 unavailable");
}

describe.each(storerKinds)("while the database is away (%s)", (kind) => {
  it("nobody gets in, out or registered; everybody is told plainly, as a page or as JSON; and all works again afterwards (F07)", async () => {
    const app = await startDoors({ kind });
    await haveUser(app);
    const signed = await signedIn(app);
    const browser = app.browser();
    const [login, account] = [await browser.get("/auth/login"), await browser.get("/auth/register")];
    const out = await signed.get("/auth/logout");
    app.away(true);
    assertPlain(await logIn(browser));
    assertPlain(await login.page.form().submit({ email: ANN, password: PASSWORD }), true);
    assertPlain(await browser.json("POST", "/auth/register", { email: BOB, password: PASSWORD }));
    assertPlain(await account.page.form().submit({ email: BOB, password: PASSWORD, confirm_password: PASSWORD }), true);
    assertPlain(await signed.json("GET", "/account"));
    assertPlain(await signed.get("/account"), true);
    assertPlain(await logOut(signed));
    assertPlain(await out.page.form("/auth/logout").submit({}), true);
    app.away(false);
    assert.equal(await whoIs(browser), "nobody");
    assert.equal(await whoIs(signed), ANN);
    assert.equal((await logIn(app.browser(), BOB)).status, 401);
    assert.equal(verdictOf(await logIn(browser)), "200 signed_in");
    assert.equal(verdictOf(await logOut(signed)), "200 signed_out");
    assert.equal(await whoIs(signed), "nobody");
    assert.ok(app.log.filter(({ level, message }) => level === "error" && message === "a request failed").length >= 8);
  });

  it("strangers still see what asks for nobody", async () => {
    const app = await startDoors({ kind });
    await app.gate.ready();
    app.away(true);
    assert.equal((await app.browser().get("/")).text, "start");
    assert.equal((await app.browser().get("/me")).text, "nobody");
    assert.equal((await app.browser().get("/auth/login")).status, 200);
  });

  it("no attempt is lost or gained: the count goes on where it was", async () => {
    const app = await startDoors({ kind });
    await haveUser(app);
    for (let count = 0; count < 9; count += 1) await logIn(app.browser(), ANN, "wrong");
    app.away(true);
    for (let count = 0; count < 5; count += 1) assertPlain(await logIn(app.browser(), ANN, "wrong"));
    app.away(false);
    assert.equal(verdictOf(await logIn(app.browser(), ANN, "wrong")), "401 invalid_credentials");
    assert.equal(verdictOf(await logIn(app.browser())), "429 too_many_attempts");
  });
});

/** Everything that happens in a login, a logout, … of a browser that is somebody already. */
const OPERATIONS = [
  "findByLogin",
  "load",
  "countUse",
  "takeBackUse",
  "forgetUses",
  "findSignIn",
  "createSignIn",
  "endSignIn",
  "endChallengesOfSession",
  "replaceSignIn",
  "endSignIns",
  "changePasswordHash",
  "createUser",
  "loadSession",
  "saveSession",
  "destroySession",
  "createChallenge",
  "admitTry",
  "consumeChallenge",
] as const satisfies readonly (keyof DoorStorer)[];

/** What takes counts back from somebody who was right: when it fails they stay, which is stricter than need be, and no reason to refuse a secret that may be spent already. */
const DISPENSABLE: ReadonlySet<string> = new Set(["takeBackUse", "forgetUses"]);

/** Runs `act` while `operation` fails. Answers whether it was called at all, and needed. */
async function without(app: DoorApp, operation: (typeof OPERATIONS)[number], act: () => Promise<Answer>) {
  let called = false;
  app.before(operation, () => {
    called = !DISPENSABLE.has(operation);
    throw new Error("the database is away: secret-detail");
  });
  const answer = await act();
  app.before(operation, null);
  return { called, answer };
}

describe.each(storerKinds)("when one single operation fails (%s)", (kind) => {
  it.each(OPERATIONS)("%s: a login of a stranger fails and signs nobody in, or did not need it", async (operation) => {
    const app = await startDoors({ kind });
    const pid = await haveUser(app);
    const browser = app.browser();
    const { called, answer } = await without(app, operation, () => logIn(browser));
    if (!called) return assert.equal(verdictOf(answer), "200 signed_in");
    assertPlain(answer);
    assert.equal(await whoIs(browser), "nobody");
    assert.equal(verdictOf(await logIn(browser)), "200 signed_in");
    assert.equal(await whoIs(browser), ANN);
    assert.equal((await app.gate.signIns(pid)).length, 1);
  });

  it.each(OPERATIONS)("%s: a login over somebody's sign-in leaves that one, or nobody, and never the new one", async (operation) => {
    const app = await startDoors({ kind });
    await haveUser(app);
    await haveUser(app, BOB, OTHER_PASSWORD);
    const browser = await signedIn(app);
    const { called, answer } = await without(app, operation, () => logIn(browser, BOB, OTHER_PASSWORD));
    if (!called) return assert.equal(verdictOf(answer), "200 signed_in");
    assertPlain(answer);
    assert.match(await whoIs(browser), new RegExp(`^(${ANN}|nobody)$`));
    assert.equal(verdictOf(await logIn(browser, BOB, OTHER_PASSWORD)), "200 signed_in");
  });

  it.each(OPERATIONS)("%s: a logout that did not end the sign-in does not say that it did", async (operation) => {
    const app = await startDoors({ kind });
    await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    const { called, answer } = await without(app, operation, () => logOut(browser));
    if (called) assertPlain(answer);
    else assert.equal(await whoIs(old), "nobody");
    await logOut(old);
    assert.equal(await whoIs(old), "nobody");
  });

  it.each(OPERATIONS)("%s: a registration makes an account that works, or none", async (operation) => {
    const app = await startDoors({ kind });
    await app.gate.ready();
    const browser = app.browser();
    const { called, answer } = await without(app, operation, () =>
      browser.json("POST", "/auth/register", { email: ANN, password: PASSWORD }),
    );
    if (!called) return assert.equal(verdictOf(answer), "200 registered");
    assertPlain(answer);
    assert.equal(await whoIs(browser), "nobody");
    const again = await browser.json("POST", "/auth/register", { email: ANN, password: PASSWORD });
    assert.match(verdictOf(again), /^(200 registered|409 login_taken)$/);
    assert.equal(verdictOf(await logIn(browser)), "200 signed_in");
  });

  it.each(OPERATIONS)("%s: a change of password leaves one password that works, and one that does not", async (operation) => {
    const app = await startDoors({ kind, extra: doorways() });
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const elsewhere = await signedIn(app);
    const { called, answer } = await without(app, operation, () =>
      browser.json("POST", "/auth/password", { from: PASSWORD, to: OTHER_PASSWORD }),
    );
    assert.equal(answer.status, called ? 503 : 200);
    const works = await Promise.all([PASSWORD, OTHER_PASSWORD].map((password) => app.gate.verifyPassword(pid, password)));
    assert.deepEqual(works.toSorted(), [false, true]);
    // Whoever knew the old one is out if it does not work any more.
    if (works[1]) assert.equal(await whoIs(elsewhere), "nobody");
  });

  it.each(OPERATIONS)("%s: a step up leaves nobody in two places", async (operation) => {
    const app = await startDoors({ kind, extra: doorways() });
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const { called, answer } = await without(app, operation, () => browser.json("POST", "/auth/step-up", { password: PASSWORD }));
    assert.equal(answer.status, called ? 503 : 200);
    assert.ok((await app.gate.signIns(pid)).length <= 1);
    assert.match(await whoIs(browser), new RegExp(`^(${ANN}|nobody)$`));
  });

  it.each(OPERATIONS)("%s: a second factor is spent for a sign-in, or for nothing", async (operation) => {
    const app = await startDoors({ kind, extra: pin() });
    const pid = await haveUser(app);
    const browser = app.browser();
    await logIn(browser);
    const { called, answer } = await without(app, operation, () => browser.json("POST", "/auth/pin", { pin: PIN }));
    if (!called) return assert.equal(verdictOf(answer), "200 signed_in");
    assertPlain(answer);
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
  });
});

describe.each(storerKinds)("a connection that breaks for a moment (%s)", (kind) => {
  /** The next call of `operation` fails: before its work, or when that was done. */
  const breakOnce = (app: DoorApp, operation: "createSignIn" | "replaceSignIn", when: "before" | "after"): void => {
    app.before(operation, async (run) => {
      app.before(operation, null);
      if (when === "after") await run();
      throw new Error("the database is away: secret-detail");
    });
  };

  it.each(["before", "after"] as const)("%s the sign-in was written signs nobody in", async (when) => {
    const app = await startDoors({ kind });
    const pid = await haveUser(app);
    const browser = app.browser();
    breakOnce(app, "createSignIn", when);
    assertPlain(await logIn(browser));
    assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
    assert.equal(verdictOf(await logIn(browser)), "200 signed_in");
  });

  it.each(["before", "after"] as const)("%s a step up was written signs nobody out", async (when) => {
    const app = await startDoors({ kind, extra: doorways() });
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    breakOnce(app, "replaceSignIn", when);
    assert.equal((await browser.json("POST", "/auth/step-up", { password: PASSWORD })).status, 200);
    assert.deepEqual([await whoIs(browser), await whoIs(old)], [ANN, "nobody"]);
    assert.equal((await app.gate.signIns(pid)).length, 1);
  });

  it("and for longer ends the sign-in that was stepped up, rather than leave it under an id that nobody holds", async () => {
    const app = await startDoors({ kind, extra: doorways() });
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    const { answer } = await without(app, "replaceSignIn", () => browser.json("POST", "/auth/step-up", { password: PASSWORD }));
    assertPlain(answer);
    assert.deepEqual([await whoIs(browser), await whoIs(old), await app.gate.signIns(pid)], ["nobody", "nobody", []]);
  });
});

describe("a process that ends between the new session and the new sign-in", () => {
  it("leaves a browser in which nobody is signed in, and an old id that is dead (F03)", async () => {
    const app = await startDoors({ kind: "sqlite" });
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const old = browser.fork();
    const { answer } = await without(app, "createSignIn", () => logIn(browser));
    assertPlain(answer);
    assert.equal(await whoIs(browser), "nobody");
    assert.equal(await whoIs(old), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
  });
});

describe("an SQLite file", () => {
  const inFile = async () => {
    const file = join(await newFolder(), "app.db");
    const opened = await openStorer("memory");
    const storer = await sqlite({ file, synchronous: "normal", busyTimeout: seconds(0) });
    return { file, storer, app: await startDoors({ opened: { ...opened, storer } }) };
  };

  it("that another process keeps locked is busy: sign-ins are refused for now, and who is in may look on", async () => {
    const { file, app } = await inFile();
    await haveUser(app);
    const signed = await signedIn(app);
    const other = await connectionTo(file);
    other.exec("BEGIN IMMEDIATE");
    const answer = await logIn(app.browser());
    assert.equal(verdictOf(answer), "503 busy");
    assert.equal(answer.headers["retry-after"], "1");
    assert.equal((await signed.get("/account")).text, `account of ${ANN}`);
    assert.equal(verdictOf(await logOut(signed)), "503 busy");
    other.exec("COMMIT");
    assert.equal(verdictOf(await logIn(app.browser())), "200 signed_in");
    assert.equal(verdictOf(await logOut(signed)), "200 signed_out");
  });

  it("that was closed beneath the gate answers 503, to everybody who has to be known", async () => {
    const { storer, app } = await inFile();
    await haveUser(app);
    const signed = await signedIn(app);
    await storer.close();
    assertPlain(await signed.json("GET", "/account"));
    assertPlain(await logIn(app.browser()));
    assert.equal((await app.browser().get("/")).text, "start");
  });
});

describe("a storer that forgets a field of its users", () => {
  /** Users of `operation` have no `field` any more. */
  const forgetting = async (operation: "load" | "findByLogin" | "findSignIn", field: string) => {
    const opened = await openStorer("memory");
    let forgets = false;
    const cut = (user: object): object => Object.fromEntries(Object.entries(user).filter(([name]) => name !== field));
    const storer = new Proxy(opened.storer, {
      get(target, name): unknown {
        const member: unknown = Reflect.get(target, name);
        if (name !== operation || typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          const found: unknown = await member.apply(target, args);
          if (!forgets || typeof found !== "object" || found === null) return found;
          return "user" in found && typeof found.user === "object" && found.user ? { ...found, user: cut(found.user) } : cut(found);
        };
      },
    });
    const app = await startDoors({ opened: { ...opened, storer } });
    const forget = (): void => {
      forgets = true;
    };
    return { app, forget };
  };

  const FIELDS = ["passwordHash", "disabledAt", "email", "epoch", "login", "pid"];

  it.each(FIELDS)("(%s) signs nobody in, answers 503, and the log names the field", async (field) => {
    for (const operation of ["load", "findByLogin"] as const) {
      const { app, forget } = await forgetting(operation, field);
      await haveUser(app);
      forget();
      const browser = app.browser();
      assertPlain(await logIn(browser));
      assert.equal(sessionIdOf(browser), null);
      assert.match(JSON.stringify(app.log), new RegExp(`field \`${field}\``), `${operation} ${field}`);
    }
  });

  it.each(FIELDS)("(%s) lets nobody on who was in, answers 503, and the log names the field", async (field) => {
    const { app, forget } = await forgetting("findSignIn", field);
    await haveUser(app);
    const browser = await signedIn(app);
    forget();
    assertPlain(await browser.json("GET", "/account"));
    assert.match(JSON.stringify(app.log), new RegExp(`field \`${field}\``));
  });

  it.each(["passwordHash", "epoch"])("(%s) fails services as well", async (field) => {
    const { app, forget } = await forgetting("load", field);
    const pid = await haveUser(app);
    forget();
    await assert.rejects(app.gate.verifyPassword(pid, PASSWORD), /field/);
    await assert.rejects(app.gate.changePassword(pid, { from: PASSWORD, to: OTHER_PASSWORD }), /field/);
    await assert.rejects(app.gate.updatePassword(pid, OTHER_PASSWORD), /field/);
  });
});
