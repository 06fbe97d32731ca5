/** A provider that lies, breaks or does not answer: nobody gets in, nothing is left, and people are told what to do. @module */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { inspect } from "node:util";
import { minutes, seconds } from "@castellan/core";
import { type Claims, oauth2Provider, oidcProvider, type PlainOAuth2Options, profileOfClaims } from "@castellan/oauth2";
import { describe, it } from "vitest";
import { CLIENT, type Lies } from "./lying-provider.ts";
import { ANN, ANN_THERE, type App, comeBack, depart, haveLinked, signInBy, startApp, users, who } from "./support.ts";

const now = (app: App): number => Math.floor(app.clock.now().getTime() / 1000);

const status =
  (code: number) =>
  (res: ServerResponse): void => {
    res.writeHead(code).end("<h1>oops</h1>");
  };
const text =
  (body: string) =>
  (res: ServerResponse): void => {
    res.writeHead(200, { "content-type": "application/json" }).end(body);
  };

/** Nobody is signed in, and no account, identity or way is left of it. */
async function nothingLeft(app: App, browser: ReturnType<App["browser"]>): Promise<void> {
  assert.equal(await who(browser), null);
  const { identities, flows, signIns } = app.storer.dump();
  assert.deepEqual([users(app), identities, flows, [...signIns]], [[], [], [], []]);
}

describe("an ID token", () => {
  const lies: Record<string, (app: App) => Lies> = {
    "of another issuer": () => ({ claims: { iss: "https://evil.example" } }),
    "of an issuer with a slash more": (app) => ({ claims: { iss: `${app.provider.issuer}/` } }),
    "for somebody else": () => ({ claims: { aud: "another-client" } }),
    "for us and others, handed to others": () => ({ claims: { aud: ["castellan", "other"], azp: "other" } }),
    "for nobody": () => ({ claims: { aud: undefined } }),
    "of another sign-in: the nonce is another": () => ({ claims: { nonce: "another" } }),
    "without a nonce": () => ({ claims: { nonce: undefined } }),
    "without an end": () => ({ claims: { exp: undefined } }),
    "whose end is a text": (app) => ({ claims: { exp: String(now(app) + 300) } }),
    "without a beginning": () => ({ claims: { iat: undefined } }),
    "without a subject": () => ({ claims: { sub: undefined } }),
    "with an empty subject": () => ({ claims: { sub: "" } }),
    "with a subject that is a number": () => ({ claims: { sub: 7 } }),
    "with a subject that is too long": () => ({ claims: { sub: "s".repeat(256) } }),
    "that is not signed": () => ({ signature: "none" }),
    "signed with the public key as if it were a secret": () => ({ signature: "hmac with the public key" }),
    "signed with another key": () => ({ signature: "another key" }),
    "whose signature is broken": () => ({ signature: "broken" }),
    "with a key of its own in the header": () => ({ signature: "another key", header: { jwk: {}, kid: "../../dev/null" } }),
    "that names a critical extension": () => ({ header: { crit: ["x"], x: 1 } }),
    "that is no token": () => ({ tokens: { id_token: "garbage" } }),
    "that is missing": () => ({ tokens: { id_token: undefined } }),
  };
  it.each(Object.entries(lies))("%s lets nobody in", async (_, lie) => {
    const app = await startApp();
    Object.assign(app.provider.lies, lie(app));
    const browser = app.browser();
    const answer = await signInBy(app, browser);
    assert.equal(answer.status, 502);
    assert.match(answer.page.text, /could not be trusted|did not say who you are/);
    await nothingLeft(app, browser);
  });

  it.each([
    ["has expired", { exp: -31 }],
    ["is not valid yet", { nbf: 31 }],
  ])("that %s by the gate's clock says that the clocks do not agree", async (_, times) => {
    const app = await startApp();
    const claims = Object.fromEntries(Object.entries(times).map(([name, offset]) => [name, now(app) + offset]));
    app.provider.lies.claims = claims;
    const browser = app.browser();
    const answer = await signInBy(app, browser);
    assert.equal(answer.status, 502);
    assert.match(answer.page.text, /clock/);
    await nothingLeft(app, browser);
  });

  it("may be off by as much as the tolerance says, and no more", async () => {
    const app = await startApp({ demo: { clockTolerance: minutes(2) } });
    app.provider.lies.claims = { exp: now(app) - 100 };
    const browser = app.browser();
    await signInBy(app, browser);
    assert.equal(await who(browser), ANN);
  });

  it("signed with a new key of the provider is accepted after the keys were asked for anew", async () => {
    const app = await startApp();
    await haveLinked(app);
    for (const _ of Array(2)) await signInBy(app, app.browser());
    assert.equal(app.provider.requests.filter((line) => line === "GET /jwks").length, 1);
    assert.equal(app.provider.requests.filter((line) => line === "GET /.well-known/openid-configuration").length, 1);
  });

  it("that says another way of signing in than was asked for, or one too long ago, lets nobody in", async () => {
    const app = await startApp({ demo: { acrValues: ["gold", "silver"], maxAge: minutes(5), prompt: "login" } });
    const browser = app.browser();
    const way = await depart(browser);
    assert.deepEqual(
      ["acr_values", "max_age", "prompt"].map((name) => way.searchParams.get(name)),
      ["gold silver", "300", "login"],
    );
    assert.equal((await comeBack(browser, app.provider.approve(way, ANN_THERE))).status, 502);
    for (const acr of ["bronze", ["gold"]]) assert.equal((await signInBy(app, browser, { ...ANN_THERE, acr })).status, 502);
    app.provider.lies.claims = { auth_time: now(app) - 400 };
    assert.equal((await signInBy(app, browser, { ...ANN_THERE, acr: "gold" })).status, 502);
    app.provider.lies.claims = { auth_time: undefined };
    assert.equal((await signInBy(app, browser, { ...ANN_THERE, acr: "gold" })).status, 502);
    await nothingLeft(app, browser);
    app.provider.lies.claims = {};
    await signInBy(app, browser, { ...ANN_THERE, acr: "silver" });
    assert.equal(await who(browser), ANN);
  });
});

describe("an answer of the provider", () => {
  it("that names another issuer is refused before the code is redeemed (RFC 9207)", async () => {
    const app = await startApp();
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    back.searchParams.set("iss", "https://evil.example");
    assert.equal((await comeBack(browser, back)).status, 502);
    assert.equal(app.provider.requests.includes("POST /token"), false);
    await nothingLeft(app, browser);
  });

  it("that names no issuer is refused where the provider says that it always does", async () => {
    const app = await startApp();
    app.provider.lies.withoutIss = true;
    const browser = app.browser();
    assert.equal((await signInBy(app, browser)).status, 502);
    await nothingLeft(app, browser);
  });

  it.each(["code", "iss", "session_state"])("with %s twice is refused", async (name) => {
    const app = await startApp();
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    back.searchParams.append(name, "x");
    back.searchParams.append(name, "y");
    assert.equal((await comeBack(browser, back)).status, 502);
    await nothingLeft(app, browser);
  });

  it("without a code is refused", async () => {
    const app = await startApp();
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    back.searchParams.delete("code");
    assert.equal((await comeBack(browser, back)).status, 502);
    await nothingLeft(app, browser);
  });

  it("with a code that was used, or that belongs to another browser's challenge, is refused", async () => {
    const app = await startApp();
    await haveLinked(app);
    const [attacker, victim] = [app.browser(), app.browser()];
    const theirs = app.provider.approve(await depart(attacker), ANN_THERE);
    const back = app.provider.approve(await depart(victim), { sub: "eve", email: "eve@example.com", email_verified: true });
    back.searchParams.set("code", String(theirs.searchParams.get("code")));
    assert.equal((await comeBack(victim, back)).status, 502);
    assert.equal(await who(victim), null);
  });
});

describe("a provider that", () => {
  const garbage = text("{");
  const endless = text(`{"x":"${"x".repeat(2 * 1024 * 1024)}"}`);

  const failures: Record<string, readonly [NonNullable<Lies["answers"]>, number]> = {
    "answers 500 for a code": [{ token: status(500) }, 503],
    "answers 503 for its keys": [{ jwks: status(503) }, 503],
    "answers 500 for details": [{ userinfo: status(500) }, 503],
    "answers 404 for its keys": [{ jwks: status(404) }, 502],
    "answers garbage for a code": [{ token: garbage }, 502],
    "answers garbage for its keys": [{ jwks: garbage }, 502],
    "answers without end for a code": [{ token: endless }, 502],
    "hangs up": [{ token: (res) => void res.destroy() }, 503],
  };
  it.each(Object.entries(failures))("%s ends on a page that says so, and nothing is left", async (_, [answers, expected]) => {
    const app = await startApp();
    app.provider.lies.answers = answers;
    app.provider.lies.claims = { email: undefined };
    const browser = app.browser();
    const answer = await signInBy(app, browser);
    assert.equal(answer.status, expected);
    assert.equal(answer.page.link("Try again with Demo").href, "/auth/oauth2/demo");
    await nothingLeft(app, browser);
    // And the next one gets in when all is well again.
    app.provider.lies.answers = {};
    await signInBy(app, browser);
    assert.equal(await who(browser), ANN);
  });

  it("is not there, or is slow, is said so before anybody goes there", async () => {
    const app = await startApp({ demo: { timeout: seconds(0.05) } });
    for (const discovery of [status(500), garbage, (): void => {}]) {
      app.provider.lies.answers = { discovery };
      const { page } = await app.browser().get("/auth/oauth2/demo");
      const answer = await page.form("/auth/oauth2/demo").submit();
      assert.ok([502, 503].includes(answer.status), String(answer.status));
    }
    assert.deepEqual(app.storer.dump().flows, []);
  });

  it("does not answer in time for a code fails this sign-in", async () => {
    const app = await startApp({ demo: { timeout: seconds(0.2) } });
    const browser = app.browser();
    const back = app.provider.approve(await depart(browser), ANN_THERE);
    app.provider.lies.answers = { token: () => {} };
    assert.equal((await comeBack(browser, back)).status, 503);
    await nothingLeft(app, browser);
  });

  it("says that it is another issuer than the one that was named is not believed", async () => {
    const app = await startApp();
    app.provider.lies.metadata = { issuer: "https://evil.example" };
    const answer = await app.browser().json("POST", "/auth/oauth2/demo", {});
    assert.equal(answer.status, 502);
  });

  it("has its page on plain HTTP elsewhere is not gone to", async () => {
    const app = await startApp();
    app.provider.lies.metadata = { authorization_endpoint: "http://evil.example/authorize" };
    const answer = await app.browser().json("POST", "/auth/oauth2/demo", {});
    assert.notEqual(answer.status, 200);
  });

  it("tells details of somebody else is not believed", async () => {
    const app = await startApp();
    app.provider.lies.claims = { email: undefined };
    app.provider.lies.answers = {
      userinfo: text('{"sub":"victim","email":"ann@example.com"}'),
    };
    const browser = app.browser();
    assert.equal((await signInBy(app, browser)).status, 502);
    await nothingLeft(app, browser);
  });
});

describe("an address from the userinfo", () => {
  it.each(["email_verified", "xms_edov"])("is not vouched for by %s of an ID token that speaks of no address", async (claim) => {
    const profile = (claims: Claims) => ({ ...profileOfClaims(claims), emailVerified: claims[claim] === true });
    const app = await startApp({ demo: { profile } });
    app.provider.lies.claims = { email: undefined, [claim]: true };
    const browser = app.browser();
    await signInBy(app, browser, { sub: "eve-there", email: ANN, name: "Eve", [claim]: false });
    assert.deepEqual(users(app), []);
    await signInBy(app, browser, { sub: "eve-there", email: ANN, name: "Eve" });
    assert.deepEqual(users(app), []);
    // The userinfo itself may.
    await signInBy(app, browser, { sub: "ann-there", email: ANN, [claim]: true });
    assert.deepEqual(users(app), [ANN]);
  });
});

describe("secrets", () => {
  it("of client and provider are in no answer, no log and no row", async () => {
    const app = await startApp({ demo: { keepTokens: true } });
    const browser = app.browser();
    const way = await depart(browser);
    const back = app.provider.approve(way, ANN_THERE);
    const answer = await comeBack(browser, back);
    const posted = app.provider.posted.get("/token");
    const verifier = posted?.get("code_verifier");
    assert.ok(verifier);
    const everything = JSON.stringify([
      app.log,
      app.storer.dump(),
      answer.text,
      answer.headers,
      answer.redirects.map(({ headers }) => headers),
    ]);
    for (const secret of [CLIENT.clientSecret, verifier, "access-", "refresh-", String(way.searchParams.get("nonce"))]) {
      assert.equal(everything.includes(secret), false, secret);
    }
  });
});

describe("the log", () => {
  const lies: Record<string, Lies> = {
    "for somebody else": { claims: { aud: "other" } },
    "of another issuer": { claims: { iss: "https://evil.example" } },
    "of another sign-in": { claims: { nonce: "x" } },
    "that has expired": { claims: { exp: 1 } },
    "whose signature is broken": { signature: "broken" },
    "that is not signed": { signature: "none" },
    "that is no token": { tokens: { id_token: "a.b.c" } },
    "beside a token of another kind": { tokens: { token_type: "mac" } },
    "in an answer that cannot be parsed": { answers: { token: text("access-1234") } },
  };
  it.each(Object.entries(lies))(
    "of an ID token %s says what was wrong, and holds no token, nonce, code, state or address",
    async (_, lie) => {
      const app = await startApp({ demo: { keepTokens: true } });
      Object.assign(app.provider.lies, lie);
      const browser = app.browser();
      const way = await depart(browser);
      const back = app.provider.approve(way, ANN_THERE);
      await comeBack(browser, back);
      const [line] = app.log.filter(({ message }) => message === "a sign-in by a provider failed");
      const told = inspect(line, { depth: 20 });
      assert.match(told, /ProviderFailure.*cause/s);
      const secrets = ["nonce", "state"].map((name) => String(way.searchParams.get(name)));
      for (const secret of [...secrets, String(back.searchParams.get("code")), "access-", "refresh-", "eyJ", ANN]) {
        assert.equal(told.includes(secret), false, told);
      }
    },
  );
});

describe("a provider of plain OAuth2", () => {
  const plain = (details?: PlainOAuth2Options["details"]) =>
    startApp({
      providers: ({ issuer }) => ({
        plain: oauth2Provider({
          label: "Plain",
          issuer: "https://plain.example",
          authorizationEndpoint: `${issuer}/authorize`,
          tokenEndpoint: `${issuer}/token`,
          scope: "who",
          ...CLIENT,
          details:
            details ??
            (async (get) => {
              const { id, mail } = (await get(`${issuer}/me`)) as { id: number; mail: string };
              return { subject: String(id), email: mail, emailVerified: true, name: null };
            }),
        }),
        second: oidcProvider({ label: "Second", issuer, ...CLIENT }),
      }),
    });
  const way = async (app: App) => {
    const browser = app.browser();
    app.provider.profiles.set("/me", { id: 7, mail: ANN });
    app.provider.lies.tokens = { id_token: undefined };
    app.provider.lies.withoutIss = true;
    return { browser, back: app.provider.approve(await depart(browser, "Plain"), {}) };
  };

  it("signs people in by the id that it gives, with PKCE", async () => {
    const app = await plain();
    const { browser, back } = await way(app);
    await comeBack(browser, back);
    assert.equal(await who(browser), ANN);
    const [identity] = app.storer.dump().identities;
    assert.deepEqual([identity?.issuer, identity?.subject, identity?.provider], ["https://plain.example", "7", "plain"]);
    assert.ok(app.provider.posted.get("/token")?.get("code_verifier"));
  });

  it.each([
    ["an error", status(500), 503],
    ["garbage", text("<"), 502],
    ["a refusal", status(403), 502],
    ["nothing that says who it is", text("null"), 502],
  ] as const)("that answers %s for details lets nobody in", async (_, profile, expected) => {
    const app = await plain();
    const { browser, back } = await way(app);
    app.provider.lies.answers = { profile };
    assert.equal((await comeBack(browser, back)).status, expected);
    await nothingLeft(app, browser);
  });
  it.each([null, undefined, 7, "Ann", []])(
    "of whom the application makes %j lets nobody in, and is a failure like others",
    async (made) => {
      const app = await plain(async () => made as never);
      const { browser, back } = await way(app);
      assert.equal((await comeBack(browser, back)).status, 502);
      await nothingLeft(app, browser);
    },
  );
});
