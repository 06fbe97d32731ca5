/** The life of a gate: before it is ready, when handlers fail, what reaches the log, and how it ends. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { login, Unavailable } from "@castellan/core";
import type { NextFunction, Request, Response } from "express";
import { describe, expect, it } from "vitest";
import {
  ANN,
  BOB,
  barrier,
  giveWay,
  haveUser,
  logIn,
  logOut,
  OTHER_PASSWORD,
  PASSWORD,
  sessionIdOf,
  signedIn,
  startDoors,
  verdictOf,
  whoIs,
} from "./support/doors.ts";
import { doorways, PIN, pin } from "./support/modules.ts";
import { newFolder, openStorer, storerKinds } from "./support/storers.ts";

/** A storer whose `ready()` is what the test says. */
async function gettingReady(ready: () => Promise<void>) {
  const opened = await openStorer("sqlite");
  const storer = new Proxy(opened.storer, {
    get: (target, name): unknown => (name === "ready" ? () => ready().then(() => target.ready?.()) : Reflect.get(target, name)),
  });
  return startDoors({ opened: { ...opened, storer } });
}

describe("before the storer is ready", () => {
  it("requests wait, and are answered when it is", async () => {
    const slow = barrier();
    const app = await gettingReady(slow.wait);
    let answered = 0;
    const browser = app.browser();
    const answers = [browser.json("GET", "/account"), browser.get("/auth/login"), logIn(app.browser())].map(async (answer) => {
      const { status } = await answer;
      answered += 1;
      return status;
    });
    await slow.reached;
    for (let turns = 0; turns < 20; turns += 1) await giveWay();
    assert.equal(answered, 0);
    slow.open();
    assert.deepEqual(await Promise.all(answers), [401, 200, 401]);
  });

  it("and getting ready fails, requests are told so, and work as soon as it succeeds", async () => {
    let isAway = true;
    const app = await gettingReady(async () => {
      if (isAway) throw new Error("the database is away: secret-detail");
    });
    const first = await app.browser().json("GET", "/auth/login");
    assert.equal(verdictOf(first), "503 unavailable");
    assert.doesNotMatch(first.text, /secret-detail/);
    await assert.rejects(app.gate.ready(), { code: "CASTELLAN_UNAVAILABLE" });
    isAway = false;
    assert.equal((await app.browser().json("GET", "/auth/login")).status, 200);
    await haveUser(app);
    assert.equal(await whoIs(await signedIn(app)), ANN);
  });

  it("many who wait cause one getting ready", async () => {
    let tries = 0;
    const app = await gettingReady(async () => {
      tries += 1;
    });
    await Promise.all([app.gate.ready(), app.gate.ready(), app.browser().get("/account"), app.browser().get("/auth/login")]);
    await app.gate.ready();
    assert.equal(tries, 1);
  });
});

describe("an application that shows errors itself", () => {
  it("gets them, with their status, and the answer is its own", async () => {
    const seen: unknown[] = [];
    const app = await startDoors({
      gate: { errors: "next" },
      add: (express) => {
        express.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
          seen.push(error);
          res.status(599).send("our own page");
        });
      },
    });
    await haveUser(app);
    const browser = await signedIn(app);
    app.away(true);
    for (const answer of [await logIn(app.browser()), await browser.get("/account"), await logOut(browser)]) {
      assert.deepEqual([answer.status, answer.text], [599, "our own page"]);
    }
    app.away(false);
    app.gate.on(login).after("record", () => {
      throw new Unavailable("away");
    });
    const stranger = app.browser();
    assert.equal((await logIn(stranger)).status, 599);
    assert.equal(await whoIs(stranger), "nobody");
    assert.equal(seen.length, 4);
    assert.ok(seen.every((error) => error instanceof Error));
    assert.equal(Reflect.get(Object(seen[3]), "status"), 503);
  });
});

describe("a handler with a mistake in it", () => {
  it.each(["guard", "challenge"] as const)("in the phase %s refuses the login with 500 and nothing of what happened", async (phase) => {
    const app = await startDoors();
    await haveUser(app);
    app.gate.on(login).before(phase, () => {
      throw new TypeError("secret-detail of undefined");
    });
    const browser = app.browser();
    const answer = await logIn(browser);
    assert.equal(verdictOf(answer), "500 internal_error");
    assert.doesNotMatch(answer.text, /secret-detail|\.ts/);
    assert.equal(await whoIs(browser), "nobody");
  });

  it("in a page's data still answers, if only with a line", async () => {
    const app = await startDoors();
    app.gate.pageData(() => {
      throw new Error("secret-detail");
    });
    for (const answer of [await app.browser().get("/auth/login"), await app.browser().json("GET", "/auth/login")]) {
      assert.equal(answer.status, 503);
      assert.doesNotMatch(answer.text, /secret-detail/);
    }
    assert.match((await app.browser().json("GET", "/auth/login")).text, /unavailable/);
  });
});

describe("the log", () => {
  it.each(storerKinds)("of a whole life of requests, good and bad, holds no password, no session id, no token (%s)", async (kind) => {
    const app = await startDoors({ kind, extra: { ...pin({ has: ({ login }) => login === BOB }) } });
    const secrets = new Set<string>([PASSWORD, OTHER_PASSWORD, "wrong password of ann"]);
    const browser = app.browser();
    const keep = (): void => {
      const cookie = decodeURIComponent(sessionIdOf(browser) ?? "");
      if (cookie) for (const part of [cookie, cookie.slice(2).split(".")[0] ?? ""]) secrets.add(part);
      for (const { value } of browser.jar.cookies) if (value) secrets.add(value);
    };
    const form = async (path: string, action: string, values: Record<string, string>) => {
      const { page } = await browser.get(path);
      secrets.add(String(page.form(action).field("_csrf").value));
      keep();
      const answer = await page.form(action).submit(values);
      keep();
      return answer;
    };
    const life = async (): Promise<void> => {
      await form("/auth/register", "/auth/register", { email: ANN, password: PASSWORD, confirm_password: PASSWORD });
      await form("/auth/logout", "/auth/logout", {});
      await form("/auth/login", "/auth/login", { email: ANN, password: "wrong password of ann" });
      await form("/auth/login", "/auth/login", { email: ANN, password: PASSWORD });
      await browser.get("/account");
      await browser.post("/auth/logout", { _csrf: "forged" });
      await browser.request("POST", "/auth/login", { body: `{"password":"${PASSWORD}`, headers: { "Content-Type": "application/json" } });
      await browser.json("POST", "/auth/login", { email: { $gt: "" }, password: [PASSWORD] });
      await logIn(browser, BOB, OTHER_PASSWORD);
      keep();
      await browser.json("POST", "/auth/pin", { pin: PIN });
      keep();
    };
    await haveUser(app, BOB, OTHER_PASSWORD);
    await life();
    for (const operation of ["findByLogin", "createSignIn", "endSignIn", "saveSession", "findSignIn"] as const) {
      app.before(operation, () => {
        throw new Error(`the operation ${operation} failed`);
      });
      await logIn(browser);
      await browser.get("/account");
      await logOut(browser);
      keep();
      app.before(operation, null);
    }
    app.away(true);
    await logIn(browser);
    await browser.get("/account");
    app.away(false);
    const log = JSON.stringify(app.log);
    assert.ok(app.log.length > 5);
    assert.ok(secrets.size > 12);
    for (const secret of secrets) assert.equal(log.includes(secret), false, secret);
    assert.equal(log.includes(ANN), false);
  });
});

const CHILDREN = fileURLToPath(new URL("children/", import.meta.url));

/** Runs a script to its end. */
async function run(script: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(CHILDREN, script), ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  const [code] = await once(child, "close");
  return { code, output };
}

describe("a process", () => {
  it("with a server, real hashes and a database ends by itself when the gate is closed", async () => {
    const { code, output } = await run("life.mjs", join(await newFolder(), "app.db"), "close");
    expect({ code, output }).toEqual({ code: 0, output: "signed in\nclosed\n" });
  });

  it("that only makes a gate, as a script for maintenance does, ends by itself", async () => {
    const { code, output } = await run("life.mjs", join(await newFolder(), "app.db"), "script");
    expect({ code, output }).toEqual({ code: 0, output: "made\n" });
  });
});

describe("a gate that is closed", () => {
  it("may be closed again, and answers what comes late with 503", async () => {
    const app = await startDoors({ kind: "sqlite", extra: doorways() });
    await haveUser(app);
    const browser = await signedIn(app);
    await app.gate.close();
    await app.gate.close();
    assert.equal(verdictOf(await browser.json("GET", "/account")), "503 unavailable");
    assert.equal(verdictOf(await logIn(app.browser())), "503 unavailable");
  });
});
