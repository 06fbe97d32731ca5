/** Ending sign-ins, and the services for passwords: over HTTP and in a plain script. */
import assert from "node:assert/strict";
import { attemptFailed, changePassword, digest, disable, enable, minutes } from "@castellan/core";
import type { Request, Response } from "express";
import { describe, it } from "vitest";
import {
  ANN,
  BOB,
  type DoorApp,
  type DoorGate,
  haveUser,
  logIn,
  OTHER_PASSWORD,
  PASSWORD,
  parallel,
  sessionIdOf,
  signedIn,
  startDoors,
  verdictOf,
  whoIs,
} from "./support/doors.ts";
import { type StorerKind, storerKinds } from "./support/storers.ts";

const THIRD_PASSWORD = "a third horse battery staple";

/** With pages on which a user ends sign-ins and changes the password by the gate's services. */
const startServices = (kind: StorerKind = "memory"): Promise<DoorApp> =>
  startDoors({
    kind,
    add: (app, gate: DoorGate) => {
      const pidOf = (req: Request): string => gate.user(req).pid;
      const asked = (req: Request, name: string): string => String(req.query[name]);
      app.get("/end-others", gate.require(), async (req, res) => {
        res.json(await gate.endSignIns(pidOf(req), { exceptThatOf: req }));
      });
      app.get("/end-one", gate.require(), async (req, res) => {
        res.json(await gate.endSignIns(pidOf(req), { id: asked(req, "id") }));
      });
      app.get("/list", gate.require(), async (req: Request, res: Response) => {
        res.json({ all: await gate.signIns(pidOf(req)), own: await gate.currentSignIn(req) });
      });
      app.get("/change", gate.require(), async (req, res) => {
        const outcome = await gate.changePassword(pidOf(req), { from: asked(req, "from"), to: asked(req, "to") }, req);
        res.json("ok" in outcome ? "ok" : outcome.refused);
      });
    },
  });

const change = (from: string, to: string): string => `/change?${new URLSearchParams({ from, to })}`;

describe.each(storerKinds)("the sign-ins of a user (%s)", (kind) => {
  it("are ended one by one, by their public handle", async () => {
    const app = await startServices(kind);
    const pid = await haveUser(app);
    const [one, other] = [await signedIn(app), await signedIn(app)];
    app.clock.advance(minutes(1));
    await one.get("/account");
    const [seenLast] = await app.gate.signIns(pid);
    assert.equal((await other.get(`/end-one?id=${seenLast?.id}`)).json(), 1);
    assert.deepEqual([await whoIs(one), await whoIs(other)], ["nobody", ANN]);
    assert.equal((await other.get(`/end-one?id=${seenLast?.id}`)).json(), 0);
  });

  it("are ended all but this one", async () => {
    const app = await startServices(kind);
    await haveUser(app);
    const [here, ...others] = await parallel(4, () => signedIn(app));
    assert.ok(here);
    assert.equal((await here.get("/end-others")).json(), 3);
    assert.equal(await whoIs(here), ANN);
    for (const other of others) assert.equal(await whoIs(other), "nobody");
  });

  it("are ended all, with whatever waits for them", async () => {
    const app = await startServices(kind);
    const pid = await haveUser(app);
    const browsers = await parallel(3, () => signedIn(app));
    assert.equal(await app.gate.endSignIns(pid, "all"), 3);
    for (const browser of browsers) assert.equal(await whoIs(browser), "nobody");
    assert.deepEqual(await app.gate.signIns(pid), []);
    assert.equal(await whoIs(await signedIn(app)), ANN);
  });

  it("are not ended by somebody else's handle, nor by a made-up one (R15)", async () => {
    const app = await startServices(kind);
    await haveUser(app);
    const bob = await haveUser(app, BOB);
    const [ann, hers] = [await signedIn(app), await signedIn(app, BOB)];
    const [foreign] = await app.gate.signIns(bob);
    const cookie = decodeURIComponent(sessionIdOf(hers) ?? "");
    const sessionId = cookie.slice(2, cookie.indexOf("."));
    for (const id of [foreign?.id ?? "", sessionId, digest("sign-in", sessionId), "", "nobody", bob, "' OR 1=1 --", "%"]) {
      assert.equal((await ann.get(`/end-one?${new URLSearchParams({ id })}`)).json(), 0, id);
    }
    assert.deepEqual([await whoIs(ann), await whoIs(hers)], [ANN, BOB]);
  });

  it("are listed with what a person needs to know them by, and with nothing that opens anything", async () => {
    const app = await startServices(kind);
    await haveUser(app);
    const browser = await signedIn(app);
    const answer = await browser.get("/list");
    const listed = JSON.stringify(answer.json());
    const cookie = decodeURIComponent(sessionIdOf(browser) ?? "");
    const sessionId = cookie.slice(2, cookie.indexOf("."));
    assert.ok(sessionId.length > 20);
    for (const secret of [sessionId, digest("sign-in", sessionId), digest("session", sessionId)])
      assert.equal(listed.includes(secret), false);
    assert.match(listed, /Chrome/);
    assert.match(listed, /127\.0\.0\.1/);
    assert.match(listed, /"level":"full"/);
  });

  it("do not include those that are over", async () => {
    const app = await startDoors({ kind, gate: { lifetime: { idle: minutes(10) } } });
    const pid = await haveUser(app);
    await signedIn(app);
    app.clock.advance(minutes(10));
    const later = await signedIn(app);
    assert.equal((await app.gate.signIns(pid)).length, 1);
    assert.equal(await whoIs(later), ANN);
  });
});

describe.each(storerKinds)("a change of password (%s)", (kind) => {
  it("with the request keeps this browser in, under a new id, and puts every other one out", async () => {
    const app = await startServices(kind);
    const pid = await haveUser(app);
    const [here, elsewhere] = [await signedIn(app), await signedIn(app)];
    const old = here.fork();
    assert.equal((await here.get(change(PASSWORD, OTHER_PASSWORD))).json(), "ok");
    assert.deepEqual([await whoIs(here), await whoIs(elsewhere), await whoIs(old)], [ANN, "nobody", "nobody"]);
    assert.equal((await app.gate.signIns(pid)).length, 1);
    assert.equal((await here.get(change(OTHER_PASSWORD, THIRD_PASSWORD))).json(), "ok");
    assert.equal(await whoIs(here), ANN);
  });

  it("without a request puts every browser out", async () => {
    const app = await startServices(kind);
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    assert.ok("ok" in (await app.gate.changePassword(pid, { from: PASSWORD, to: OTHER_PASSWORD })));
    assert.equal(await whoIs(browser), "nobody");
    assert.equal(verdictOf(await logIn(browser)), "401 invalid_credentials");
    assert.equal(verdictOf(await logIn(browser, ANN, OTHER_PASSWORD)), "200 signed_in");
  });

  it("by the application needs no old one, and puts every browser out", async () => {
    const app = await startServices(kind);
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    assert.ok("ok" in ((await app.gate.updatePassword(pid, OTHER_PASSWORD)) ?? {}));
    assert.equal(await whoIs(browser), "nobody");
    assert.equal(verdictOf(await logIn(browser, ANN, OTHER_PASSWORD)), "200 signed_in");
    assert.equal(await app.gate.updatePassword("nobody", OTHER_PASSWORD), null);
  });

  it("that is refused changes nothing: wrong old one, poor new one, nobody's account", async () => {
    const app = await startServices(kind);
    const pid = await haveUser(app);
    const browser = await signedIn(app);
    const reasonOf = (outcome: object | null): unknown =>
      outcome && "refused" in outcome && Reflect.get(outcome.refused as object, "reason");
    assert.equal(reasonOf(await app.gate.changePassword(pid, { from: "wrong", to: OTHER_PASSWORD })), "invalid_credentials");
    assert.equal(reasonOf(await app.gate.changePassword(pid, { from: PASSWORD, to: "short" })), "invalid_fields");
    assert.equal(reasonOf(await app.gate.changePassword("nobody", { from: PASSWORD, to: OTHER_PASSWORD })), "user_not_found");
    assert.equal(reasonOf(await app.gate.updatePassword(pid, "short")), "invalid_fields");
    assert.equal(await whoIs(browser), ANN);
    assert.equal(await app.gate.verifyPassword(pid, PASSWORD), true);
  });
});

describe("checking a password by the service", () => {
  it("counts as an attempt, for the account and with the request's network", async () => {
    const app = await startServices();
    const pid = await haveUser(app);
    const failed: string[] = [];
    app.gate.on(attemptFailed).after("notify", ({ method }) => void failed.push(method));
    for (let count = 0; count < 10; count += 1) assert.equal(await app.gate.verifyPassword(pid, "wrong"), false);
    assert.equal(failed.length, 10);
    assert.equal(verdictOf(await logIn(app.browser())), "429 too_many_attempts");
    assert.equal(await app.gate.verifyPassword(pid, PASSWORD), false);
    assert.equal(app.hasher.calls.verify, 10);
    app.clock.advance(minutes(15));
    assert.equal(await app.gate.verifyPassword(pid, PASSWORD), true);
    assert.equal(await app.gate.verifyPassword("nobody", PASSWORD), false);
  });

  it("does not count against the account when it is right", async () => {
    const app = await startServices();
    const pid = await haveUser(app);
    for (let count = 0; count < 30; count += 1) assert.equal(await app.gate.verifyPassword(pid, PASSWORD), true);
  });
});

describe("in a plain script", () => {
  it.each(storerKinds)("every service works without a request, and before anything was asked to get ready (%s)", async (kind) => {
    const calls: Readonly<Record<string, (gate: DoorGate) => Promise<unknown>>> = {
      signIns: (gate) => gate.signIns("pid"),
      endSignIns: (gate) => gate.endSignIns("pid", "all"),
      disable: (gate) => gate.disable("pid"),
      enable: (gate) => gate.enable("pid"),
      sweep: (gate) => gate.sweep(),
      verifyPassword: (gate) => gate.verifyPassword("pid", PASSWORD),
      changePassword: (gate) => gate.changePassword("pid", { from: PASSWORD, to: OTHER_PASSWORD }),
      updatePassword: (gate) => gate.updatePassword("pid", PASSWORD),
    };
    for (const [name, call] of Object.entries(calls)) {
      const { gate } = await startDoors({ kind });
      await assert.doesNotReject(call(gate), name);
    }
  });

  it("accounts are made, disabled and let in again, and whoever listens is told", async () => {
    const app = await startServices("sqlite");
    const { gate } = app;
    const told: string[] = [];
    gate.on(disable).after("notify", () => void told.push("disable"));
    gate.on(enable).after("notify", () => void told.push("enable"));
    gate.on(changePassword).after("notify", ({ by, ctx }) => void told.push(`${by} ${ctx}`));
    const pid = await haveUser(app);
    assert.equal(await gate.disable(pid), true);
    assert.equal(verdictOf(await logIn(app.browser())), "403 account_disabled");
    assert.equal(await gate.enable(pid), true);
    await gate.updatePassword(pid, OTHER_PASSWORD);
    await gate.changePassword(pid, { from: OTHER_PASSWORD, to: PASSWORD });
    assert.equal(await gate.disable("nobody"), false);
    assert.equal(await gate.enable("nobody"), false);
    assert.deepEqual(told, ["disable", "enable", "system null", "user null"]);
    const outcome = await gate.auth.authenticate({ login: ANN, password: PASSWORD });
    assert.ok("ok" in outcome);
  });
});
