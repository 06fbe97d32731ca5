/** The module that docs/guides/writing-a-module.md shows does what the guide says. @module */
import assert from "node:assert/strict";
import { auth } from "@castellan/auth";
import { register } from "@castellan/register";
import { type HarnessOptions, harness, memoryStorer, TEST_SECRET } from "@castellan/testkit";
import { ConfigError, castellan, expressSessions } from "castellan";
import express from "express";
import { describe, it, onTestFinished } from "vitest";
import { agree, terms } from "./terms.ts";
import { termsStorer } from "./terms-storer.ts";

const modules = { auth: auth(), register: register(), terms: terms({ terms: "/terms.html", afterAgree: "/welcome" }) };

const makeGate = (options: HarnessOptions) =>
  castellan({ ...options, sessions: expressSessions({ secret: TEST_SECRET }), storer: termsStorer(options.storer), modules });

async function start() {
  const told: string[] = [];
  const app = await harness({
    gate: makeGate,
    app: (gate) => {
      gate.on(agree).after("notify", ({ user }) => void told.push(user.login));
      const app = express();
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      app.get("/welcome", async (req, res) => void res.send((await gate.terms.hasAgreed(req)) ? "agreed" : "not yet"));
      return app;
    },
  });
  onTestFinished(() => app.close());
  const browser = app.browser();
  const { page } = await browser.get("/auth/register");
  await page.form("/auth/register").submit({
    email: "ann@example.com",
    password: "correct horse battery staple",
    confirm_password: "correct horse battery staple",
  });
  return { app, browser, told };
}

describe("the module of the guide", () => {
  it("asks, takes the answer once, and tells whoever listens", async () => {
    const { browser, told } = await start();
    assert.equal((await browser.get("/welcome")).text, "not yet");
    const { page } = await browser.get("/auth/terms");
    assert.equal(page.heading, "Terms of use");
    assert.equal((await page.form("/auth/terms").submit()).text, "agreed");
    await page.form("/auth/terms").submit();
    assert.deepEqual(told, ["ann@example.com"]);
  });

  it("turns strangers away", async () => {
    const { app } = await start();
    assert.equal((await app.browser().get("/auth/terms")).status, 401);
  });

  it("is refused at start-up by a storer that lacks what it needs", () => {
    assert.throws(
      () =>
        castellan({
          rootUrl: "https://app.example.test",
          keys: [TEST_SECRET],
          sessions: expressSessions({ secret: TEST_SECRET }),
          sweepEvery: null,
          storer: memoryStorer(),
          // @ts-expect-error: the compiler says it too, on this very line: a storer without `agree` cannot have the module
          modules,
        }),
      (error) => error instanceof ConfigError && error.problems.length === 2,
    );
  });
});
