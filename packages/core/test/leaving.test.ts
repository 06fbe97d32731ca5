/** What leads to other sites and comes from them: the reply that leaves, routes that others may post to, and places that other modules add to. @module */
import assert from "node:assert/strict";
import { type Core, defineModule, defineView, html, leave, type Module, page, redirect, type ServerStorer } from "@castellan/core";
import { harness, TEST_SECRET } from "@castellan/testkit";
import { castellan, expressSessions } from "castellan";
import express from "express";
import { describe, it, onTestFinished } from "vitest";

const ELSEWHERE = new URL("https://id.example/authorize");

const hostView = defineView<object>("host/page", {
  title: "host.title",
  slots: ["here"],
  body: (_data, { slot, t }) => html`<p>${t("host.text")}</p>${slot("here")}${slot("not-listed")}`,
});

const host: Module<ServerStorer> = defineModule({
  name: "host",
  requires: [],
  reasons: [],
  texts: { "host.title": "Host", "host.text": "What the host says" },
  start(core: Core<ServerStorer>) {
    core.route("GET", "/page", () => page(hostView, { own: 1 }));
    return {};
  },
});

const guest: Module<ServerStorer> = defineModule({
  name: "guest",
  requires: [],
  reasons: [],
  texts: {},
  start(core: Core<ServerStorer>) {
    core.route("POST", "/leave", () => leave(new URL("?a=1&b=%22%3E", ELSEWHERE), ELSEWHERE, "<Elsewhere>"));
    core.route("POST", "/from-elsewhere", ({ body }) => redirect(core.path(`/page?code=${body.get("code")}`)), { foreign: true });
    core.route("POST", "/ours", () => redirect("/"));
    core.fillSlot("here", { name: "guest", data: ({ locale }) => ({ locale, shown: "<b>" }), body: ({ shown }) => html`<i>${shown}</i>` });
    core.fillSlot("here", { name: "silent", data: () => null, body: () => html`never` });
    core.fillSlot("not-listed", { name: "other", data: () => ({ x: 1 }), body: () => html`never` });
    return { address: core.address("/callback") };
  },
});

async function start(modules: { readonly host?: Module<ServerStorer> } = { host }) {
  const app = await harness({
    gate: (options) => castellan({ sessions: expressSessions({ secret: TEST_SECRET }), ...options, modules: { guest, ...modules } }),
    app(gate) {
      const application = express();
      application.use(gate.clientState());
      application.use("/auth", gate.router);
      return application;
    },
  });
  onTestFinished(() => app.close());
  return app;
}

describe("leaving for another site", () => {
  it("is a page that goes on by itself, so that no policy of the form's page stands in the way", async () => {
    const app = await start();
    const answer = await app.browser().request("POST", "/auth/leave", {
      headers: { accept: "text/html", "sec-fetch-site": "same-origin", "content-type": "application/json" },
      body: "{}",
    });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["refresh"], "0; url=https://id.example/authorize?a=1&b=%22%3E");
    assert.match(answer.text, /<a href="https:\/\/id.example\/authorize\?a=1&amp;b=%22%3E">Go on to &lt;Elsewhere&gt;<\/a>/);
    assert.match(String(answer.headers["content-security-policy"]), /form-action 'self'/);
    assert.equal(answer.headers["cache-control"], "no-store");
  });

  it("tells a JSON client the address", async () => {
    const app = await start();
    const told = (await app.browser().json("POST", "/auth/leave", {})).json() as Record<string, unknown>;
    assert.deepEqual([told["status"], told["location"]], ["success", "https://id.example/authorize?a=1&b=%22%3E"]);
  });

  it.each([
    "https://evil.example/authorize",
    "https://id.example/other",
    "https://user@id.example/authorize",
    "http://id.example/authorize",
    "https://id.example:444/authorize",
  ])("leads to the one address that was named, not to %s", (to) => {
    assert.throws(() => leave(new URL(to), ELSEWHERE, "Elsewhere"), TypeError);
  });

  it("leads to no address that is none of the web", () => {
    const script = new URL("javascript:alert(1)");
    assert.throws(() => leave(script, script, "Elsewhere"), TypeError);
  });
});

describe("a route that pages of other sites may post to", () => {
  it("is reached from there without a token, with our cookies or without; other routes are not", async () => {
    const app = await start();
    const browser = app.browser({ sameSite: false });
    await browser.get("/auth/page");
    const from = { from: "https://id.example", followRedirects: false };
    const answer = await browser.post("/auth/from-elsewhere", { code: "7" }, from);
    assert.deepEqual([answer.status, answer.location], [303, "/auth/page?code=7"]);
    assert.equal((await browser.post("/auth/ours", {}, from)).status, 403);
    assert.equal((await browser.post("/auth/from-elsewhere/x", {}, from)).status, 403);
    assert.equal((await browser.post("/other/from-elsewhere", {}, from)).status, 403);
    assert.equal((await browser.post("/auth/from-elsewhere", { code: "7" }, { ...from, from: "null" })).status, 303);
  });
});

describe("a place of a page that other modules add to", () => {
  it("shows what they have to show, escaped, and gives it to JSON clients under their names", async () => {
    const app = await start();
    const { text } = await app.browser().get("/auth/page");
    assert.match(text, /What the host says<\/p><i>&lt;b&gt;<\/i>/);
    assert.doesNotMatch(text, /never/);
    const told = (await app.browser().json("GET", "/auth/page")).json() as Record<string, unknown>;
    assert.deepEqual(
      [told["own"], told["guest"], told["silent"], told["other"]],
      [1, { locale: "en", shown: "<b>" }, undefined, undefined],
    );
  });
});

describe("an address for others to send browsers back to", () => {
  it("begins with rootUrl, whatever the request said", async () => {
    const app = await start({});
    assert.equal((app.gate.guest as { address: string }).address, "https://app.example.test/auth/callback");
  });
});
