import assert from "node:assert/strict";
import { type BrowserClient, type Harness, TEST_SECRET } from "@castellan/testkit";
import { expressSessions } from "castellan";
import cookieParser from "cookie-parser";
import express from "express";
import { describe, expect, it } from "vitest";
import { haveUser, PASSWORD } from "./support/app.ts";
import { CountingStore } from "./support/counting-store.ts";
import { addPages, type GateChanges, type MountedGate, startMounted } from "./support/mounted.ts";

const SID = "__Host-castellan-sid";

interface Parts {
  readonly gate?: GateChanges;
  readonly rootUrl?: string;
  readonly cookieParser?: boolean;
  readonly more?: (app: express.Express) => void;
}

const serve = ({ gate = {}, rootUrl, cookieParser: parses = false, more }: Parts = {}): Promise<Harness<MountedGate>> =>
  startMounted({
    gate,
    ...(rootUrl !== undefined && { rootUrl }),
    app(made) {
      const main = express();
      if (parses) main.use(cookieParser(TEST_SECRET));
      main.use(made.clientState());
      main.use("/auth", made.router);
      addPages(main, made);
      main.get("/count", (req, res) => {
        req.session.count = (req.session.count ?? 0) + 1;
        res.send(String(req.session.count));
      });
      more?.(main);
      return main;
    },
  });

async function start(parts: Parts = {}): Promise<Harness<MountedGate>> {
  const app = await serve(parts);
  await haveUser(app);
  return app;
}

const signIn = (browser: BrowserClient) => browser.json("POST", "/auth/login", { email: "ann@example.com", password: PASSWORD });

describe("the session cookie", () => {
  it("is a __Host- cookie for the browser session on https, from a sign-in and from the application's own use", async () => {
    const app = await start();
    const browser = app.browser();
    for (const answer of [await signIn(browser), await app.browser().get("/count")]) {
      const lines = answer.setCookies.filter((line) => line.startsWith(`${SID}=`));
      assert.equal(lines.length, 1);
      assert.match(lines[0] ?? "", /^__Host-castellan-sid=s%3A[\w-]+\.[\w%]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    }
    assert.deepEqual(browser.jar.refused, []);
  });

  it("has a plain name and is not Secure in development", async () => {
    const app = await start({ rootUrl: "http://localhost:3000", gate: { development: true } });
    const { setCookies } = await signIn(app.browser());
    const lines = setCookies.filter((line) => line.includes("sid="));
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /^castellan-sid=s%3A[\w-]+\.[\w%]+; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it("carries the prefix that the application chose", async () => {
    const app = await start({ gate: { cookiePrefix: "shop" } });
    const browser = app.browser();
    await signIn(browser);
    assert.ok(browser.jar.get("__Host-shop-sid"));
  });

  it("is removed at sign-out by a line with the same attributes", async () => {
    const app = await start();
    const browser = app.browser();
    await signIn(browser);
    const { setCookies } = await browser.json("POST", "/auth/logout", {});
    assert.deepEqual(
      setCookies.filter((line) => line.startsWith(`${SID}=`)),
      [`${SID}=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT`],
    );
    assert.equal(browser.jar.get(SID), null);
  });

  it("is not sent again by requests that begin no session", async () => {
    const app = await start();
    const browser = app.browser();
    await signIn(browser);
    for (const path of ["/account", "/", "/count", "/auth/login"]) {
      const { setCookies } = await browser.get(path);
      assert.deepEqual(
        setCookies.filter((line) => line.startsWith(`${SID}=`)),
        [],
      );
    }
    assert.equal((await app.browser().get("/")).setCookies.length, 0);
  });
});

describe("an answer of the application that sets the session cookie", () => {
  it("is kept by no cache, unless the application says something else", async () => {
    const app = await serve({
      more: (main) =>
        main.get("/own", (req, res) => {
          req.session.count = 9;
          res.set("Cache-Control", "private, max-age=9").send("own");
        }),
    });
    for (const [path, expected] of [
      ["/count", "no-store"],
      ["/own", "private, max-age=9"],
      ["/", undefined],
    ] as const) {
      const { headers, setCookies } = await app.browser().get(path);
      assert.deepEqual([setCookies.length, headers["cache-control"]], [path === "/" ? 0 : 1, expected]);
    }
  });
});

describe("a new secret for sessions", () => {
  const OLD = "the-secret-of-last-year-0123456789-abcdefgh";
  const NEW = "the-secret-of-this-year-0123456789-abcdefgh";

  it("signs nobody out as long as the old one is listed behind it; without that, everybody is anonymous", async () => {
    const store = new CountingStore("later");
    const first = await start({ gate: { sessions: expressSessions({ secret: OLD, store }) } });
    const browser = first.browser();
    await signIn(browser);
    await browser.get("/count");
    const cookie = `${SID}=${browser.jar.get(SID)?.value}`;
    const ask = (app: Harness<MountedGate>, path: string) =>
      app.browser().request("GET", path, { headers: { Cookie: cookie, Accept: "application/json" } });

    const startOver = (secret: string[]) => serve({ gate: { storer: first.storer, sessions: expressSessions({ secret, store }) } });
    const both = await startOver([NEW, OLD]);
    assert.equal((await ask(both, "/account")).text, "account of ann@example.com");
    assert.equal((await ask(both, "/count")).text, "2");
    const renewed = both.browser();
    await signIn(renewed);

    const last = await startOver([NEW]);
    assert.equal((await ask(last, "/account")).status, 401);
    assert.equal((await ask(last, "/count")).text, "1");
    const kept = await last.browser().request("GET", "/account", { headers: { Cookie: `${SID}=${renewed.jar.get(SID)?.value}` } });
    assert.equal(kept.text, "account of ann@example.com");
  });
});

/** Every way to hand over a session cookie that we did not make, from one that we did: `s%3A<id>.<signature>`. */
const forgeries: Readonly<Record<string, (good: string, id: string, signature: string) => string>> = {
  "nothing at all": () => `${SID}=`,
  "no mark of a signature": (_good, id, signature) => `${SID}=${id}.${signature}`,
  "the mark unescaped": (_good, id, signature) => `${SID}=s:${id}.${signature}`,
  "the mark in lower case": (_good, id, signature) => `${SID}=s%3a${id}.${signature}`,
  "an empty signature": (_good, id) => `${SID}=s%3A${id}.`,
  "no signature": (_good, id) => `${SID}=s%3A${id}`,
  "half a signature": (_good, id, signature) => `${SID}=s%3A${id}.${signature.slice(0, 20)}`,
  "a signature with more behind it": (good) => `${SID}=${good}AAAA`,
  "another id under the signature": (_good, id, signature) => `${SID}=s%3A${id.slice(1)}A.${signature}`,
  "the id escaped": (_good, id, signature) => `${SID}=s%3A%${id.charCodeAt(0).toString(16)}${id.slice(1)}.${signature}`,
  "a JSON cookie": () => `${SID}=j%3A%7B%22pid%22%3A%22admin%22%7D`,
  "a bad escape": () => `${SID}=%E0%A4%A`,
  "a name of an object's own": () => `${SID}=s%3A__proto__.constructor`,
  "10,000 characters": () => `${SID}=s%3A${"A".repeat(10_000)}.${"B".repeat(43)}`,
  "the good one twice": (good) => `${SID}=${good}; ${SID}=${good}`,
  "a bad one before the good one": (good) => `${SID}=planted; ${SID}=${good}`,
  "a bad one behind the good one": (good) => `${SID}=${good}; ${SID}=planted`,
  "the good one under another case": (good) => `${SID.toLowerCase()}=${good}`,
};

describe.each([false, true])("a session cookie that we did not make (R17, R145; cookie-parser: %s)", (parses) => {
  it.each(Object.keys(forgeries))("is no cookie at all, and no failure: %s", async (name) => {
    const app = await start({ cookieParser: parses });
    const browser = app.browser();
    await signIn(browser);
    assert.equal((await browser.get("/count")).text, "1");
    const good = browser.jar.get(SID)?.value ?? "";
    const [id = "", signature = ""] = good.slice("s%3A".length).split(".");
    const ask = (path: string, cookie: string) =>
      app.browser().request("GET", path, { headers: { Cookie: cookie, Accept: "application/json" } });

    const forged = forgeries[name]?.(good, id, signature) ?? "";
    assert.equal((await ask("/account", forged)).status, 401);
    assert.equal((await ask("/count", forged)).text, "1");
    assert.equal((await ask("/auth/login", forged)).status, 200);
    assert.equal((await ask("/account", `a=b; ${SID}=${good}; c=d`)).status, 200);
    assert.equal((await ask("/count", `${SID}=${good}`)).text, "2");
    expect(app.log.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("session ids at rest", () => {
  it.each(["the storer's own rows", "another store"])("are hashed: %s", async (where) => {
    const store = new CountingStore("later");
    const app = await start(where === "another store" ? { gate: { sessions: expressSessions({ secret: TEST_SECRET, store }) } } : {});
    const browser = app.browser();
    await browser.get("/count");
    const anonymous = browser.jar.get(SID)?.value ?? "";
    await signIn(browser);
    await browser.get("/count");
    const { sessions, signIns } = app.storer.dump();
    const atRest = JSON.stringify([[...store.rows], [...sessions], [...signIns]]);
    assert.ok(where === "another store" ? store.rows.size > 0 : sessions.size > 0);
    for (const value of [anonymous, browser.jar.get(SID)?.value ?? ""]) {
      const id = value.slice("s%3A".length).split(".", 1)[0] ?? "";
      assert.ok(id.length >= 32);
      assert.ok(!atRest.includes(id));
    }
  });
});
