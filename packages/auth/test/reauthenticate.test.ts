/** Typing the password once more before something that matters, and what becomes of a form that was sent too late. @module */
import assert from "node:assert/strict";
import type { BrowserClient } from "@castellan/testkit";
import { html, minutes, stepUp } from "castellan";
import express from "express";
import { describe, it } from "vitest";
import { ANN, type App, haveUser, PASSWORD, startApp, tryJson } from "./support.ts";

/** An application with a form that matters. What reached it is answered. */
const startTransfers = (): Promise<App> =>
  startApp({
    add(app, gate) {
      const fresh = { level: "full", within: minutes(5), form: { at: "/transfer", preserve: ["to", "amount"] } } as const;
      app.get("/transfer", gate.require({ level: "full" }), async (req, res) => {
        const { to = "", amount = "" } = await gate.preserved(req);
        res.send(
          html`<form method="post" action="/transfer"><input type="hidden" name="_csrf" value="${gate.csrfToken(req)}">
<input name="to" value="${to}"><input name="amount" value="${amount}"><input name="pin" value=""></form>`.markup,
        );
      });
      app.post("/transfer", express.urlencoded({ extended: false }), gate.require(fresh), gate.csrf(), (req, res) => {
        res.send(`sent ${req.body.amount} to ${req.body.to}`);
      });
    },
  });

async function signedIn(app: App): Promise<BrowserClient> {
  const browser = app.browser();
  assert.equal((await tryJson(browser, { email: ANN, password: PASSWORD })).status, 200);
  return browser;
}

const GIVEN = { to: "Bob", amount: "7", pin: "1234" };

describe("the screen", () => {
  it("is for whoever is signed in in full: a stranger is sent to the login page", async () => {
    const app = await startTransfers();
    assert.match((await app.browser().get("/auth/reauthenticate")).url, /\/auth\/login\?redir=%2Fauth%2Freauthenticate$/);
    assert.equal((await app.browser().json("POST", "/auth/reauthenticate", { password: PASSWORD })).status, 401);
  });

  it("says whose password it asks for, and leads to the wanted page with a new session id", async () => {
    const app = await startTransfers();
    const browser = await signedIn(app);
    const before = browser.jar.get("__Host-castellan-sid")?.value;
    const asked = await browser.get("/auth/reauthenticate?redir=%2Faccount");
    assert.match(asked.page.text, new RegExp(`signed in as ${ANN}`));
    const there = await asked.page.form().submit({ password: PASSWORD });
    assert.equal(there.text, `account of ${ANN}`);
    assert.notEqual(browser.jar.get("__Host-castellan-sid")?.value, before);
  });

  it("counts a wrong password like any other try: after the limit the right one is not looked at", async () => {
    const app = await startTransfers();
    const browser = await signedIn(app);
    const heard: string[] = [];
    app.gate.on(stepUp).after("notify", ({ proof }) => void heard.push(proof.method));
    for (const _ of Array(10)) {
      assert.equal((await browser.json("POST", "/auth/reauthenticate", { password: "wrong" })).status, 401);
    }
    assert.equal((await browser.json("POST", "/auth/reauthenticate", { password: PASSWORD })).status, 429);
    assert.deepEqual(heard, []);
  });

  it("takes an array, an object and nothing for no password", async () => {
    const app = await startTransfers();
    const browser = await signedIn(app);
    for (const password of [[PASSWORD], { password: PASSWORD }, null, "", 7]) {
      assert.equal((await browser.json("POST", "/auth/reauthenticate", { password })).status, 422);
    }
  });

  it("is named to a JSON client beside the reason", async () => {
    const app = await startTransfers();
    const browser = await signedIn(app);
    app.clock.advance(minutes(6));
    const { status, reason, location } = Object((await browser.json("POST", "/transfer", GIVEN)).json());
    assert.deepEqual([status, reason, location], ["failure", "recent_login_required", "/auth/reauthenticate"]);
  });
});

describe("a form that is sent when the proof is too old", () => {
  it("is not carried out: after the password it is there again, with what may be preserved and without what may not", async () => {
    const app = await startTransfers();
    const browser = await signedIn(app);
    const form = (await browser.get("/transfer")).page.form("/transfer");
    app.clock.advance(minutes(6));
    const asked = await form.submit(GIVEN);
    assert.match(asked.url, /\/auth\/reauthenticate\?redir=%2Ftransfer$/);
    assert.match(asked.page.text, /It has been a while/);
    const back = await asked.page.form().submit({ password: PASSWORD });
    const values = ["to", "amount", "pin"].map((name) => back.page.form("/transfer").field(name).attribute("value"));
    assert.deepEqual(values, ["Bob", "7", ""]);
    assert.equal((await back.page.form("/transfer").submit()).text, "sent 7 to Bob");
  });

  it("is shown again once, and never to another person", async () => {
    const app = await startTransfers();
    await haveUser(app, "bob@example.com");
    const browser = await signedIn(app);
    const form = (await browser.get("/transfer")).page.form("/transfer");
    app.clock.advance(minutes(6));
    await form.submit(GIVEN);
    assert.equal((await tryJson(browser, { email: "bob@example.com", password: PASSWORD })).status, 200);
    assert.equal((await browser.get("/transfer")).page.form("/transfer").field("to").attribute("value"), "");
    assert.equal((await tryJson(browser, { email: ANN, password: PASSWORD })).status, 200);
    assert.equal((await browser.get("/transfer")).page.form("/transfer").field("to").attribute("value"), "");
  });

  it("keeps nothing of what is too large for a cookie, and nothing that is no text", async () => {
    const app = await startTransfers();
    for (const to of [["x".repeat(4_000)], ["Bob", "Eve"]]) {
      const browser = await signedIn(app);
      app.clock.advance(minutes(6));
      const asked = await browser.post(
        "/transfer",
        to.map((one) => ["to", one] as const),
      );
      assert.match(asked.url, /reauthenticate/);
      assert.equal((await browser.get("/transfer")).page.form("/transfer").field("to").attribute("value"), "");
    }
  });
});
