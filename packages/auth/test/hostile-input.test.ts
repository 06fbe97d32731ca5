/** What nobody's login page sends: each gets a 4xx with a reason, and nothing is written. @module */
import assert from "node:assert/strict";
import type { Answer, BrowserClient } from "@castellan/testkit";
import { describe, it } from "vitest";
import { ANN, PASSWORD, startApp, tokenOf, toldOf } from "./support.ts";

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";
const JUNK = "~";

interface Raw {
  readonly type: string | null;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a body as it stands, with a token that is right. */
const send = (browser: BrowserClient, accept: string, token: string, { type, body, headers = {} }: Raw): Promise<Answer> =>
  browser.request("POST", "/auth/login", {
    from: browser.origin,
    body,
    headers: { "Content-Type": type, Accept: accept, "X-CSRF-Token": token, ...headers },
  });

const fields = (values: unknown): string => JSON.stringify(values);
const malformed = [400, "body_malformed"] as const;
const invalid = [422, "invalid_fields"] as const;
const unsupported = [415, "body_type_unsupported"] as const;
const tooLarge = [413, "body_too_large"] as const;

const CASES: readonly (readonly [string, readonly [number, string], Raw])[] = [
  ["an array for the login", invalid, { type: JSON_TYPE, body: fields({ email: [ANN], password: PASSWORD }) }],
  ["an array for the password", invalid, { type: JSON_TYPE, body: fields({ email: ANN, password: [PASSWORD] }) }],
  ["an object for the login", invalid, { type: JSON_TYPE, body: fields({ email: { $ne: null }, password: { $ne: null } }) }],
  ["a number for the password", invalid, { type: JSON_TYPE, body: fields({ email: ANN, password: 12345678 }) }],
  ["true for the login", invalid, { type: JSON_TYPE, body: fields({ email: true, password: PASSWORD }) }],
  ["null for both", invalid, { type: JSON_TYPE, body: fields({ email: null, password: null }) }],
  ["a box that is ticked with a word", invalid, { type: JSON_TYPE, body: fields({ email: ANN, password: PASSWORD, remember: "maybe" }) }],
  ["no field", invalid, { type: JSON_TYPE, body: "{}" }],
  ["a field of __proto__", invalid, { type: JSON_TYPE, body: `{"__proto__":{"email":"${ANN}","password":"${PASSWORD}"}}` }],
  ["a form without the password", invalid, { type: FORM, body: "email=ann%40example.com" }],
  ["a form of nothing", invalid, { type: FORM, body: "" }],
  ["a login of spaces", invalid, { type: FORM, body: "email=+++&password=x" }],
  ["the login twice", invalid, { type: FORM, body: "email=ann%40example.com&email=bob%40example.com&password=x" }],
  ["the password twice", invalid, { type: FORM, body: "email=ann%40example.com&password=x&password=x" }],
  ["brackets for an array", invalid, { type: FORM, body: "email[]=ann%40example.com&password[$ne]=x" }],
  ["NUL in the login", invalid, { type: FORM, body: "email=ann%40example.com%00&password=x" }],
  ["NUL in the password", invalid, { type: JSON_TYPE, body: fields({ email: ANN, password: `${PASSWORD}\u0000` }) }],
  ["half a character", invalid, { type: JSON_TYPE, body: `{"email":"\\ud800","password":"x"}` }],
  ["a login of 1,025 bytes", invalid, { type: JSON_TYPE, body: fields({ email: "a".repeat(1025), password: "x" }) }],
  ["a password of 1,025 bytes", invalid, { type: JSON_TYPE, body: fields({ email: ANN, password: "ä".repeat(513) }) }],
  ["a name twice in JSON", malformed, { type: JSON_TYPE, body: `{"email":"${ANN}","email":"x@example.com","password":"x"}` }],
  ["51 fields", malformed, { type: FORM, body: "a=1&".repeat(51) }],
  ["half an escape", malformed, { type: FORM, body: "email=%4&password=x" }],
  ["a form that is no UTF-8", malformed, { type: FORM, body: "email=%ff%fe&password=x" }],
  ["JSON that is no UTF-8", malformed, { type: JSON_TYPE, body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) }],
  ["broken JSON", malformed, { type: JSON_TYPE, body: '{"email":' }],
  ["a JSON array", malformed, { type: JSON_TYPE, body: "[]" }],
  ["a JSON string", malformed, { type: JSON_TYPE, body: '"email"' }],
  ["a JSON number", malformed, { type: JSON_TYPE, body: "1" }],
  ["JSON null", malformed, { type: JSON_TYPE, body: "null" }],
  ["a form that says it is JSON", malformed, { type: JSON_TYPE, body: "email=a&password=b" }],
  ["16,000 open brackets", malformed, { type: JSON_TYPE, body: "[".repeat(16_000) }],
  ["arrays 7,000 deep", invalid, { type: JSON_TYPE, body: `{"email":${"[".repeat(7000)}${"]".repeat(7000)}}` }],
  ["17 KiB", tooLarge, { type: FORM, body: "a".repeat(17 * 1024) }],
  ["1 MB of form", tooLarge, { type: FORM, body: `email=${"a".repeat(1_000_000)}` }],
  ["1 MB of JSON", tooLarge, { type: JSON_TYPE, body: fields({ email: "a".repeat(1_000_000) }) }],
  ["plain text", unsupported, { type: "text/plain", body: fields({ email: ANN, password: PASSWORD }) }],
  ["no content type", unsupported, { type: null, body: fields({ email: ANN, password: PASSWORD }) }],
  ["multipart", unsupported, { type: "multipart/form-data; boundary=x", body: "--x--" }],
  ["two content types", unsupported, { type: "application/json, text/plain", body: "{}" }],
  ["a type that only begins like JSON", unsupported, { type: "application/json-patch+json", body: "{}" }],
  ["a compressed body", unsupported, { type: JSON_TYPE, body: "{}", headers: { "Content-Encoding": "gzip" } }],
];

describe("a body that no login page sends", () => {
  it.each(CASES)("is turned away, as a page and as JSON, and nothing is written: %s", async (_what, [status, reason], raw) => {
    const app = await startApp();
    const browser = app.browser();
    const token = await tokenOf(browser);
    const [before, verified] = [app.storer.dump(), app.hasher.calls.verify];
    const json = await send(browser, "application/json", token, raw);
    assert.deepEqual([json.status, toldOf(json, "status", "reason")], [status, { status: "failure", reason }]);
    const page = await send(browser, "text/html", token, raw);
    assert.equal(page.status, status);
    assert.match(String(page.headers["content-type"]), /^text\/html/);
    assert.ok(page.page.heading.length > 0);
    for (const { text } of [json, page]) assert.ok(!text.includes(PASSWORD), "no secret is shown");
    assert.deepEqual(app.storer.dump(), before);
    assert.equal(app.hasher.calls.verify, verified);
    assert.deepEqual(
      app.log.filter(({ level }) => level === "error"),
      [],
    );
  });

  it("names each field that is wrong, and shows again what was right", async () => {
    const app = await startApp();
    const json = await app.browser().json("POST", "/auth/login", { email: ANN, password: 5, remember: true });
    assert.deepEqual(toldOf(json, "problems", "values"), {
      problems: [{ field: "password", reason: "not_text", message: "This must be plain text." }],
      values: { email: ANN, remember: "true" },
    });
    const browser = app.browser();
    const { page } = await browser.get("/auth/login");
    const again = await page.form().submit({ email: "", password: "" });
    assert.deepEqual(
      again.page.problems.map(({ field }) => field),
      ["email", "password"],
    );
    assert.equal(again.page.focused, "email");
  });
});

describe("credentials in the query string", () => {
  it("count for nothing", async () => {
    const app = await startApp();
    const browser = app.browser();
    const query = `/auth/login?${new URLSearchParams({ email: ANN, password: PASSWORD })}`;
    const shown = await browser.get(query);
    assert.equal(shown.page.form().field("email").value, "");
    assert.ok(!shown.text.includes(PASSWORD));
    const page = await browser.post(query, { _csrf: await tokenOf(browser) });
    assert.equal(page.status, 422);
    assert.equal((await browser.json("POST", query, {})).status, 422);
    assert.equal(app.storer.dump().signIns.size, 0);
  });

  it("are no place for the token either", async () => {
    const app = await startApp();
    const browser = app.browser();
    const token = await tokenOf(browser);
    const reply = await browser.post(`/auth/login?_csrf=${token}`, { email: ANN, password: PASSWORD });
    assert.equal(reply.status, 403);
  });
});

describe("a request from elsewhere", () => {
  it("is refused with 403, signed in or not, with a token or without, as a form and as JSON", async () => {
    const app = await startApp();
    const browser = app.browser();
    const values = { email: ANN, password: PASSWORD, _csrf: await tokenOf(browser) };
    const before = app.storer.dump();
    for (const from of ["https://evil.example", "null"]) {
      const page = await browser.post("/auth/login", values, { from });
      assert.equal(page.status, 403);
      assert.match(page.page.text, /came from another site/);
      const json = await browser.json("POST", "/auth/login", values, { from, sameSite: false });
      assert.deepEqual([json.status, toldOf(json, "reason")], [403, { reason: "csrf_foreign_origin" }]);
    }
    assert.deepEqual(app.storer.dump(), before);
  });

  it("needs a token that is right: missing, wrong, cut, another browser's", async () => {
    const app = await startApp();
    const browser = app.browser();
    const [token, strange] = [await tokenOf(browser), await tokenOf(app.browser())];
    const before = app.storer.dump();
    for (const _csrf of ["", "x", token.slice(1), `${token}A`, strange, JUNK.repeat(86)]) {
      const reply = await browser.post("/auth/login", { email: ANN, password: PASSWORD, _csrf });
      assert.equal(reply.status, 403);
      assert.match(reply.page.text, /open for too long/);
    }
    assert.deepEqual(app.storer.dump(), before);
    assert.equal((await browser.post("/auth/login", { email: ANN, password: PASSWORD, _csrf: token })).text, "start");
  });
});

describe("a cookie that was tampered with", () => {
  const names = ["__Host-castellan-csrf", "__Host-castellan-sid", "__Host-castellan-flash"];
  const values = ["", "x", "a.b", "s%3Aforged.c2lnbmF0dXJl", "s%3A.", "%", '"', "\u00e4", ".".repeat(300), "A".repeat(3000)];
  const cookies = names.flatMap((name) => values.map((value) => `${name}=${value}`));

  it.each(cookies)("is as good as none: %s", async (cookie) => {
    const app = await startApp();
    const browser = app.browser();
    const before = app.storer.dump();
    const options = { headers: { Cookie: Buffer.from(cookie).toString("latin1") } };
    const shown = await browser.get("/auth/login", options);
    assert.equal(shown.status, 200);
    const form = await browser.post("/auth/login", { email: ANN, password: PASSWORD, _csrf: "x" }, options);
    assert.equal(form.status, 403);
    assert.equal((await browser.get("/account", { ...options, followRedirects: false })).status, 303);
    assert.deepEqual(app.storer.dump(), before);
    const json = await browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD }, options);
    assert.equal(json.status, 200);
    assert.equal(app.storer.dump().signIns.size, 1);
    assert.deepEqual(
      app.log.filter(({ level }) => level === "error"),
      [],
    );
  });

  it("that comes twice is none", async () => {
    const app = await startApp();
    const browser = app.browser();
    await browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD });
    assert.equal((await browser.get("/account")).status, 200);
    const sid = browser.jar.headerFor(new URL("/account", app.rootUrl), { crossSite: false, safeNavigation: true });
    const reply = await browser.get("/account", { headers: { Cookie: `${sid}; ${sid}` }, followRedirects: false });
    assert.equal(reply.status, 303);
  });
});
