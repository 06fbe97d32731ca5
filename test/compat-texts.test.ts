import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { defineModule, defineView, html, page, redirect } from "@castellan/core";
import { type Answer, type BrowserClient, type Harness, harness, TEST_SECRET } from "@castellan/testkit";
import { castellan, expressSessions } from "castellan";
import express from "express";
import { describe, it, onTestFinished } from "vitest";
import { haveUser, PASSWORD, startApp, type TestGate } from "./support/app.ts";

/** German texts of an application; the rest stays English. */
const GERMAN: Readonly<Record<string, string>> = {
  "auth.title": "Anmelden",
  "auth.submit": "Jetzt anmelden",
  "field.email": "E-Mail-Adresse",
  "field.password": "Passwort",
  "reason.invalid_credentials": "Diese Angaben stimmen nicht.",
  "reason.required": "Bitte ausfüllen.",
  "reason.login_required": "Bitte zuerst anmelden.",
  "reason.signed_in": "Willkommen!",
  "form.problem": "{label}: {problem}",
};

const germanApp = async (): Promise<Harness<TestGate>> => {
  const app = await startApp({
    gate: {
      locales: ["en", "de"],
      localize(key, parameters, locale) {
        const text = locale === "de" ? GERMAN[key] : undefined;
        return text === undefined ? null : text.replace(/\{(\w+)\}/g, (_, name: string) => String(parameters[name]));
      },
    },
  });
  await haveUser(app);
  return app;
};

const browserFor = (app: Harness<TestGate>, languages: string | null): BrowserClient =>
  app.browser({ headers: { "Accept-Language": languages } });
const member = (answer: Answer, name: string): unknown => Reflect.get(Object(answer.json()), name);

describe("texts of the application", () => {
  it.each(["de", "de-AT, en;q=0.5", "fr, de;q=0.8, en;q=0.5", "en;q=0, de"])(
    "stand on pages for whoever prefers them: %s",
    async (languages) => {
      const browser = browserFor(await germanApp(), languages);
      const turned = await browser.get("/account");
      assert.equal(turned.page.heading, "Anmelden");
      assert.match(turned.text, /<html lang="de">/);
      assert.match(turned.text, /Bitte zuerst anmelden\./);
      assert.equal(turned.page.form("/auth/login").field("password").label, "Passwort");
      const empty = await turned.page.form("/auth/login").submit({ email: "ann@example.com" });
      assert.match(empty.page.text, /Bitte ausfüllen\./);
      const wrong = await turned.page.form("/auth/login").submit({ email: "ann@example.com", password: "wrong" });
      assert.match(wrong.page.text, /Diese Angaben stimmen nicht\./);
    },
  );

  it("stand in JSON too: messages, problems and labels", async () => {
    const browser = browserFor(await germanApp(), "de");
    const form = await browser.json("GET", "/auth/login");
    assert.match(form.text, /"label":"E-Mail-Adresse"/);
    const wrong = await browser.json("POST", "/auth/login", { email: "ann@example.com", password: "wrong" });
    assert.deepEqual([member(wrong, "reason"), member(wrong, "message")], ["invalid_credentials", "Diese Angaben stimmen nicht."]);
    const empty = await browser.json("POST", "/auth/login", { email: "ann@example.com" });
    assert.deepEqual(member(empty, "problems"), [{ field: "password", reason: "required", message: "Bitte ausfüllen." }]);
    const right = await browser.json("POST", "/auth/login", { email: "ann@example.com", password: PASSWORD });
    assert.deepEqual([member(right, "reason"), member(right, "message")], ["signed_in", "Willkommen!"]);
  });

  it("fall back to English one by one, where the application has none", async () => {
    const browser = browserFor(await germanApp(), "de");
    const { page } = await browser.get("/auth/register");
    assert.equal(page.heading, "Create an account");
    assert.equal(page.form("/auth/register").field("password").label, "Passwort");
  });

  it.each([null, "en", "fr", "*", "de;q=0", "x".repeat(5000)])(
    "are the first locale's for whoever prefers none of them: %s",
    async (languages) => {
      const { page, text } = await browserFor(await germanApp(), languages).get("/auth/login");
      assert.equal(page.heading, "Sign in");
      assert.match(text, /<html lang="en">/);
    },
  );

  it("are escaped on pages", async () => {
    const app = await startApp({ gate: { localize: (key) => (key === "auth.title" ? "<b>Tom & Jerry</b>" : null) } });
    const { page, text } = await app.browser().get("/auth/login");
    assert.equal(page.heading, "<b>Tom & Jerry</b>");
    assert.ok(!text.includes("<b>"));
  });
});

const notice = defineView<{ readonly colour: string }>("notice/page", {
  title: "notice.title",
  body: ({ colour }, tools) => html`<p>${colour} beside ${String(tools.page["colour"])}, from ${String(tools.page["visitor"])}</p>`,
});

/** A module with data of its own under a name that the application uses too. */
const noticing = () =>
  defineModule({
    name: "noticing",
    requires: [],
    reasons: ["noticed"],
    texts: { "notice.title": "Notice", "reason.noticed": "Noticed." },
    start(core) {
      core.route("GET", "/notice", () => page(notice, { colour: "the handler's red" }, { reason: "noticed" }));
      core.route("POST", "/notice", () => redirect("/", { reason: "noticed" }));
    },
  });

async function startNoticing() {
  const app = await harness({
    gate: (options) =>
      castellan({ ...options, sessions: expressSessions({ secret: TEST_SECRET }), modules: { auth: auth(), notes: noticing() } }),
    app(gate) {
      gate.pageData((req) => ({
        visitor: req.headers["user-agent"]?.slice(0, 7),
        colour: "the application's blue",
        status: "odd",
        reason: "odd",
      }));
      gate.pageData(async () => ({ team: (await Promise.resolve(["Ann"])).concat("Bob") }));
      const main = express();
      main.use(gate.clientState());
      main.use("/auth", gate.router);
      return main;
    },
  });
  onTestFinished(() => app.close());
  return app;
}

describe("data that the application adds to every answer", () => {
  it("is there in JSON, beside the list of modules, and a handler's own data wins", async () => {
    const browser = (await startNoticing()).browser();
    const answer = await browser.json("GET", "/auth/notice");
    assert.deepEqual(
      ["visitor", "team", "colour", "status", "reason", "modules"].map((name) => member(answer, name)),
      ["Mozilla", ["Ann", "Bob"], "the handler's red", "success", "noticed", { auth: true, notes: true }],
    );
  });

  it("is there in JSON that refuses, but not in what only leads on: that tells what was done, whatever else fails", async () => {
    const browser = (await startNoticing()).browser();
    const onward = await browser.json("POST", "/auth/notice", {});
    assert.deepEqual(Object.keys(Object(onward.json())).sort(), ["csrfToken", "location", "message", "reason", "status"]);
    const refused = await browser.json("POST", "/auth/login", { email: "ann@example.com", password: "wrong" });
    assert.deepEqual(
      ["visitor", "status", "reason"].map((name) => member(refused, name)),
      ["Mozilla", "failure", "invalid_credentials"],
    );
  });

  it("is there for pages, beside the handler's own", async () => {
    const { page: shown } = await (await startNoticing()).browser().get("/auth/notice");
    assert.match(shown.text, /the handler's red beside the application's blue, from Mozilla/);
  });

  it("makes a page a plain 503 when it cannot be had", async () => {
    const app = await startApp();
    await haveUser(app);
    app.gate.pageData(() => {
      throw new Error("the service behind it is away");
    });
    const browser = app.browser();
    const answer = await browser.get("/auth/login");
    assert.equal(answer.status, 503);
    assert.ok(!answer.text.includes("away"));
  });
});

describe("the list of modules", () => {
  it("tells pages what to offer", async () => {
    const whole = await (await startApp()).browser().get("/auth/login");
    assert.ok(whole.page.links.some(({ href }) => href.startsWith("/auth/register")));
    const part = await (await startNoticing()).browser().get("/auth/login");
    assert.ok(!part.page.links.some(({ href }) => href.startsWith("/auth/register")));
  });
});
