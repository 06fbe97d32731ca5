import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type BrowserOptions, browserClient, listen } from "@castellan/testkit";
import { afterAll, beforeAll, describe, it } from "vitest";

/** What the server below saw of a request. */
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly raw: readonly string[];
  readonly body: string;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}

const ROUTES: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "/set": (response) => response.setHeader("Set-Cookie", ["sid=1; Path=/; HttpOnly", "__Host-x=2; Path=/; Secure"]).end(),
  "/see-other": (response) => response.writeHead(303, { Location: "/echo?after=1" }).end(),
  "/temporary": (response) => response.writeHead(307, { Location: "/echo" }).end(),
  "/moved": (response) => response.writeHead(302, { Location: "echo", "Set-Cookie": "hop=1; Path=/" }).end(),
  "/loop": (response) => response.writeHead(302, { Location: "/loop" }).end(),
  "/away": (response) => response.writeHead(302, { Location: "https://evil.example/" }).end(),
  "/broken": (response) => response.writeHead(500).end("<h1>Sorry</h1>"),
};

async function app(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  const route = ROUTES[request.url ?? ""];
  if (route) return route(response);
  const { method, url, headers, rawHeaders } = request;
  response.setHeader("Content-Type", "application/json").end(JSON.stringify({ method, url, headers, raw: rawHeaders, body }));
}

let server: Awaited<ReturnType<typeof listen>>;
beforeAll(async () => {
  server = await listen((request, response) => void app(request, response));
});
afterAll(() => server.close());

const browser = (options: BrowserOptions = {}) => browserClient(server.url, options);
// The server above answers what it saw.
const seenBy = (answer: { json(): unknown }): Seen => answer.json() as Seen;

describe("a browser", () => {
  it("asks for a page as one that was typed in: without Origin and Referer", async () => {
    const { method, headers } = seenBy(await browser().get("/echo"));
    assert.equal(method, "GET");
    assert.match(headers["accept"] ?? "", /^text\/html/);
    assert.equal(headers["sec-fetch-site"], "none");
    assert.equal(headers["sec-fetch-mode"], "navigate");
    assert.equal(headers["origin"], undefined);
    assert.equal(headers["referer"], undefined);
    assert.equal(headers["host"], new URL(server.url).host);
  });

  it("posts a form of its own origin", async () => {
    const { method, headers, body } = seenBy(await browser().post("/echo", { email: "ann+1@example.com", text: "ü &" }));
    assert.equal(method, "POST");
    assert.equal(body, "email=ann%2B1%40example.com&text=%C3%BC+%26");
    assert.equal(headers["content-type"], "application/x-www-form-urlencoded");
    assert.equal(headers["content-length"], String(body.length));
    assert.equal(headers["origin"], server.url);
    assert.equal(headers["sec-fetch-site"], "same-origin");
  });

  it("posts a field twice when it is told to", async () => {
    const values = [
      ["a", "1"],
      ["a", "2"],
    ] as const;
    assert.equal(seenBy(await browser().post("/echo", values)).body, "a=1&a=2");
  });

  it("keeps its cookies over requests, and Secure ones only where the origin is secure", async () => {
    const plain = browser();
    await plain.get("/set");
    assert.equal(seenBy(await plain.get("/echo")).headers["cookie"], "sid=1");
    const secure = browser({ secureOrigin: true });
    assert.deepEqual((await secure.get("/set")).setCookies.length, 2);
    assert.equal(seenBy(await secure.get("/echo")).headers["cookie"], "sid=1; __Host-x=2");
    assert.equal(secure.jar.get("__Host-x")?.value, "2");
  });

  it("believes in the origin that it is given: Host, Origin, X-Forwarded-Proto and Secure cookies follow", async () => {
    const client = browser({ origin: "https://app.example.com" });
    await client.get("/set");
    const { headers } = seenBy(await client.post("/echo", {}));
    assert.equal(headers["host"], "app.example.com");
    assert.equal(headers["origin"], "https://app.example.com");
    assert.equal(headers["x-forwarded-proto"], "https");
    assert.equal(headers["cookie"], "sid=1; __Host-x=2");
    const unproxied = browser({ origin: "https://app.example.com", forwardedProto: false });
    assert.equal(seenBy(await unproxied.get("/echo")).headers["x-forwarded-proto"], undefined);
  });

  it("follows redirects: 303 by GET, 307 with method and body, relative ones, cookies on the way", async () => {
    const client = browser();
    const answer = await client.post("/see-other", { a: "1" });
    const seen = seenBy(answer);
    assert.deepEqual([seen.method, seen.url, seen.body], ["GET", "/echo?after=1", ""]);
    assert.equal(seen.headers["content-type"], undefined);
    assert.equal(answer.url, `${server.url}/echo?after=1`);
    assert.deepEqual(
      answer.redirects.map(({ status, location }) => [status, location]),
      [[303, "/echo?after=1"]],
    );
    const kept = seenBy(await client.post("/temporary", { a: "1" }));
    assert.deepEqual([kept.method, kept.body], ["POST", "a=1"]);
    assert.equal(seenBy(await client.get("/moved")).headers["cookie"], "hop=1");
  });

  it("stops at a redirect when it is told to, when it leads away, and at a loop with an error", async () => {
    const client = browser();
    assert.equal((await client.get("/see-other", { followRedirects: false })).status, 303);
    assert.equal((await browser({ followRedirects: false }).get("/see-other")).location, "/echo?after=1");
    assert.equal((await client.get("/away")).location, "https://evil.example/");
    await assert.rejects(client.get("/loop"), /more than 10 redirects/);
    await assert.rejects(client.get("https://evil.example/"), /nothing is sent there/);
  });

  it("shows an attacker's page for what it is: Origin, Sec-Fetch-Site, and cookies by SameSite", async () => {
    const client = browser();
    client.jar.store(new URL(server.url), ["lax=1; Path=/", "strict=2; Path=/; SameSite=Strict"]);
    const from = "http://evil.example";
    const posted = seenBy(await client.post("/echo", {}, { from })).headers;
    assert.deepEqual([posted["origin"], posted["sec-fetch-site"], posted["cookie"]], [from, "cross-site", undefined]);
    const followed = seenBy(await client.get("/echo", { from })).headers;
    assert.deepEqual([followed["origin"], followed["referer"], followed["cookie"]], [undefined, `${from}/`, "lax=1"]);
    const careless = seenBy(await client.post("/echo", {}, { from, sameSite: false })).headers;
    assert.equal(careless["cookie"], "lax=1; strict=2");
    assert.equal(seenBy(await client.post("/echo", {}, { from: "null" })).headers["origin"], "null");
    const downgraded = seenBy(await client.post("/echo", {}, { from: "https://evil.example" })).headers;
    assert.equal(downgraded["origin"], "null", "a page under TLS does not tell an address without TLS who it is");
  });

  it("remembers over a redirect that another site began", async () => {
    const { headers } = seenBy(await browser().get("/see-other", { from: "https://evil.example" }));
    assert.equal(headers["sec-fetch-site"], "cross-site");
  });

  it("leaves Fetch Metadata and Origin out like an old browser", async () => {
    const { headers } = seenBy(await browser({ fetchMetadata: false, originHeader: false }).post("/echo", {}));
    assert.equal(headers["sec-fetch-site"], undefined);
    assert.equal(headers["origin"], undefined);
  });

  it("sends JSON as a script of a page does, and follows no redirect", async () => {
    const client = browser();
    const { method, headers, body } = seenBy(await client.json("PUT", "/echo", { a: [1] }));
    assert.deepEqual([method, body], ["PUT", '{"a":[1]}']);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["accept"], "application/json");
    assert.equal(headers["origin"], server.url);
    assert.deepEqual([headers["sec-fetch-site"], headers["sec-fetch-mode"]], ["same-origin", "cors"]);
    assert.equal((await client.json("POST", "/see-other", {})).status, 303);
    const get = seenBy(await client.json("GET", "/echo"));
    assert.deepEqual([get.body, get.headers["content-type"], get.headers["origin"]], ["", undefined, undefined]);
  });

  it("sends nothing of a browser when it plays a program", async () => {
    const { headers } = seenBy(await browser().json("POST", "/echo", {}, { mode: "bare" }));
    assert.deepEqual(Object.keys(headers).sort(), ["accept", "connection", "content-length", "content-type", "host"]);
  });

  it("sends whatever headers it is told to: others, none, the same one twice", async () => {
    const options = { headers: { host: "evil.example", "user-agent": null, Cookie: ["a=1", "a=2"], "X-Two": ["1", "2"] } };
    const { headers, raw } = seenBy(await browser({ headers: { "X-All": "yes" } }).get("/echo", options));
    assert.equal(headers["host"], "evil.example");
    assert.equal(headers["user-agent"], undefined);
    assert.equal(headers["x-all"], "yes");
    assert.deepEqual(
      raw.filter((_, index) => ["Cookie", "X-Two"].includes(raw[index - 1] ?? "")),
      ["a=1", "a=2", "1", "2"],
    );
  });

  it("sends any body with any method", async () => {
    const options = { body: Buffer.from([0x7b, 0x22]), headers: { "Content-Type": "application/json" } };
    const { method, body, headers } = seenBy(await browser().request("PATCH", "/echo", options));
    assert.deepEqual([method, body, headers["content-length"]], ["PATCH", '{"', "2"]);
  });

  it("has a double that shares nothing but the cookies of that moment", async () => {
    const client = browser();
    await client.get("/set");
    const thief = client.fork();
    client.jar.delete("sid");
    assert.equal(seenBy(await thief.get("/echo")).headers["cookie"], "sid=1");
    assert.equal(seenBy(await client.get("/echo")).headers["cookie"], undefined);
  });

  it("says what came instead of JSON", async () => {
    const answer = await browser().get("/broken");
    assert.equal(answer.page.heading, "Sorry");
    assert.throws(() => answer.json(), /GET \/broken answered 500 and no JSON: <h1>Sorry/);
  });
});

describe("listen", () => {
  it("answers on this machine only, and no more once it is closed", async () => {
    const other = await listen((_, response) => void response.end("hello"));
    assert.match(other.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal((await browserClient(other.url).get("/")).text, "hello");
    await other.close();
    await assert.rejects(browserClient(other.url).get("/"), /ECONNREFUSED/);
  });
});
