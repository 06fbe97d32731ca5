/** Providers of strategies that answer what nobody expects: one call or one sign-in fails, the process lives on, and nothing odd is kept. @module */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { inspect } from "node:util";
import { minutes, seconds } from "@castellan/core";
import { type PassportSettings, passportProvider, type StrategyClass } from "@castellan/oauth2";
import type { BrowserClient } from "@castellan/testkit";
import { describe, it } from "vitest";
import { CLIENT, type LyingProvider } from "./lying-provider.ts";
import { ANN, type App, comeBack, depart, startApp, users } from "./support.ts";

const require = createRequire(import.meta.url);
// Without types of their own; each is what every strategy of passport-oauth2 is.
const { Strategy: GoogleStrategy } = require("passport-google-oauth20") as { Strategy: StrategyClass };
const OAuth2Strategy = require("passport-oauth2") as new (options: never, verify: never) => object;

const PROFILE = { sub: "1234", name: "Ann", email: ANN, email_verified: true };

async function start(Strategy: StrategyClass = GoogleStrategy, settings: Partial<PassportSettings> = {}): Promise<App> {
  const app = await startApp({
    providers: ({ issuer }) => ({
      tried: passportProvider(
        Strategy,
        {
          clientID: CLIENT.clientId,
          clientSecret: CLIENT.clientSecret,
          authorizationURL: `${issuer}/authorize`,
          tokenURL: `${issuer}/token`,
          userProfileURL: `${issuer}/google/userinfo`,
          scope: ["openid", "email"],
        },
        { label: "Tried", keepTokens: true, ...settings },
      ),
    }),
  });
  app.provider.profiles.set("/google/userinfo", PROFILE);
  app.provider.lies.tokens = { id_token: undefined };
  return app;
}

const come = async (app: App, browser: BrowserClient = app.browser()) =>
  comeBack(browser, app.provider.approve(await depart(browser, "Tried"), {}));

const said =
  (text: string, status = 200, headers = {}) =>
  (res: ServerResponse): void => {
    res.writeHead(status, { "content-type": "application/json", ...headers }).end(text);
  };

/** What would have ended the process while `work` was done. */
async function fatalDuring(work: () => Promise<unknown>): Promise<readonly string[]> {
  const fatal: string[] = [];
  const tell = (error: unknown): void => void fatal.push(String(error));
  const [exceptions, rejections] = [process.listeners("uncaughtException"), process.listeners("unhandledRejection")];
  const silence = (): void => void process.removeAllListeners("uncaughtException").removeAllListeners("unhandledRejection");
  silence();
  process.on("uncaughtException", tell).on("unhandledRejection", tell);
  try {
    await work();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    silence();
    for (const listener of exceptions) process.on("uncaughtException", listener);
    for (const listener of rejections) process.on("unhandledRejection", listener);
  }
  return fatal;
}

describe("the provider of a strategy", () => {
  const answers = ["null", "7", "[]", '{"access_token": ["a"]}', '{"access_token": {}}', '{"access_token": "", "expires_in": 1}'];
  it.each(answers)("that answers %s to a refresh fails that call, and not the process", async (text) => {
    const app = await start();
    await come(app);
    const user = await app.storer.findByLogin(ANN);
    assert.ok(user);
    app.clock.advance(minutes(60));
    app.provider.lies.answers = { token: said(text) };
    const fatal = await fatalDuring(() => assert.rejects(app.gate.oauth2.tokens(user, "tried"), /did not refresh a token/));
    assert.deepEqual(fatal, []);
    // And the next one goes well.
    app.provider.lies.answers = {};
    assert.match(String((await app.gate.oauth2.tokens(user, "tried"))?.accessToken), /^access-/);
  });

  it("that gives lengths of life which are none gives tokens without an end, at a sign-in and at a refresh", async () => {
    const app = await start();
    for (const lasts of ["1e306", "1e16", "-1", '"x"', "[3600]", "{}", "null", "true"]) {
      app.provider.lies.tokens = { id_token: undefined, expires_in: JSON.parse(lasts) };
      assert.equal((await come(app)).status, 200, lasts);
      const user = await app.storer.findByLogin(ANN);
      assert.ok(user);
      assert.equal((await app.gate.oauth2.tokens(user, "tried"))?.expiresAt, null, lasts);
      app.provider.lies.tokens = { id_token: undefined, expires_in: "3600" };
      await come(app);
      app.clock.advance(minutes(60));
      app.provider.lies.answers = { token: said(`{"access_token": "next", "expires_in": ${lasts}}`) };
      const fatal = await fatalDuring(async () => {
        assert.deepEqual((await app.gate.oauth2.tokens(user, "tried"))?.accessToken, "next");
      });
      assert.deepEqual(fatal, [], lasts);
      assert.equal((await app.gate.oauth2.tokens(user, "tried"))?.expiresAt, null, lasts);
      app.provider.lies.answers = {};
    }
  });

  it("that answers an error is named in the log by status and code, without what it said besides", async () => {
    const app = await start();
    app.provider.lies.answers = { profile: said("the words of the provider", 500) };
    assert.equal((await come(app)).status, 503);
    app.provider.lies.answers = { token: said('{"error": "invalid_client", "hint": "the words of the provider"}', 401) };
    assert.equal((await come(app)).status, 502);
    const lines = app.log.filter(({ message }) => message === "a sign-in by a provider failed").map((line) => inspect(line, { depth: 20 }));
    assert.match(String(lines[0]), /status 500/);
    assert.match(String(lines[1]), /invalid_client/);
    assert.doesNotMatch(lines.join(), /the words of the provider/);
  });

  it.each([[["a"]], [{ a: 1 }], [7], [true]])("that gives the access token %j lets nobody in", async (token) => {
    const app = await start();
    app.provider.lies.tokens = { id_token: undefined, access_token: token };
    app.provider.lies.answers = { profile: said(JSON.stringify(PROFILE)) };
    assert.equal((await come(app)).status, 502);
    assert.deepEqual(users(app), []);
  });

  const endless = `{"x": "${"x".repeat(2 * 1024 * 1024)}"}`;
  const hostile: Record<string, (res: ServerResponse) => void> = {
    "answers without end": said(endless),
    "drips, a byte at a time": (res) => {
      res.writeHead(200, { "content-type": "application/json" });
      const dripping = setInterval(() => res.write(" "), 50);
      res.on("close", () => clearInterval(dripping));
    },
    "hangs up in the middle": (res) => {
      res.writeHead(200, { "content-length": 100 }).write('{"access_token": "a"');
      setImmediate(() => res.destroy());
    },
    "leads elsewhere": said("", 307, { location: "http://127.0.0.1:1/token" }),
  };
  it.each(Object.entries(hostile))("that %s fails this sign-in and this refresh, and is let go of", async (_, answer) => {
    const app = await start(GoogleStrategy, { timeout: seconds(0.5) });
    const open = new Set<ServerResponse>();
    const watched = (res: ServerResponse): void => {
      open.add(res);
      res.on("close", () => open.delete(res));
      answer(res);
    };
    const fatal = await fatalDuring(async () => {
      for (const answers of [{ token: watched }, { profile: watched }]) {
        app.provider.lies.answers = answers;
        assert.ok([502, 503].includes((await come(app)).status));
      }
      assert.deepEqual(users(app), []);
      app.provider.lies.answers = {};
      await come(app);
      const user = await app.storer.findByLogin(ANN);
      assert.ok(user);
      app.clock.advance(minutes(60));
      app.provider.lies.answers = { token: watched };
      await assert.rejects(app.gate.oauth2.tokens(user, "tried"), /did not refresh a token/);
      // The connections are closed from our side: one tick of the provider later.
      while ([...open].some((res) => !res.writableFinished)) await new Promise((resolve) => setImmediate(resolve));
    });
    assert.deepEqual(fatal, []);
  });
});

describe("a strategy", () => {
  const broken: Record<string, StrategyClass> = {
    "whose asynchronous profile throws": class extends OAuth2Strategy {
      async userProfile(_token: string, done: (error: null, profile: object) => void): Promise<void> {
        const { id } = JSON.parse("null") as { id: string };
        done(null, { id });
      }
    },
    "whose asynchronous profile throws later": class extends OAuth2Strategy {
      async userProfile(): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
        throw new Error("no profile");
      }
    },
    "whose asynchronous choice of a profile throws": class extends OAuth2Strategy {
      readonly _skipUserProfile = async (_token: string, _done: object): Promise<void> => {
        throw new Error("no choice");
      };
    },
    "whose authenticate is asynchronous and throws": class extends OAuth2Strategy {
      async authenticate(req: { query: { code?: string } }, options: object): Promise<void> {
        if (req.query.code !== undefined) throw new Error("no code");
        const parent: unknown = Reflect.get(OAuth2Strategy.prototype, "authenticate");
        if (typeof parent === "function") parent.call(this, req, options);
      }
    },
  };
  it.each(Object.entries(broken))("%s fails that sign-in at once, and not the process", async (_, Strategy) => {
    const app = await start(Strategy, { timeout: minutes(1) });
    const fatal = await fatalDuring(async () => assert.equal((await come(app)).status, 502));
    assert.deepEqual([fatal, users(app)], [[], []]);
  });

  const at = (organisation: string, issuer?: string) => (provider: string) =>
    passportProvider(
      GoogleStrategy,
      {
        clientID: CLIENT.clientId,
        clientSecret: CLIENT.clientSecret,
        authorizationURL: `${provider}/${organisation}/authorize`,
        tokenURL: `${provider}/token`,
        userProfileURL: `${provider}/${organisation}/userinfo`,
        scope: ["openid", "email"],
      },
      { label: organisation, ...(issuer && { issuer }) },
    );

  it("of two organisations at one host has to say who vouches: equal ids are not one person", async () => {
    const start = (red?: string, blue?: string) =>
      startApp({ providers: ({ issuer }) => ({ red: at("red", red)(issuer), blue: at("blue", blue)(issuer) }) });
    await assert.rejects(start(), /"red" and "blue" lead to one host, .*say `issuer` of each/);
    // Nor may one conclude what another one has said.
    const beside = ({ issuer }: LyingProvider) => ({ red: at("red", `oauth2:${issuer}`)(issuer), blue: at("blue")(issuer) });
    await assert.rejects(startApp({ providers: beside }), /"red" and "blue" lead to one host/);
    const app = await start("red", "blue");
    app.provider.lies.tokens = { id_token: undefined };
    for (const [name, email] of [
      ["red", ANN],
      ["blue", "eve@example.com"],
    ] as const) {
      app.provider.profiles.set(`/${name}/userinfo`, { ...PROFILE, email });
      const browser = app.browser();
      await comeBack(browser, app.provider.approve(await depart(browser, name), {}));
    }
    assert.deepEqual(users(app), [ANN, "eve@example.com"]);
  });
});
