import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { defineModule, KeyRing, type Module, page, type ServerStorer, systemRandom } from "@castellan/core";
import { type Answer, type BrowserClient, harness, TEST_SECRET } from "@castellan/testkit";
import { castellan, defineView, expressSessions, html } from "castellan";
import express from "express";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { CsrfTokens, isSafe, provenance } from "../dist/http/csrf.js";

const OWN = "https://app.example.test";
const FRONT = "https://front.example.test";
const EVIL = "https://evil.example";
const origins = new Set([OWN, FRONT]);

function from(headers: Readonly<Record<string, string>>) {
  const req = new IncomingMessage(new Socket());
  Object.assign(req.headers, headers);
  return provenance(req, origins);
}

describe("where a request comes from", () => {
  it("is ours when the browser says so, whatever Origin says", () => {
    expect(from({ "sec-fetch-site": "same-origin" })).toBe("own");
    expect(from({ "sec-fetch-site": "same-origin", origin: OWN })).toBe("own");
    // Behind a proxy that is reached by another name, the browser's word is the better one.
    expect(from({ "sec-fetch-site": "same-origin", origin: "http://internal" })).toBe("own");
  });

  it("is ours when a person went there by hand, and only then", () => {
    expect(from({ "sec-fetch-site": "none", "sec-fetch-mode": "navigate" })).toBe("own");
    expect(from({ "sec-fetch-site": "none" })).toBe("foreign");
    expect(from({ "sec-fetch-site": "none", "sec-fetch-mode": "cors" })).toBe("foreign");
    expect(from({ "sec-fetch-site": "none", "sec-fetch-mode": "no-cors", origin: OWN })).toBe("foreign");
  });

  it.each(["cross-site", "same-site", "", "Same-Origin", "same-origin, cross-site", "same-origin,same-origin", "unheard-of"])(
    "is foreign under any other word, unless a listed origin stands beside it: %s",
    (site) => {
      expect(from({ "sec-fetch-site": site })).toBe("foreign");
      expect(from({ "sec-fetch-site": site, origin: EVIL })).toBe("foreign");
      expect(from({ "sec-fetch-site": site, origin: "null" })).toBe("foreign");
      expect(from({ "sec-fetch-site": site, "sec-fetch-mode": "navigate" })).toBe("foreign");
      expect(from({ "sec-fetch-site": site, origin: FRONT })).toBe("own");
    },
  );

  it("goes by Origin where the browser knows nothing better", () => {
    expect(from({ origin: OWN })).toBe("own");
    expect(from({ origin: FRONT })).toBe("own");
  });

  it.each([
    EVIL,
    "null",
    "",
    "http://app.example.test",
    `${OWN}:8443`,
    `${OWN}/`,
    `${OWN}.evil.example`,
    "https://app.example.test@evil.example",
    "https://sub.app.example.test",
    "https://APP.example.test",
    `${OWN}, ${EVIL}`,
    `${OWN}, ${OWN}`,
    `${EVIL} ${OWN}`,
  ])("is foreign when Origin is not exactly one of the list: %j", (origin) => {
    expect(from({ origin })).toBe("foreign");
  });

  it("is unknown when neither came; a Referer proves nothing", () => {
    expect(from({})).toBe("unknown");
    expect(from({ referer: `${OWN}/login` })).toBe("unknown");
    expect(from({ "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" })).toBe("unknown");
  });
});

describe("methods", () => {
  it("that change nothing need no protection, and all others do", () => {
    for (const method of ["GET", "HEAD", "OPTIONS"]) expect(isSafe(method)).toBe(true);
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "FOO", "get", "QUERY", ""])
      expect(isSafe(method)).toBe(false);
  });
});

describe("a token against forgery", () => {
  const [OLD, NEW] = ["the-old-key-of-these-tests-0123456789-abcdef", "the-new-key-of-these-tests-9876543210-fedcba"];
  const tokensOf = (...keys: string[]) => new CsrfTokens(new KeyRing(keys, systemRandom), systemRandom);
  const tokens = tokensOf(NEW);

  it("is accepted for what it was bound to and for nothing else (R84)", () => {
    const token = tokens.make("session a");
    expect(tokens.accepts("session a", token)).toBe(true);
    for (const other of ["session b", "visitor a", "", "session a ", "Session a"]) expect(tokens.accepts(other, token)).toBe(false);
  });

  it("is masked anew each time, so that no two look alike, and all are accepted", () => {
    const made = Array.from({ length: 50 }, () => tokens.make("session a"));
    expect(new Set(made).size).toBe(50);
    expect(new Set(made.map((token) => token.slice(0, 8))).size).toBe(50);
    expect(new Set(made.map((token) => token.slice(-8))).size).toBe(50);
    expect(made.every((token) => tokens.accepts("session a", token))).toBe(true);
  });

  it("fits into a form and a header as it is", () => {
    expect(tokens.make("x")).toMatch(/^[\w-]{86}$/);
  });

  it("stays good while its key is in the ring", () => {
    const token = tokensOf(OLD).make("session a");
    expect(tokensOf(NEW, OLD).accepts("session a", token)).toBe(true);
    expect(tokensOf(NEW).accepts("session a", token)).toBe(false);
  });

  it("is refused once any sign of it differs, and nothing throws", () => {
    const token = tokens.make("session a");
    const accepted: string[] = [];
    for (const at of Array(token.length).keys()) {
      for (const sign of "AQgw09-_+/=. é\0") {
        const changed = token.slice(0, at) + sign + token.slice(at + 1);
        if (changed !== token && tokens.accepts("session a", changed)) accepted.push(`${at} ${sign}`);
      }
    }
    expect(accepted).toEqual([]);
    for (const other of ["", " ", token.slice(1), `${token}A`, `${token}=`, ` ${token}`, `${token}\n`, token + token]) {
      expect(tokens.accepts("session a", other)).toBe(false);
    }
  });

  it("is refused when mask and token do not belong together", () => {
    const bytes = (): Buffer => Buffer.from(tokens.make("session a"), "base64url");
    const mixed = Buffer.concat([bytes().subarray(0, 32), bytes().subarray(32)]);
    expect(tokens.accepts("session a", mixed.toString("base64url"))).toBe(false);
    expect(tokens.accepts("session a", Buffer.alloc(64).toString("base64url"))).toBe(false);
    expect(tokens.accepts("session a", Buffer.alloc(0).toString("base64url"))).toBe(false);
  });

  it("is text and nothing else", () => {
    const token = tokens.make("session a");
    fc.assert(fc.property(fc.anything(), (value) => !tokens.accepts("session a", value)));
    for (const value of [[token], [token, token], { 0: token }, new String(token), Buffer.from(token)]) {
      expect(tokens.accepts("session a", value)).toBe(false);
    }
  });
});

// Through a gate ---------------------------------------------------------------------------------------------------------

const formView = defineView<object>("things/form", {
  title: "things.title",
  body: (_data, { form }) => html`${form({ action: "/thing", fields: {}, submit: "things.title" })}`,
});

/** A module with one form, which changes something. */
const things = (): Module<ServerStorer, { readonly done: number }> =>
  defineModule({
    name: "things",
    requires: [],
    reasons: [],
    texts: { "things.title": "A thing" },
    start: (core) => {
      let done = 0;
      const doIt = () => {
        done += 1;
        return page(formView, {});
      };
      core.route("GET", "/thing", () => page(formView, {}));
      core.route("POST", "/thing", doIt);
      core.route("DELETE", "/thing", doIt);
      return {
        get done() {
          return done;
        },
      };
    },
  });

async function start() {
  const app = await harness({
    gate: (options) =>
      castellan({ ...options, sessions: expressSessions({ secret: TEST_SECRET }), origins: [FRONT], modules: { things: things() } }),
    app: (gate) => express().use(gate.clientState()).use("/auth", gate.router),
  });
  onTestFinished(() => app.close());
  return app;
}

const tokenOn = ({ text }: Answer): string => /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? "";
/** The cookie that the token is bound to, as `name=value`. */
const cookieOn = ({ setCookies }: Answer): string => setCookies[0]?.split(";")[0] ?? "";
const withToken = async (browser: BrowserClient): Promise<string> => tokenOn(await browser.get("/auth/thing"));

describe("a form of the gate", () => {
  it("is taken with its token, by form and by header, as often as it is sent", async () => {
    const { gate, ...app } = await start();
    const browser = app.browser();
    const { page: shown } = await browser.get("/auth/thing");
    expect((await shown.form().submit({})).status).toBe(200);
    expect((await browser.post("/auth/thing", {}, { headers: { "x-csrf-token": await withToken(browser) } })).status).toBe(200);
    expect(gate.things.done).toBe(2);
  });

  it("is refused without a token, with a foreign or an empty one, or with two", async () => {
    const { gate, ...app } = await start();
    const browser = app.browser();
    const [good, foreign] = [await withToken(browser), await withToken(app.browser())];
    for (const sent of [[], [""], [foreign], [`${good}A`], [good, good], [good, foreign]]) {
      const answer = await browser.post(
        "/auth/thing",
        sent.map((token) => ["_csrf", token] as const),
      );
      expect(answer.status, JSON.stringify(sent)).toBe(403);
    }
    expect(gate.things.done).toBe(0);
  });

  it("is refused with a token in the address alone (R87)", async () => {
    const { gate, ...app } = await start();
    const browser = app.browser();
    const good = await withToken(browser);
    expect((await browser.post(`/auth/thing?_csrf=${good}`, {})).status).toBe(403);
    expect((await browser.post(`/auth/thing?_csrf=${good}&csrf=${good}`, { other: "x" })).status).toBe(403);
    expect((await browser.post(`/auth/thing?_csrf=${good}`, { _csrf: good })).status).toBe(200);
    expect(gate.things.done).toBe(1);
  });

  it("is refused with a wrong header, though the form's own token is right", async () => {
    const { ...app } = await start();
    const browser = app.browser();
    const good = await withToken(browser);
    expect((await browser.post("/auth/thing", { _csrf: good }, { headers: { "x-csrf-token": "wrong" } })).status).toBe(403);
  });

  it("is refused when a sibling host planted its own cookie over the visitor's (R84)", async () => {
    const { gate, ...app } = await start();
    const [victims, attackers] = [await app.browser().get("/auth/thing"), await app.browser().get("/auth/thing")];
    const [own, planted] = [cookieOn(victims), cookieOn(attackers)];
    const headers = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };
    const send = (cookie: string) =>
      app.browser().request("POST", "/auth/thing", { mode: "bare", headers: { ...headers, cookie }, body: `_csrf=${tokenOn(attackers)}` });
    // With the victim's cookie the attacker's token is worth nothing; two cookies of one name mean none.
    for (const cookie of [own, `${own}; ${planted}`, `${planted}; ${own}`]) expect((await send(cookie)).status).toBe(403);
    expect(gate.things.done).toBe(0);
    expect((await send(planted)).status).toBe(200);
  });

  it("is refused with a cookie that the visitor made up", async () => {
    const { gate, ...app } = await start();
    const shown = await app.browser().get("/auth/thing");
    const [pair, body] = [cookieOn(shown), `_csrf=${tokenOn(shown)}`];
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    for (const cookie of [
      `${pair}x`,
      pair.replace(/\..*/, ""),
      pair.replace(/\..*/, "."),
      pair.replace(/=.*\./, "=x."),
      pair.replace(/=.*/, "=."),
    ]) {
      const answer = await app.browser().request("POST", "/auth/thing", { mode: "bare", headers: { ...headers, cookie }, body });
      expect(answer.status, cookie).toBe(403);
    }
    expect(gate.things.done).toBe(0);
  });
});

describe("a request from another site", () => {
  it.each(["POST", "DELETE"])("is refused before its body is read, with the right token too: %s", async (method) => {
    const { gate, ...app } = await start();
    const browser = app.browser();
    const good = await withToken(browser);
    for (const headers of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }, { origin: EVIL }, { origin: "null" }]) {
      const answer = await browser.request(method, "/auth/thing", {
        mode: "bare",
        headers: { ...headers, "content-type": "text/plain", "x-csrf-token": good },
        body: "x",
      });
      expect(answer.status, JSON.stringify(headers)).toBe(403);
    }
    expect(gate.things.done).toBe(0);
  });

  it("is taken from a listed origin, as JSON", async () => {
    const { gate, ...app } = await start();
    const headers = { "sec-fetch-site": "same-site", origin: FRONT, "content-type": "application/json" };
    expect((await app.browser().request("POST", "/auth/thing", { mode: "bare", headers, body: "{}" })).status).toBe(200);
    expect(gate.things.done).toBe(1);
  });
});

describe("JSON", () => {
  const headers = { "content-type": "application/json" };

  it("needs no token from our own pages, nor from a program without our cookies", async () => {
    const { gate, ...app } = await start();
    const browser = app.browser();
    await withToken(browser);
    expect((await browser.json("POST", "/auth/thing", {})).status).toBe(200);
    expect((await app.browser().request("POST", "/auth/thing", { mode: "bare", headers, body: "{}" })).status).toBe(200);
    expect(gate.things.done).toBe(2);
  });

  it("needs one from a program that brings our cookie and does not say where it comes from", async () => {
    const { gate, ...app } = await start();
    const browser = app.browser();
    const good = await withToken(browser);
    const send = (more: Record<string, string>, body = "{}") =>
      browser.request("POST", "/auth/thing", { mode: "bare", headers: { ...headers, ...more }, body });
    expect((await send({})).status).toBe(403);
    expect((await send({ "x-csrf-token": good })).status).toBe(200);
    expect((await send({}, JSON.stringify({ _csrf: good }))).status).toBe(200);
    expect(gate.things.done).toBe(2);
  });

  it("is a form's equal as soon as its type is not exactly that: it then needs a token, or is not taken at all", async () => {
    const { gate, ...app } = await start();
    const send = (type: string, body: string) =>
      app.browser().request("POST", "/auth/thing", { mode: "bare", headers: { "content-type": type }, body });
    expect((await send("application/x-www-form-urlencoded", "a=1")).status).toBe(403);
    expect((await send("text/plain", "{}")).status).toBe(415);
    expect((await send("application/json, text/plain", "{}")).status).toBe(415);
    expect((await app.browser().request("POST", "/auth/thing", { mode: "bare" })).status).toBe(403);
    expect(gate.things.done).toBe(0);
  });
});
