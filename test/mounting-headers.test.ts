import assert from "node:assert/strict";
import type { Answer, Harness } from "@castellan/testkit";
import express from "express";
import { describe, it } from "vitest";
import { PASSWORD } from "./support/app.ts";
import { addPages, EXPRESS_VERSIONS, type MountedGate, startMounted } from "./support/mounted.ts";

const start = (version = express): Promise<Harness<MountedGate>> =>
  startMounted({
    app(gate) {
      const app = version();
      app.use((_req, res, next) => {
        res.vary("X-Tenant");
        next();
      });
      app.use(gate.clientState());
      app.use("/auth", gate.router);
      addPages(app, gate);
      app.use((req, res) => void res.status(404).send(`the application knows no ${req.path}`));
      return app;
    },
  });

/** One answer of each kind that the gate gives: pages, refusals, redirects and JSON. */
async function answersOf(app: Harness<MountedGate>): Promise<Readonly<Record<string, Answer>>> {
  const person = app.browser({ followRedirects: false });
  const script = app.browser();
  const credentials = { email: "ann@example.com", password: PASSWORD };
  const [login, registration] = [await person.get("/auth/login"), await person.get("/auth/register")];
  return {
    "a page": login,
    "a page with problems": await login.page.form("/auth/login").submit({ email: "x", password: "" }),
    "a page that refuses": await login.page.form("/auth/login").submit({ email: "x@example.com", password: "wrong" }),
    "a refusal": await person.post("/auth/login", {}, { from: "https://evil.example" }),
    "a method that is not allowed": await person.request("PUT", "/auth/login"),
    "the answer to OPTIONS": await person.request("OPTIONS", "/auth/login"),
    "the answer to HEAD": await person.request("HEAD", "/auth/login"),
    "a redirect to the login page": await person.get("/account"),
    "a redirect after a form": await registration.page
      .form("/auth/register")
      .submit({ email: "bob@example.com", password: PASSWORD, confirm_password: PASSWORD }),
    "JSON that describes a form": await script.json("GET", "/auth/login"),
    "JSON with problems": await script.json("POST", "/auth/login", {}),
    "JSON that leads on": await script.json("POST", "/auth/register", credentials),
    "JSON that refuses": await app.browser().json("GET", "/account"),
    "a refusal of a body": await person.request("POST", "/auth/login", {
      mode: "bare",
      body: "x",
      headers: { "Content-Type": "text/plain" },
    }),
  };
}

const SAFE: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
};

describe.each(EXPRESS_VERSIONS)("every answer of the gate, on %s,", (_name, version) => {
  it("carries the headers that keep it out of caches, frames and other sites", async () => {
    for (const [what, { headers }] of Object.entries(await answersOf(await start(version)))) {
      for (const [name, value] of Object.entries(SAFE)) assert.equal(headers[name], value, `${what}: ${name}`);
      const vary = String(headers.vary).split(/, */);
      for (const name of ["Accept", "Accept-Language", "Cookie", "Origin", "Sec-Fetch-Site", "X-Tenant"])
        assert.ok(vary.includes(name), `${what}: Vary ${name}`);
      const permissions = String(headers["permissions-policy"]);
      for (const feature of ["camera", "geolocation", "microphone", "payment", "usb"])
        assert.ok(permissions.includes(`${feature}=()`), `${what}: ${feature}`);
      assert.ok(!permissions.includes("publickey-credentials"), what);
      assert.equal(headers["x-powered-by"], undefined, what);
    }
  });

  it("that is a page forbids whatever it does not need, and needs nothing inline", async () => {
    for (const [what, { headers, text }] of Object.entries(await answersOf(await start(version)))) {
      if (!String(headers["content-type"]).startsWith("text/html")) continue;
      const policy = String(headers["content-security-policy"]).split("; ");
      const needed = [
        "default-src 'none'",
        "style-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
      ];
      for (const directive of needed) assert.ok(policy.includes(directive), `${what}: ${directive}`);
      assert.ok(!policy.join().includes("unsafe"), what);
      assert.doesNotMatch(text, /<script|<style|\sstyle=|\son[a-z]+=|javascript:/i, what);
    }
  });
});

describe("HEAD", () => {
  it("answers as GET does, without a body", async () => {
    const app = await start();
    for (const path of ["/auth/login", "/auth/register", "/auth/logout", "/auth/castellan.css"]) {
      const [head, get] = [await app.browser().request("HEAD", path), await app.browser().get(path)];
      assert.equal(head.text, "");
      assert.equal(head.status, get.status);
      for (const name of ["content-type", "content-length", "cache-control"]) assert.equal(head.headers[name], get.headers[name]);
    }
  });

  it("of a page for users is turned away as GET is", async () => {
    const app = await start();
    const { status, location } = await app.browser().request("HEAD", "/account");
    assert.deepEqual({ status, location }, { status: 303, location: "/auth/login?redir=%2Faccount" });
  });
});

describe("OPTIONS", () => {
  it.each([
    ["/auth/login", "GET, HEAD, OPTIONS, POST"],
    ["/auth/logout", "DELETE, GET, HEAD, OPTIONS, POST"],
    ["/auth/castellan.css", "GET, HEAD, OPTIONS"],
  ])("tells the methods of %s, and nothing else", async (path, allow) => {
    const { status, headers, text } = await (await start()).browser().request("OPTIONS", path, { from: "https://evil.example" });
    assert.deepEqual({ status, allow: headers.allow, text }, { status: 204, allow, text: "" });
    assert.equal(headers["access-control-allow-origin"], undefined);
  });
});

describe("the style sheet", () => {
  it("may be cached, is what it says, and makes no cookie", async () => {
    const app = await start();
    const { status, headers, setCookies } = await app.browser().get("/auth/castellan.css");
    assert.equal(status, 200);
    assert.match(String(headers["cache-control"]), /^public, max-age=[1-9]\d*$/);
    assert.match(String(headers["content-type"]), /^text\/css/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.deepEqual(setCookies, []);
  });

  it("takes no other method", async () => {
    const { status, headers } = await (await start()).browser().post("/auth/castellan.css", {});
    assert.deepEqual({ status, allow: headers.allow }, { status: 405, allow: "GET, HEAD, OPTIONS" });
  });
});

describe("a path that no module has", () => {
  it.each(["/auth", "/auth/", "/auth/nothing", "/auth/login/more", "/authx", "/castellan.css"])(
    "is left to the application: %s",
    async (path) => {
      const app = await start();
      for (const method of ["GET", "POST", "OPTIONS"]) {
        const { status, text } = await app.browser().request(method, path);
        assert.deepEqual({ status, text }, { status: 404, text: `the application knows no ${path}` });
      }
    },
  );
});
