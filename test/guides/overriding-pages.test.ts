/** What docs/guides/overriding-pages.md shows works as it stands there. @module */
import assert from "node:assert/strict";
import { auth, loginView } from "@castellan/auth";
import { register } from "@castellan/register";
import { harness, TEST_SECRET } from "@castellan/testkit";
import { type CastellanOptions, castellan, expressSessions, html, override, pages, type Renderer, standardLayout } from "castellan";
import express from "express";
import { describe, it, onTestFinished } from "vitest";

type Changes = Pick<CastellanOptions<never, never>, "renderer" | "localize" | "locales">;

async function browserFor(changes: Changes) {
  const app = await harness({
    gate: (options) =>
      castellan({
        ...options,
        ...changes,
        sessions: expressSessions({ secret: TEST_SECRET }),
        modules: { auth: auth(), register: register() },
      }),
    app: (gate) => {
      gate.pageData((req) => ({ path: req.path }));
      return express().use(gate.clientState()).use("/auth", gate.router);
    },
  });
  onTestFinished(() => app.close());
  return app.browser();
}

describe("the pages", () => {
  it("take other tokens, appended to the style sheet", async () => {
    const browser = await browserFor({ renderer: pages({ applicationName: "Acme", styleSheet: ":root { --castellan-accent: #0a6; }" }) });
    assert.match((await browser.get("/auth/castellan.css")).text, /:root \{ --castellan-accent: #0a6; \}\s*$/);
    assert.match((await browser.get("/auth/login")).text, /<title>Sign in – Acme<\/title>/);
  });

  it("speak the application's words, in the language that was asked for", async () => {
    const german: Readonly<Record<string, string>> = { "auth.title": "Anmelden" };
    const browser = await browserFor({
      locales: ["en", "de"],
      localize: (key, _parameters, locale) => (locale === "de" ? (german[key] ?? null) : null),
    });
    const { page } = await browser.get("/auth/login", { headers: { "Accept-Language": "de-CH" } });
    assert.equal(page.heading, "Anmelden");
    assert.equal((await browser.get("/auth/login")).page.heading, "Sign in");
  });

  it("can be replaced one by one", async () => {
    const browser = await browserFor({
      renderer: pages({
        overrides: {
          ...override(
            loginView,
            ({ fields }, { form, link }) => html`
      <p>Welcome back.</p>
      ${form({ action: "/login", fields, submit: "auth.submit" })}
      <p>${link("/register", "register.title")}</p>`,
          ),
        },
      }),
    });
    const { page, text } = await browser.get("/auth/login");
    assert.match(text, /<p>Welcome back\.<\/p>/);
    assert.match(text, /<p><a href="\/auth\/register">Create an account<\/a><\/p>/);
    assert.equal((await page.form("/auth/login").submit({ email: "ann@example.com", password: "wrong" })).status, 401);
  });

  it("can get another frame", async () => {
    const browser = await browserFor({
      renderer: pages({ layout: (parts) => standardLayout({ ...parts, body: html`${parts.body}<p class="hint">Help: 555 0100</p>` }) }),
    });
    assert.match((await browser.get("/auth/login")).text, /<p class="hint">Help: 555 0100<\/p>/);
  });

  it("can be drawn by another engine", async () => {
    const renderer: Renderer = {
      render: (view, data, tools) => `${view.name} ${Object.keys(data ?? {})} ${tools.page["path"]}\n${view.body(data, tools).markup}`,
    };
    const { page, text } = await (await browserFor({ renderer })).get("/auth/login");
    assert.match(text, /^auth\/login fields \/login\n/);
    assert.equal((await page.form("/auth/login").submit({ email: "ann@example.com", password: "wrong" })).status, 401);
  });
});
