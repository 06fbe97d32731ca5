import assert from "node:assert/strict";
import { type Answer, type BrowserClient, type Harness, memoryStorer, type RequestOptions } from "@castellan/testkit";
import { describe, it } from "vitest";
import { haveUser, PASSWORD, signIn, startApp, type TestGate } from "./support/app.ts";

const EVIL = "https://evil.example";
const SIBLING = "https://blog.app.example.test";
const CREDENTIALS = { email: "ann@example.com", password: PASSWORD };
const FORM = "application/x-www-form-urlencoded";

async function start(gate: Parameters<typeof startApp>[0] = {}): Promise<Harness<TestGate>> {
  const app = await startApp(gate);
  await haveUser(app);
  return app;
}

const reasonOf = ({ text }: Answer): unknown => Reflect.get(Object(JSON.parse(text)), "reason");
const isSignedIn = async (browser: BrowserClient): Promise<boolean> => (await browser.json("GET", "/account")).status === 200;
const tokenOf = async (browser: BrowserClient): Promise<string> =>
  (await browser.get("/auth/login")).page.form("/auth/login").field("_csrf").value;
const formOf = (values: Readonly<Record<string, string>>): string => new URLSearchParams(values).toString();

/** A request as a program or an old browser sends it: neither Origin nor Fetch Metadata. */
const bare = (browser: BrowserClient, path: string, type: string | null, body: string, options: RequestOptions = {}): Promise<Answer> =>
  browser.request("POST", path, {
    mode: "bare",
    body,
    ...options,
    headers: { "Content-Type": type, Accept: "application/json", ...options.headers },
  });

const ROUTES = ["POST /auth/login", "POST /auth/register", "POST /auth/logout", "DELETE /auth/logout"];

describe("a request that another site's page causes", () => {
  it.each(ROUTES)("is refused before any session exists (R90): %s", async (route) => {
    const app = await start();
    const [method = "", path = ""] = route.split(" ");
    const browser = app.browser();
    for (const habits of [{}, { fetchMetadata: false }, { originHeader: false }]) {
      const headers = { "Content-Type": FORM, Accept: "application/json" };
      const body = formOf({ email: "ann@example.com", password: PASSWORD, confirm_password: PASSWORD });
      const answer = await browser.request(method, path, { from: EVIL, body, headers, ...habits });
      assert.equal(answer.status, 403);
      assert.equal(reasonOf(answer), "csrf_foreign_origin");
    }
    assert.equal(await isSignedIn(browser), false);
    assert.equal(app.hasher.calls.verify, 0);
  });

  it("signs nobody in as the attacker, not even with a token of the attacker's own", async () => {
    const app = await start();
    const [attacker, victim] = [app.browser(), app.browser()];
    const token = await tokenOf(attacker);
    for (const habits of [{}, { fetchMetadata: false }]) {
      assert.equal((await victim.post("/auth/login", { ...CREDENTIALS, _csrf: token }, { from: EVIL, ...habits })).status, 403);
    }
    assert.equal(await isSignedIn(victim), false);
  });

  it("signs nobody out", async () => {
    const app = await start();
    const browser = app.browser();
    await signIn(browser);
    for (const from of [EVIL, SIBLING, "null"]) {
      assert.equal((await browser.post("/auth/logout", {}, { from })).status, 403);
      assert.equal((await browser.json("POST", "/auth/logout", {}, { from })).status, 403);
      await browser.get("/auth/logout", { from });
    }
    assert.equal(await isSignedIn(browser), true);
  });

  it("passes from a listed origin as JSON; a form from there needs the token", async () => {
    const app = await start({ gate: { origins: [SIBLING] } });
    for (const habits of [{}, { fetchMetadata: false }]) {
      const browser = app.browser();
      assert.equal((await browser.post("/auth/login", CREDENTIALS, { from: SIBLING, ...habits })).status, 403);
      assert.equal((await browser.json("POST", "/auth/login", CREDENTIALS, { from: SIBLING, ...habits })).status, 200);
      assert.equal((await browser.json("POST", "/auth/logout", {}, { from: `${SIBLING}:8443`, ...habits })).status, 403);
    }
  });

  it("with `Origin: null` is refused without Fetch Metadata; with Fetch Metadata the browser's word counts", async () => {
    const app = await start();
    const browser = app.browser();
    const token = await tokenOf(browser);
    const post = (headers: Readonly<Record<string, string>>) =>
      bare(browser, "/auth/login", FORM, formOf({ ...CREDENTIALS, _csrf: token }), { headers: { Origin: "null", ...headers } });
    assert.equal(reasonOf(await post({})), "csrf_foreign_origin");
    assert.equal(reasonOf(await post({ "Sec-Fetch-Site": "cross-site" })), "csrf_foreign_origin");
    assert.equal((await post({ "Sec-Fetch-Site": "same-origin" })).status, 200);
  });
});

describe("a body that a foreign form can send", () => {
  const types: readonly (string | null)[] = [
    "text/plain",
    "text/plain; charset=application/json",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded+json",
    "application/json, text/plain",
    "text/plain, application/json",
    "",
    null,
    "/",
    "application/json2",
    FORM,
    `${FORM}; charset=utf-8`,
  ];

  it.each(types)("never passes for JSON (R81, R83): %s", async (type) => {
    const app = await start();
    const browser = app.browser();
    for (const body of [JSON.stringify(CREDENTIALS), formOf(CREDENTIALS)]) {
      for (const options of [{}, { from: app.rootUrl, mode: "fetch" as const }, { from: EVIL, mode: "fetch" as const }]) {
        const answer = await bare(browser, "/auth/login", type, body, options);
        assert.ok([403, 415].includes(answer.status), `${answer.status} ${answer.text}`);
      }
    }
    assert.equal(await isSignedIn(browser), false);
    assert.equal(app.hasher.calls.verify, 0);
  });

  it.each(["application/json", "application/json; charset=utf-8", "Application/JSON"])(
    "is not %s, which passes from a program without cookies",
    async (type) => {
      const app = await start();
      assert.equal((await bare(app.browser(), "/auth/login", type, JSON.stringify(CREDENTIALS))).status, 200);
    },
  );
});

describe("JSON without a word about where it comes from", () => {
  it("passes without our cookies, and needs the token with them", async () => {
    const app = await start();
    const browser = app.browser();
    await signIn(browser);
    const out = (headers: Readonly<Record<string, string>>) => bare(browser, "/auth/logout", "application/json", "{}", { headers });
    assert.equal(reasonOf(await out({})), "csrf_token_invalid");
    assert.equal(await isSignedIn(browser), true);
    assert.equal((await out({ "X-CSRF-Token": await tokenOf(browser) })).status, 200);
    assert.equal(await isSignedIn(browser), false);
  });

  it("passes beside cookies that are not ours", async () => {
    const app = await start();
    const answer = await bare(app.browser(), "/auth/login", "application/json", JSON.stringify(CREDENTIALS), {
      headers: { Cookie: "theme=dark" },
    });
    assert.equal(answer.status, 200);
  });
});

describe("the token of a form", () => {
  /** A login form as an old browser posts it, so that the token alone decides. */
  const post = (browser: BrowserClient, token: string | null, path = "/auth/login", headers: Readonly<Record<string, string>> = {}) =>
    bare(browser, path, FORM, formOf({ ...CREDENTIALS, ...(token !== null && { _csrf: token }) }), { headers });

  it("is asked for, whatever else is right", async () => {
    const app = await start();
    const browser = app.browser();
    const token = await tokenOf(browser);
    for (const wrong of [
      null,
      "",
      "x",
      token.slice(0, -1),
      `${token}A`,
      token.toLowerCase(),
      "A".repeat(token.length),
      "A".repeat(10_000),
    ]) {
      assert.equal(reasonOf(await post(browser, wrong)), "csrf_token_invalid");
    }
    assert.equal((await post(browser, token)).status, 200);
  });

  it("is not taken from the query string (R87), nor from a header of another name", async () => {
    const app = await start();
    const browser = app.browser();
    const token = await tokenOf(browser);
    assert.equal((await post(browser, null, `/auth/login?_csrf=${token}`)).status, 403);
    assert.equal((await post(browser, null, `/auth/login?csrf=${token}`)).status, 403);
    assert.equal((await post(browser, null, "/auth/login", { "CSRF-Token": token })).status, 403);
    assert.equal((await post(browser, null, "/auth/login", { Cookie: `_csrf=${token}; ${await cookiesOf(browser)}` })).status, 403);
    assert.equal((await post(browser, null, "/auth/login", { "X-CSRF-Token": token })).status, 200);
  });

  it("is one text: a list or two of them are none", async () => {
    const app = await start();
    const browser = app.browser();
    const token = await tokenOf(browser);
    const body = `${formOf(CREDENTIALS)}&_csrf=${token}&_csrf=${token}`;
    assert.equal((await bare(browser, "/auth/login", FORM, body)).status, 403);
    const listed = await bare(browser, "/auth/login", "application/json", JSON.stringify({ ...CREDENTIALS, _csrf: [token] }));
    assert.equal(listed.status, 403);
  });

  it("belongs to one browser", async () => {
    const app = await start();
    const token = await tokenOf(app.browser());
    const other = app.browser();
    await tokenOf(other);
    assert.equal((await post(other, token)).status, 403);
  });

  it("is another text on each page, and each of them is good", async () => {
    const app = await start();
    const browser = app.browser();
    const tokens = [await tokenOf(browser), await tokenOf(browser), await tokenOf(browser)];
    assert.equal(new Set(tokens).size, 3);
    for (const token of tokens) assert.equal((await post(browser, token, "/auth/logout")).status, 200);
  });

  it("from before a sign-in is dead after it, and one from before a sign-out is dead after that (R12)", async () => {
    const app = await start();
    const browser = app.browser();
    const before = await tokenOf(browser);
    const planted = browser.jar.get("__Host-castellan-csrf");
    await signIn(browser);
    assert.equal(browser.jar.get("__Host-castellan-csrf"), null);
    assert.equal((await post(browser, before, "/auth/logout")).status, 403);
    // Even where somebody puts the old cookie back beside the session (R84).
    assert.ok(planted);
    const thief = browser.fork();
    thief.jar.put(planted);
    assert.equal((await post(thief, before, "/auth/logout")).status, 403);
    assert.equal(await isSignedIn(browser), true);

    const within = (await browser.get("/auth/logout")).page.form("/auth/logout").field("_csrf").value;
    assert.equal((await post(browser, within, "/auth/logout")).status, 200);
    assert.equal((await post(browser, within)).status, 403);
    await tokenOf(browser);
    assert.equal((await post(browser, within)).status, 403);
  });

  it("from another visitor, planted with its cookie by a sibling host, opens nothing beside somebody's session (R84)", async () => {
    const app = await start();
    const [attacker, victim] = [app.browser(), app.browser()];
    const token = await tokenOf(attacker);
    await signIn(victim);
    const pair = attacker.jar.get("__Host-castellan-csrf");
    assert.ok(pair);
    victim.jar.put(pair);
    assert.equal((await post(victim, token, "/auth/logout")).status, 403);
    assert.equal(await isSignedIn(victim), true);
  });

  const cookiesOf = async (browser: BrowserClient): Promise<string> =>
    browser.jar.cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
});

describe("a sign-in that came to nothing", () => {
  it("shows a form that can be sent again", async () => {
    let isBusy = true;
    const storer = memoryStorer();
    const { createSignIn } = storer;
    storer.createSignIn = async (...given) => !isBusy && createSignIn(...given);
    const app = await start({ gate: { storer } });
    const browser = app.browser();
    const refused = await signIn(browser);
    assert.equal(refused.status, 401);
    isBusy = false;
    assert.equal((await refused.page.form("/auth/login").submit(CREDENTIALS)).status, 200);
    assert.equal(await isSignedIn(browser), true);
  });
});

describe("methods (R89)", () => {
  it.each(["PUT", "PATCH", "PROPFIND", "DELETE"])("%s reaches no handler of a page that does not list it", async (method) => {
    const app = await start();
    const browser = app.browser();
    const answer = await browser.request(method, "/auth/login", {
      from: app.rootUrl,
      mode: "fetch",
      body: JSON.stringify(CREDENTIALS),
      headers: { "Content-Type": "application/json" },
    });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.allow, "GET, HEAD, OPTIONS, POST");
    assert.equal(await isSignedIn(browser), false);
  });

  it("are what the request says: nothing overrides them", async () => {
    const app = await start();
    const browser = app.browser();
    await signIn(browser);
    const headers = { "X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE", "X-Method-Override": "DELETE" };
    await browser.request("GET", "/auth/logout?_method=DELETE", { headers });
    await browser.request("HEAD", "/auth/logout", { headers });
    await browser.request("OPTIONS", "/auth/logout", { headers });
    assert.equal(await isSignedIn(browser), true);
  });
});

describe("dangerouslyDisableCsrfTokens", () => {
  it("leaves the check of the origin in place", async () => {
    const app = await start({ gate: { dangerouslyDisableCsrfTokens: true } });
    const browser = app.browser();
    assert.equal((await browser.post("/auth/login", CREDENTIALS, { from: EVIL })).status, 403);
    assert.equal((await browser.post("/auth/login", CREDENTIALS, { from: EVIL, fetchMetadata: false })).status, 403);
    assert.equal((await browser.post("/auth/login", CREDENTIALS, { followRedirects: false })).status, 303);
  });
});
