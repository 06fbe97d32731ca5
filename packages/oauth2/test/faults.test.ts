/** The database fails in the middle of a sign-in by a provider: nothing half-made stays, and the next try goes well. @module */
import assert from "node:assert/strict";
import { login, minutes } from "@castellan/core";
import { unlinkIdentity } from "@castellan/oauth2";
import type { MemoryStorer } from "@castellan/testkit";
import { describe, it } from "vitest";
import {
  ANN,
  ANN_THERE,
  type App,
  comeBack,
  depart,
  haveLinked,
  haveUser,
  PASSWORD,
  signIn,
  signInBy,
  startApp,
  subjectsOf,
  users,
  who,
} from "./support.ts";

const OPERATIONS = [
  "takeFlow",
  "findFlow",
  "startFlow",
  "createUserWithIdentity",
  "confirmUser",
  "load",
  "findByLogin",
  "findIdentity",
  "linkIdentity",
  "noteIdentity",
  "createSignIn",
] as const;
type Operation = (typeof OPERATIONS)[number];

/** From now on one operation fails, as often as it is called, until the answer of this function is called; `after`: when its work was done, as when a connection breaks. */
function breakOperation({ storer }: App, name: Operation, when: "before" | "after" = "before"): () => void {
  const right = storer[name];
  const broken = async (...given: unknown[]): Promise<never> => {
    if (when === "after") await Reflect.apply(right, storer, given);
    throw new Error(`${name} failed`);
  };
  Object.assign(storer, { [name]: broken } as Partial<MemoryStorer>);
  return () => void Object.assign(storer, { [name]: right });
}

describe("a database that fails", () => {
  it("before the way begins sends nobody there", async () => {
    const app = await startApp();
    const mend = breakOperation(app, "startFlow");
    assert.equal((await app.browser().json("POST", "/auth/oauth2/demo", {})).status, 503);
    mend();
    assert.equal((await app.browser().json("POST", "/auth/oauth2/demo", {})).status, 200);
  });

  it("when the way back is taken loses nothing: the same answer works afterwards", async () => {
    const app = await startApp();
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    const mend = breakOperation(app, "takeFlow");
    assert.equal((await comeBack(browser, back)).status, 503);
    assert.equal(app.provider.requests.includes("POST /token"), false);
    mend();
    await comeBack(browser, back);
    assert.equal(await who(browser), ANN);
  });

  it.each(["findIdentity", "createUserWithIdentity"] as const)("at %s leaves no account and nobody signed in", async (name) => {
    const app = await startApp();
    const browser = app.browser();
    const mend = breakOperation(app, name);
    assert.equal((await signInBy(app, browser)).status, 503);
    mend();
    assert.deepEqual([users(app), app.storer.dump().identities, await who(browser)], [[], [], null]);
    await signInBy(app, browser);
    assert.equal(await who(browser), ANN);
  });

  it.each(["confirmUser", "createSignIn"] as const)("at %s leaves an account that is whole: the next sign-in finds it", async (name) => {
    const app = await startApp();
    const browser = app.browser();
    const mend = breakOperation(app, name);
    assert.equal((await signInBy(app, browser)).status, 503);
    assert.equal(await who(browser), null);
    mend();
    await signInBy(app, browser);
    assert.deepEqual([users(app), await who(browser)], [[ANN], ANN]);
    assert.notEqual(app.storer.dump().users[0]?.confirmedAt, null);
  });

  it("while an identity is linked after a proof takes the sign-in back, so that nobody believes that it was linked", async () => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = app.browser();
    await signInBy(app, browser, { ...ANN_THERE, sub: "stranger" });
    const mend = breakOperation(app, "linkIdentity");
    const { page } = await browser.get("/auth/oauth2/connect");
    assert.equal((await page.form("/auth/oauth2/connect").submit({ password: PASSWORD })).status, 503);
    assert.deepEqual([await who(browser), await subjectsOf(app, pid)], [null, []]);
    mend();
    await signIn(browser);
    assert.equal(await who(browser), ANN);
  });
});

describe("a connection that breaks when the work was done", () => {
  it.each(OPERATIONS)("at %s lets nobody in by half; somebody new is in by the next try, with one account", async (name) => {
    const app = await startApp({ demo: { keepTokens: true } });
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    const mend = breakOperation(app, name, "after");
    const answer = await comeBack(browser, back, { followRedirects: false });
    mend();
    assert.equal(await who(browser), answer.status === 503 ? null : ANN);
    const again = app.browser();
    await signInBy(app, again);
    assert.deepEqual([await who(again), users(app)], [ANN, [ANN]]);
  });

  // At the very end it is only looked whether the identity is linked: then they are in and connected, and told to try again.
  it.each(OPERATIONS.filter((name) => name !== "findIdentity"))("at %s connects nothing by half: the next proof does", async (name) => {
    const app = await startApp();
    const pid = await haveUser(app);
    const browser = app.browser();
    const asked = await signInBy(app, browser);
    const mend = breakOperation(app, name, "after");
    const form = asked.page.form("/auth/oauth2/connect");
    const answer = await form.submit({ password: PASSWORD }, { followRedirects: false });
    mend();
    assert.equal(await who(browser), answer.status === 503 ? null : ANN);
    app.clock.advance(minutes(1));
    const again = app.browser();
    const next = await signInBy(app, again);
    await next.page.forms.find(({ action }) => action === "/auth/oauth2/connect")?.submit({ password: PASSWORD });
    assert.deepEqual([await who(again), await subjectsOf(app, pid)], [ANN, ["ann-there"]]);
  });
});

describe("what listens and fails", () => {
  it("puts nobody in by halves: a record that throws takes the sign-in back, a notice does not", async () => {
    const app = await startApp();
    await haveLinked(app);
    app.gate.on(unlinkIdentity).after("notify", () => Promise.reject(new Error("told nobody")));
    const browser = app.browser();
    await signIn(browser);
    const { page } = await browser.get("/auth/oauth2");
    assert.equal((await page.form("/auth/oauth2/unlink").submit()).status, 200);
    app.gate.on(login).after("record", () => Promise.reject(new Error("not written")));
    const other = app.browser();
    await signInBy(app, other, { sub: "new", email: "new@example.com", email_verified: true });
    assert.equal(await who(other), null);
  });
});
