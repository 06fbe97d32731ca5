/** After a proof, people are back where they were: a page is asked for again, a form is shown again, and nothing is replayed. @module */
import assert from "node:assert/strict";
import type { BrowserClient } from "@castellan/testkit";
import { minutes } from "castellan";
import express, { type Express } from "express";
import { describe, it } from "vitest";
import { type App, BOB, givePin, logIn, PIN, signedIn, startApp, type TestGate, told } from "./support.ts";

interface Done {
  readonly to: unknown;
  readonly amount: unknown;
}

/** A page that transfers money: its form is shown again after the proof. */
function bank(done: Done[]) {
  return (app: Express, gate: TestGate) => {
    app.use(express.urlencoded({ extended: false }));
    app.get("/transfer", gate.require(), async (req, res) => {
      const kept = await gate.preserved(req);
      res.json(kept ?? {});
    });
    const form = { at: "/transfer", preserve: ["to", "amount"] };
    app.post("/transfer", gate.require({ twoFactored: true, within: minutes(5), form }), gate.csrf(), (req, res) => {
      const { to, amount } = req.body as Done;
      done.push({ to, amount });
      res.send("done");
    });
  };
}

async function start(): Promise<{ app: App; browser: BrowserClient; done: Done[] }> {
  const done: Done[] = [];
  const app = await startApp({ add: bank(done) });
  await givePin(app);
  return { app, browser: await signedIn(app), done };
}

const FIELDS = { to: 'Bob <b> & "c"', amount: "12.50", pin: "never again", card: "4111" };
const transfer = async (browser: BrowserClient, fields: Readonly<Record<string, string>> = FIELDS) =>
  browser.post("/transfer", { ...fields, _csrf: await csrfOf(browser) });

async function csrfOf(browser: BrowserClient): Promise<string> {
  const token = told(await browser.json("GET", "/auth/2fa"))["csrfToken"];
  assert.equal(typeof token, "string");
  return String(token);
}

describe("a form that was posted without a recent second factor", () => {
  it("is shown again after the proof with the fields that were named, and nothing was done", async () => {
    const { app, browser, done } = await start();
    app.clock.advance(minutes(6));
    const asked = await transfer(browser);
    assert.match(asked.url, /\/auth\/2fa\/pin\/validate/);
    const back = await asked.page.form("/auth/2fa/pin/validate").submit({ code: PIN });
    assert.ok(back.url.endsWith("/transfer"));
    assert.deepEqual(told(back), { to: FIELDS.to, amount: FIELDS.amount });
    assert.deepEqual(done, []);
    assert.equal((await transfer(browser)).text, "done");
    assert.deepEqual(done, [{ to: FIELDS.to, amount: FIELDS.amount }]);
  });

  it("is not kept when another page posted it: nobody fills in another's form", async () => {
    const { app, browser, done } = await start();
    app.clock.advance(minutes(6));
    // Of the same site, so that the cookies come along.
    const refused = await browser.post("/transfer", { to: "Mallory", amount: "1000" }, { from: "https://evil.app.example.test" });
    assert.equal(refused.status, 403);
    assert.equal(browser.jar.get("__Host-castellan-form"), null);
    assert.deepEqual(done, []);
  });

  it("is shown again once", async () => {
    const { app, browser } = await start();
    app.clock.advance(minutes(6));
    await (await transfer(browser)).page.form("/auth/2fa/pin/validate").submit({ code: PIN });
    assert.deepEqual(told(await browser.json("GET", "/transfer")), {});
  });

  it("is shown to nobody else, and not after fifteen minutes", async () => {
    const { app, browser } = await start();
    app.clock.advance(minutes(6));
    await transfer(browser);
    const bob = browser.fork();
    bob.jar.delete("__Host-castellan-sid");
    await logIn(bob, BOB);
    assert.deepEqual(told(await bob.json("GET", "/transfer")), {});
    app.clock.advance(minutes(15));
    assert.deepEqual(told(await browser.json("GET", "/transfer")), {});
  });

  it("lies in the browser sealed, so that nobody reads or makes one", async () => {
    const { app, browser } = await start();
    app.clock.advance(minutes(6));
    await transfer(browser);
    const cookie = browser.jar.get("__Host-castellan-form");
    assert.ok(cookie?.httpOnly && cookie.secure);
    for (const secret of ["12.50", "never again", "4111"]) {
      assert.equal(cookie.value.includes(secret), false);
      assert.equal(Buffer.from(cookie.value, "base64url").toString("latin1").includes(secret), false);
    }
    browser.jar.put({ ...cookie, value: `${cookie.value.slice(0, -2)}xx` });
    assert.deepEqual(told(await browser.json("GET", "/transfer")), {});
  });

  it("that is too large for a cookie is left out, and the way back stays", async () => {
    const { app, browser } = await start();
    app.clock.advance(minutes(6));
    const asked = await transfer(browser, { ...FIELDS, to: "x".repeat(5_000) });
    const back = await asked.page.form("/auth/2fa/pin/validate").submit({ code: PIN });
    assert.ok(back.url.endsWith("/transfer"));
    assert.equal(told(back)["to"], undefined);
  });

  it("is refused with the screen's place for a JSON client, and kept nowhere", async () => {
    const { app, browser } = await start();
    app.clock.advance(minutes(6));
    const answer = await browser.json("POST", "/transfer", FIELDS);
    assert.deepEqual([answer.status, told(answer)["location"]], [403, "/auth/2fa/pin/validate"]);
    assert.equal(browser.jar.get("__Host-castellan-form"), null);
  });
});
