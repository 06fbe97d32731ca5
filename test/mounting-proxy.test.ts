import assert from "node:assert/strict";
import { type BrowserClient, browserClient, type Harness } from "@castellan/testkit";
import { allowPlainHttp, ConfigError } from "castellan";
import express from "express";
import { describe, it } from "vitest";
import { PASSWORD } from "./support/app.ts";
import { addPages, clientsFlow, type GateChanges, type MountedGate, personsFlow, startMounted, wholeFlow } from "./support/mounted.ts";
import { startProxy } from "./support/proxy.ts";

const PUBLIC = "https://example.test";

async function behindProxy(proto: string | null = "https"): Promise<{ app: Harness<MountedGate>; browser: () => BrowserClient }> {
  const app = await startMounted({
    rootUrl: `${PUBLIC}/app`,
    app(gate) {
      const main = express();
      main.use(gate.clientState());
      main.use("/auth", gate.router);
      addPages(main, gate);
      return main;
    },
  });
  const proxy = await startProxy(app.url, { prefix: "/app", proto });
  return { app, browser: () => browserClient(proxy.url, { origin: PUBLIC, clock: app.clock, forwardedProto: false }) };
}

describe("behind a proxy that strips a prefix", () => {
  it("people and clients sign up, in and out", async () => {
    const { browser } = await behindProxy();
    const places = { mount: "/app/auth", account: "/app/account" };
    await personsFlow(browser(), places);
    await clientsFlow(browser(), places);
  });

  it("forms, the style sheet, links and the way home carry the prefix", async () => {
    const { browser } = await behindProxy();
    const { page, text } = await browser().get("/app/auth/login");
    assert.equal(page.form().action, "/app/auth/login");
    assert.match(text, /<link rel="stylesheet" href="\/app\/auth\/castellan\.css">/);
    assert.deepEqual(
      page.links.map(({ href }) => href).filter((href) => !href.startsWith("/app/")),
      [],
    );
    assert.ok(page.links.some(({ href }) => href === "/app/"));
    assert.equal((await browser().get("/app/auth/castellan.css")).status, 200);
  });

  it("every redirect carries the prefix, and people come back to the page that they wanted", async () => {
    const { browser } = await behindProxy();
    const person = browser();
    const turned = await person.get("/app/account?tab=mails", { followRedirects: false });
    const login = new URL(turned.location ?? "", PUBLIC);
    assert.equal(login.pathname, "/app/auth/login");
    const { page } = await person.get(login.pathname + login.search);
    await page.link("Create an account").follow();
    const registration = await page.link("Create an account").follow();
    const back = await registration.page
      .form()
      .submit({ email: "ann@example.com", password: PASSWORD, confirm_password: PASSWORD }, { followRedirects: false });
    assert.equal(back.location, "/app/account?tab=mails");
    const out = await person.json("POST", "/app/auth/logout", {});
    assert.equal(Reflect.get(Object(out.json()), "location"), "/app/");
  });

  it("cookies are for the whole host, as their prefix asks for", async () => {
    const { browser } = await behindProxy();
    const person = browser();
    const { page } = await person.get("/app/auth/login");
    await page.form().submit({ email: "ann@example.com", password: "wrong" });
    await person.json("POST", "/app/auth/register", { email: "ann@example.com", password: PASSWORD });
    await person.get("/app/auth/login");
    assert.deepEqual(person.jar.refused, []);
    assert.ok(person.jar.cookies.length > 0);
    for (const { name, path, secure } of person.jar.cookies) {
      assert.ok(name.startsWith("__Host-"), name);
      assert.deepEqual({ path, secure }, { path: "/", secure: true });
    }
  });
});

const warnings = (app: Harness<MountedGate>): string[] =>
  app.log.filter(({ level, message }) => level === "warn" && message.includes("X-Forwarded-Proto")).map(({ message }) => message);

describe("X-Forwarded-Proto", () => {
  it("with https from the proxy gives no warning", async () => {
    const { app, browser } = await behindProxy();
    await browser().json("POST", "/app/auth/register", { email: "ann@example.com", password: PASSWORD });
    assert.deepEqual(warnings(app), []);
  });

  it.each([null, "http"])("with %s from the proxy nobody can stay signed in, and the log says once what to do", async (proto) => {
    const { app, browser } = await behindProxy(proto);
    const [one, other] = [browser(), browser()];
    await one.json("POST", "/app/auth/register", { email: "ann@example.com", password: PASSWORD });
    await other.json("POST", "/app/auth/login", { email: "ann@example.com", password: PASSWORD });
    assert.equal((await one.json("GET", "/app/account")).status, 401);
    assert.deepEqual(one.jar.get("__Host-castellan-sid"), null);
    assert.equal(warnings(app).length, 1);
    assert.match(warnings(app)[0] ?? "", /Let the proxy set that header/);
  });
});

const startAt = (rootUrl: string, gate: GateChanges = {}): Promise<Harness<MountedGate>> =>
  startMounted({
    rootUrl,
    gate,
    app(made) {
      const main = express();
      main.use(made.clientState());
      main.use("/auth", made.router);
      addPages(main, made);
      return main;
    },
  });

const isRefusal = (error: unknown): boolean =>
  error instanceof ConfigError && error.problems.some((problem) => problem.includes("`rootUrl` must begin with https:"));

describe("a rootUrl without TLS", () => {
  it.each(["http://app.example.test", "http://localhost:3000", "http://127.0.0.1"])(
    "is refused at the start outside development: %s",
    async (rootUrl) => {
      await assert.rejects(startAt(rootUrl), isRefusal);
    },
  );

  it.each(["http://app.example.test", "http://localhost.example.test", "http://127.0.0.1.example.test"])(
    "is refused in development too where it is not this machine: %s",
    async (rootUrl) => {
      await assert.rejects(startAt(rootUrl, { development: true }), isRefusal);
    },
  );

  it.each(["http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"])(
    "passes in development on this machine: %s",
    async (rootUrl) => {
      await wholeFlow(await startAt(rootUrl, { development: true }), { mount: "/auth" });
    },
  );

  it("passes where [allowPlainHttp] says so, with cookies that a browser takes over plain HTTP", async () => {
    const app = await startAt("http://intranet.example.test", { [allowPlainHttp]: true });
    await wholeFlow(app, { mount: "/auth" });
    const person = app.browser();
    await person.json("POST", "/auth/login", { email: "ann@example.com", password: PASSWORD });
    assert.deepEqual(person.jar.refused, []);
    assert.equal(person.jar.get("castellan-sid")?.secure, false);
  });
});
