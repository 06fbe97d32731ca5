import assert from "node:assert/strict";
import type { Answer, BrowserClient, Harness, RequestOptions } from "@castellan/testkit";
import express, { type Express, type Request } from "express";
import { describe, it } from "vitest";
import { PASSWORD } from "./support/app.ts";
import { addPages, EXPRESS_VERSIONS, type ExpressModule, type GateChanges, type MountedGate, startMounted } from "./support/mounted.ts";

const EVIL = "https://evil.example";
const LISTED = "https://shop.example.test";
const FORM = "application/x-www-form-urlencoded";

/** A form as a template written for csurf renders it. */
const orderForm = (req: Request): string =>
  `<!doctype html><form method="post" action="/order"><input type="hidden" name="_csrf" value="${req.csrfToken?.()}"><input name="what"></form>`;

interface Parts {
  readonly express?: ExpressModule;
  readonly gate?: GateChanges;
  readonly add?: (app: Express, gate: MountedGate) => void;
}

/** An application with forms of its own: `/order` is behind gate.csrf(), `/plain` is not. */
const start = ({ express: version = express, gate = {}, add = () => {} }: Parts = {}): Promise<Harness<MountedGate>> =>
  startMounted({
    gate,
    app(made) {
      const app = version();
      app.use(made.clientState());
      app.use("/auth", made.router);
      addPages(app, made);
      app.use(version.urlencoded({ extended: true }), version.json(), version.text());
      app.get("/order", (req, res) => void res.send(orderForm(req)));
      app.get("/token", (req, res) => void res.json({ token: req.csrfToken?.() }));
      app.get("/begin", (req, res) => {
        req.session.cart = "a lamp";
        res.send(orderForm(req));
      });
      app.get("/begin-after", (req, res) => {
        const page = orderForm(req);
        req.session.cart = "a lamp";
        res.send(page);
      });
      app.all("/order", made.csrf(), (_req, res) => void res.send("ordered"));
      app.all("/plain", (_req, res) => void res.send("done"));
      add(app, made);
      return app;
    },
  });

const signUp = (browser: BrowserClient) => browser.json("POST", "/auth/register", { email: "ann@example.com", password: PASSWORD });
const tokenOf = async (browser: BrowserClient): Promise<string> =>
  String(Reflect.get(Object((await browser.get("/token")).json()), "token"));

/** As a program or an old browser sends it: neither Origin nor Fetch Metadata. */
const bare = (browser: BrowserClient, path: string, type: string, body: string, options: RequestOptions = {}): Promise<Answer> =>
  browser.request("POST", path, {
    mode: "bare",
    body,
    ...options,
    headers: { "Content-Type": type, Accept: "application/json", ...options.headers },
  });

const reasonOf = ({ text }: Answer): unknown => Reflect.get(Object(JSON.parse(text)), "reason");

describe.each(EXPRESS_VERSIONS)("a form of the application behind gate.csrf(), on %s,", (_name, version) => {
  it.each(["a stranger", "a visitor with a session", "somebody who is signed in"])("can be posted by %s", async (who) => {
    const browser = (await start({ express: version })).browser();
    if (who === "a visitor with a session") await browser.get("/begin");
    if (who === "somebody who is signed in") await signUp(browser);
    const { page } = await browser.get("/order");
    assert.equal((await page.form().submit({ what: "a lamp" })).text, "ordered");
    assert.equal((await page.form().submit({ what: "a lamp" }, { fetchMetadata: false, originHeader: false })).text, "ordered");
  });

  it.each(["/begin", "/begin-after"])("can be posted by a stranger whose session begins with the page that shows it: %s", async (path) => {
    const browser = (await start({ express: version })).browser();
    const { page } = await browser.get(path);
    assert.ok(browser.jar.get("__Host-castellan-sid"));
    assert.equal((await page.form().submit()).text, "ordered");
    assert.equal((await page.form().submit({}, { fetchMetadata: false, originHeader: false })).text, "ordered");
  });

  it("can be sent by a script with the token in the header", async () => {
    const browser = (await start({ express: version })).browser();
    await signUp(browser);
    const headers = { "X-CSRF-Token": await tokenOf(browser) };
    for (const type of ["application/json", FORM, "text/plain"]) {
      assert.equal((await bare(browser, "/order", type, type === "application/json" ? "{}" : "a=b", { headers })).text, "ordered");
    }
  });
});

describe.each(EXPRESS_VERSIONS)("gate.csrf() in front of the body parser, on %s,", (_name, version) => {
  it("refuses the form, as no token is seen, and says once in the log what to put in front of it", async () => {
    const app = await startMounted({
      app(gate) {
        const main = version();
        main.use(gate.clientState());
        main.get("/order", (req, res) => void res.send(orderForm(req)));
        main.post("/order", gate.csrf(), version.urlencoded({ extended: true }), (_req, res) => void res.send("ordered"));
        return main;
      },
    });
    const { page } = await app.browser().get("/order");
    for (const what of ["a lamp", "another"]) assert.equal((await page.form().submit({ what })).status, 403);
    const said = app.log.filter(({ message }) => message.includes("put express.urlencoded() in front of gate.csrf()"));
    assert.deepEqual(
      said.map(({ level }) => level),
      ["warn"],
    );
  });
});

describe("a form that the application shows in the same answer", () => {
  it("in which it signs somebody in, or out, can be posted", async () => {
    const app = await start({
      add(main, gate) {
        main.post("/own/login", gate.csrf(), async (req, res) => {
          const outcome = await gate.auth.login({ login: "ann@example.com", password: PASSWORD }, req);
          res.send("ok" in outcome ? orderForm(req) : "refused");
        });
        main.post("/own/logout", gate.csrf(), async (req, res) => {
          await gate.logout.logout(req);
          res.send(orderForm(req));
        });
      },
    });
    await signUp(app.browser());
    const browser = app.browser();
    const signedIn = await browser.post("/own/login", { _csrf: await tokenOf(browser) });
    assert.equal((await browser.json("GET", "/account")).text, "account of ann@example.com");
    assert.equal((await signedIn.page.form().submit()).text, "ordered");
    const signedOut = await browser.post("/own/logout", { _csrf: await tokenOf(browser) });
    assert.equal((await browser.json("GET", "/account")).status, 401);
    assert.equal((await signedOut.page.form().submit()).text, "ordered");
    assert.equal((await signedIn.page.form().submit()).status, 403);
  });
});

describe("gate.csrf()", () => {
  it("refuses what brings no token, a wrong one, or one that is not a text", async () => {
    const browser = (await start()).browser();
    await signUp(browser);
    const token = await tokenOf(browser);
    const bodies = [
      "",
      "_csrf=",
      "_csrf=x",
      `_csrf=${token}A`,
      `_csrf[]=${token}`,
      `_csrf[x]=${token}`,
      `_csrf=${token}&_csrf=${token}`,
      `csrf=${token}`,
    ];
    for (const body of bodies) assert.equal(reasonOf(await bare(browser, "/order", FORM, body)), "csrf_token_invalid", body);
    assert.equal((await bare(browser, "/order", FORM, `_csrf=${token}`)).text, "ordered");
  });

  it("does not take the token from the query string, a cookie or text (R81, R87)", async () => {
    const browser = (await start()).browser();
    const token = await tokenOf(browser);
    const cookies = browser.jar.cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
    const answers = [
      await bare(browser, `/order?_csrf=${token}`, FORM, "a=b"),
      await bare(browser, "/order", FORM, "a=b", { headers: { Cookie: `${cookies}; _csrf=${token}` } }),
      await bare(browser, "/order", "text/plain", `_csrf=${token}`),
      await bare(browser, "/order", "text/plain", JSON.stringify({ _csrf: token })),
    ];
    for (const answer of answers) assert.equal(reasonOf(answer), "csrf_token_invalid");
  });

  it("refuses a foreign page, with the right token too, whether or not there are cookies", async () => {
    const app = await start();
    for (const browser of [app.browser(), app.browser()]) {
      const token = await tokenOf(browser);
      for (const habits of [{}, { fetchMetadata: false }, { originHeader: false }]) {
        for (const sameSite of [true, false]) {
          assert.equal((await browser.post("/order", { _csrf: token }, { from: EVIL, sameSite, ...habits })).status, 403);
        }
      }
      await signUp(browser);
    }
  });

  it("lets JSON pass from our own pages, from listed origins, and from programs without our cookies", async () => {
    const app = await start({ gate: { origins: [LISTED] } });
    const browser = app.browser();
    await signUp(browser);
    assert.equal((await browser.json("POST", "/order", {})).text, "ordered");
    assert.equal((await browser.json("POST", "/order", {}, { from: LISTED, sameSite: false })).text, "ordered");
    assert.equal((await browser.json("POST", "/order", {}, { from: EVIL, sameSite: false })).status, 403);
    assert.equal((await bare(app.browser(), "/order", "application/json", "{}")).text, "ordered");
    assert.equal(reasonOf(await bare(browser, "/order", "application/json", "{}")), "csrf_token_invalid");
    assert.equal((await bare(browser, "/order", "text/plain", "{}")).status, 403);
  });

  it("guards every method that may change something, and no other", async () => {
    const browser = (await start()).browser();
    await signUp(browser);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"])
      assert.equal((await browser.request(method, "/order", { mode: "bare" })).status, 403);
    for (const method of ["GET", "HEAD", "OPTIONS"]) assert.equal((await browser.request(method, "/order", { mode: "bare" })).status, 200);
  });

  it("refuses a token from before a sign-in after it, and one from before a sign-out after that (R12)", async () => {
    const browser = (await start()).browser();
    const before = await browser.get("/order");
    await signUp(browser);
    assert.equal((await before.page.form().submit()).status, 403);
    const within = await browser.get("/order");
    assert.equal((await within.page.form().submit()).status, 200);
    await browser.json("POST", "/auth/logout", {});
    assert.equal((await within.page.form().submit()).status, 403);
    assert.equal((await (await browser.get("/order")).page.form().submit()).status, 200);
  });

  it("refuses another visitor's token, also where its cookie is planted beside somebody's session (R84)", async () => {
    const app = await start();
    const [attacker, victim] = [app.browser(), app.browser()];
    const token = await tokenOf(attacker);
    await signUp(victim);
    assert.equal((await bare(victim, "/order", FORM, `_csrf=${token}`)).status, 403);
    const planted = attacker.jar.get("__Host-castellan-csrf");
    assert.ok(planted);
    victim.jar.put(planted);
    assert.equal((await bare(victim, "/order", FORM, `_csrf=${token}`)).status, 403);
  });

  it("leaves only the check of the origin with dangerouslyDisableCsrfTokens", async () => {
    const browser = (await start({ gate: { dangerouslyDisableCsrfTokens: true } })).browser();
    await signUp(browser);
    assert.equal((await browser.post("/order", {})).text, "ordered");
    assert.equal((await browser.post("/order", {}, { from: EVIL, sameSite: false })).status, 403);
  });
});

describe("clientState()", () => {
  it("turns away a foreign page's unsafe requests that bring our cookies, on every route of the application", async () => {
    const app = await start({ gate: { origins: [LISTED] } });
    const [visitor, ann] = [app.browser(), app.browser()];
    await visitor.get("/begin");
    await signUp(ann);
    for (const browser of [visitor, ann]) {
      for (const habits of [{}, { fetchMetadata: false }, { originHeader: false }]) {
        for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
          const answer = await browser.request(method, "/plain", { from: EVIL, sameSite: false, ...habits });
          assert.equal(answer.status, 403);
        }
        assert.equal((await browser.request("POST", "/plain", { from: "null", sameSite: false, ...habits })).status, 403);
        assert.equal((await browser.get("/plain", { from: EVIL, sameSite: false, ...habits })).text, "done");
        assert.equal((await browser.post("/plain", {}, habits)).text, "done");
      }
      assert.equal((await browser.post("/plain", {}, { from: LISTED, sameSite: false })).text, "done");
    }
  });

  it("lets the application decide about requests that bring none", async () => {
    const app = await start();
    assert.equal((await app.browser().post("/plain", {}, { from: EVIL })).text, "done");
    const cookie = { Cookie: "theme=dark" };
    assert.equal((await app.browser().request("POST", "/plain", { from: EVIL, headers: cookie })).text, "done");
  });
});

describe("req.csrfToken()", () => {
  it("says so when it is asked for after the answer, instead of giving a token that is good for nothing", async () => {
    const problems: unknown[] = [];
    const app = await start({
      add(main) {
        main.get("/late", (req, res) => {
          res.send("sent");
          try {
            req.csrfToken?.();
          } catch (error) {
            problems.push(error);
          }
        });
      },
    });
    assert.equal((await app.browser().get("/late")).text, "sent");
    assert.match(String(problems[0]), /the answer has been sent/);
  });

  it("sets one cookie however often it is asked, and none once there is a session", async () => {
    const app = await start({
      add(main) {
        main.get("/many", (req, res) => void res.json([req.csrfToken?.(), req.csrfToken?.(), req.csrfToken?.()]));
      },
    });
    const browser = app.browser();
    const first = await browser.get("/many");
    assert.deepEqual(
      first.setCookies.map((line) => line.replace(/=[^;]*/, "=…")),
      ["__Host-castellan-csrf=…; Path=/; HttpOnly; SameSite=Lax; Secure"],
    );
    assert.equal((await browser.get("/many")).setCookies.length, 0);
    const other = app.browser();
    await signUp(other);
    assert.equal((await other.get("/many")).setCookies.length, 0);
    assert.equal(app.storer.dump().sessions.size, 1);
  });
});
