/** Strategies of passport as providers, without passport: four of them, against a provider of our own. @module */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { ConfigError, minutes, seconds, systemClock, systemRandom } from "@castellan/core";
import { type PassportSettings, passportProvider, type StrategyClass } from "@castellan/oauth2";
import { describe, it } from "vitest";
import { CLIENT } from "./lying-provider.ts";
import { ANN, type App, comeBack, depart, signInBy, startApp, users, who } from "./support.ts";

const require = createRequire(import.meta.url);
// Three of them have no types of their own; all are what every strategy of passport-oauth2 is.
const OAuth2Strategy = require("passport-oauth2") as StrategyClass;
const { Strategy: GoogleStrategy } = require("passport-google-oauth20") as { Strategy: StrategyClass };
const { Strategy: GitHubStrategy } = require("passport-github2") as { Strategy: StrategyClass };
const { Strategy: FacebookStrategy } = require("passport-facebook") as { Strategy: StrategyClass };

interface Tried {
  readonly Strategy: StrategyClass;
  readonly options: (issuer: string) => Record<string, unknown>;
  readonly settings?: (issuer: string) => Partial<PassportSettings>;
  /** What the provider answers about people, by path. */
  readonly answers: Readonly<Record<string, unknown>>;
  /** Whether the strategy itself vouches for the address. */
  readonly verified: boolean;
  readonly subject: string;
}

const client = { clientID: CLIENT.clientId, clientSecret: CLIENT.clientSecret };
const endpoints = (issuer: string) => ({ ...client, authorizationURL: `${issuer}/authorize`, tokenURL: `${issuer}/token` });

const STRATEGIES: Readonly<Record<string, Tried>> = {
  "passport-oauth2": {
    Strategy: OAuth2Strategy,
    options: (issuer) => ({ ...endpoints(issuer), scope: ["who"] }),
    settings: (issuer) => ({
      async profile(_profile, { accessToken }) {
        const said = await fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${accessToken}` } });
        const { id, mail } = (await said.json()) as { id: string; mail: string };
        return { subject: id, email: mail, emailVerified: true, name: null };
      },
    }),
    answers: { "/me": { id: "seven", mail: ANN } },
    verified: true,
    subject: "seven",
  },
  "passport-google-oauth20": {
    Strategy: GoogleStrategy,
    options: (issuer) => ({ ...endpoints(issuer), userProfileURL: `${issuer}/google/userinfo`, scope: ["openid", "email"] }),
    answers: { "/google/userinfo": { sub: "1234", name: "Ann", email: ANN, email_verified: true } },
    verified: true,
    subject: "1234",
  },
  "passport-github2": {
    Strategy: GitHubStrategy,
    options: (issuer) => ({
      ...endpoints(issuer),
      userProfileURL: `${issuer}/user`,
      userEmailURL: `${issuer}/emails`,
      scope: ["user:email"],
    }),
    answers: { "/user": { id: 42, login: "ann", name: "Ann" }, "/emails": [{ email: ANN, primary: true, verified: true }] },
    verified: false,
    subject: "42",
  },
  "passport-facebook": {
    Strategy: FacebookStrategy,
    options: (issuer) => ({ ...endpoints(issuer), profileURL: `${issuer}/me`, profileFields: ["id", "emails", "displayName"] }),
    answers: { "/me": { id: "fb-1", name: "Ann", email: ANN } },
    verified: false,
    subject: "fb-1",
  },
};

async function startWith(
  { Strategy, options, settings, answers }: Tried,
  more: Partial<PassportSettings> = {},
  own: Record<string, unknown> = {},
): Promise<App> {
  const app = await startApp({
    providers: ({ issuer }) => ({
      tried: passportProvider(Strategy, { ...options(issuer), ...own }, { label: "Tried", ...settings?.(issuer), ...more }),
    }),
  });
  for (const [path, answer] of Object.entries(answers)) app.provider.profiles.set(path, answer);
  app.provider.lies.tokens = { id_token: undefined };
  return app;
}

const goAndComeBack = async (app: App, browser = app.browser()) =>
  comeBack(browser, app.provider.approve(await depart(browser, "Tried"), {}));

describe.each(Object.entries(STRATEGIES))("the strategy of %s", (_, tried) => {
  it("T21.12 T21.13: signs somebody in by the id at the provider, with state and PKCE", async () => {
    const app = await startWith(tried);
    const browser = app.browser();
    const way = await depart(browser, "Tried");
    assert.deepEqual(
      [way.searchParams.get("code_challenge_method"), way.searchParams.get("redirect_uri")],
      ["S256", "https://app.example.test/auth/oauth2/callback/tried"],
    );
    assert.match(String(way.searchParams.get("state")), /^[\w-]{43}$/);
    const answer = await comeBack(browser, app.provider.approve(way, {}));
    assert.ok(app.provider.posted.get("/token")?.get("code_verifier"));
    if (!tried.verified) {
      // An address that nobody vouches for is to be proved first.
      assert.equal(answer.url, "https://app.example.test/auth/oauth2/connect");
      assert.deepEqual(users(app), []);
      return;
    }
    assert.equal(await who(browser), ANN);
    const [identity] = app.storer.dump().identities;
    assert.deepEqual([identity?.issuer, identity?.subject, identity?.provider], [`oauth2:${app.provider.issuer}`, tried.subject, "tried"]);
  });

  it("does PKCE and state whatever its options say", async () => {
    const app = await startWith(tried, {}, { state: false, pkce: false, store: null, callbackURL: "https://evil.example/" });
    const way = await depart(app.browser(), "Tried");
    assert.equal(way.searchParams.get("code_challenge_method"), "S256");
    assert.equal(way.searchParams.get("redirect_uri"), "https://app.example.test/auth/oauth2/callback/tried");
    const state = way.searchParams.get("state");
    assert.notEqual((await depart(app.browser(), "Tried")).searchParams.get("state"), state);
  });

  it("lets nobody in with a foreign state or a code that was used", async () => {
    const app = await startWith(tried);
    const [attacker, victim] = [app.browser(), app.browser()];
    const back = app.provider.approve(await depart(attacker, "Tried"), {});
    await depart(victim, "Tried");
    assert.equal((await comeBack(victim, back)).status, 400);
    assert.equal(app.provider.requests.includes("POST /token"), false);
    const own = app.provider.approve(await depart(victim, "Tried"), {});
    own.searchParams.set("code", "made-up");
    assert.equal((await comeBack(victim, own)).status, 502);
    assert.deepEqual([await who(victim), users(app)], [null, []]);
  });

  it("fails alone when the provider breaks, answers garbage or nothing, and the process lives on", async () => {
    const app = await startWith(tried, { timeout: seconds(1) });
    const texts: readonly (readonly [number, string])[] = [
      [500, "oops"],
      [200, "{"],
      [200, "null"],
      [200, "[]"],
      [200, "7"],
    ];
    for (const [status, text] of texts) {
      app.provider.lies.answers = { profile: (res) => void res.writeHead(status, { "content-type": "application/json" }).end(text) };
      const answer = await goAndComeBack(app);
      assert.ok([502, 503].includes(answer.status), `${text}: ${answer.status}`);
      app.provider.lies.answers = { token: (res) => void res.writeHead(status).end(text) };
      assert.ok([502, 503].includes((await goAndComeBack(app)).status), text);
    }
    assert.deepEqual(users(app), []);
    app.provider.lies.answers = {};
    assert.equal((await goAndComeBack(app)).status, 200);
  });

  it("fails when the provider does not answer in time", async () => {
    const app = await startWith(tried, { timeout: seconds(0.2) });
    app.provider.lies.answers = { token: () => {} };
    assert.equal((await goAndComeBack(app)).status, 503);
  });
});

describe("a strategy", () => {
  const google = STRATEGIES["passport-google-oauth20"] as Tried; // it stands there

  it("brings tokens that are kept and refreshed", async () => {
    const app = await startWith(google, { keepTokens: true });
    await goAndComeBack(app);
    const user = await app.storer.findByLogin(ANN);
    assert.ok(user);
    const first = await app.gate.oauth2.tokens(user, "tried");
    app.clock.advance(minutes(60));
    const next = await app.gate.oauth2.tokens(user, "tried");
    assert.match(String(next?.accessToken), /^access-/);
    assert.notEqual(next?.accessToken, first?.accessToken);
  });

  it("takes extra parameters in its own words", async () => {
    const app = await startWith(google, { authenticate: { prompt: "select_account", accessType: "offline" } });
    const way = await depart(app.browser(), "Tried");
    assert.deepEqual([way.searchParams.get("prompt"), way.searchParams.get("access_type")], ["select_account", "offline"]);
  });

  it("knows other people than the OpenID provider at the same place, whose ids may be equal", async () => {
    const app = await startWith(google);
    await goAndComeBack(app);
    app.provider.lies.tokens = {};
    const browser = app.browser();
    await signInBy(app, browser, { sub: "1234", email: "bob@example.com", email_verified: true });
    assert.deepEqual([await who(browser), users(app)], ["bob@example.com", [ANN, "bob@example.com"]]);
  });

  const problemsOf = (make: () => unknown): readonly string[] => {
    try {
      make();
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
    return [];
  };
  const setup = { name: "old", callback: "https://app.example.test/auth/oauth2/callback/old", clock: systemClock, random: systemRandom };

  it("that leaves PKCE or the state out is refused at start-up, unless PKCE is given up by name", async () => {
    class Old {
      readonly options: {
        readonly store: { store(req: unknown, verifier: null, state: null, meta: null, done: (error: null, state: string) => void): void };
      };
      constructor(options: never) {
        this.options = options;
      }
      authenticate(this: Old & { redirect(to: string): void }, req: unknown): void {
        this.options.store.store(req, null, null, null, (_, state) => {
          this.redirect(`https://old.example/authorize?${new URLSearchParams({ state, redirect_uri: setup.callback })}`);
        });
      }
    }
    class Stateless {
      authenticate(this: { redirect(to: string): void }): void {
        this.redirect("https://old.example/authorize");
      }
    }
    class Silent {
      authenticate(): void {}
    }
    assert.match(problemsOf(() => passportProvider(Old, {}, { label: "Old" }).open(setup)).join(), /does not do PKCE/);
    assert.deepEqual(
      problemsOf(() => passportProvider(Old, {}, { label: "Old", dangerouslyWithoutPkce: true }).open(setup)),
      [],
    );
    const stateless = problemsOf(() => passportProvider(Stateless, {}, { label: "Old", dangerouslyWithoutPkce: true }).open(setup));
    assert.match(stateless.join(), /does not take `state` along.*\n?.*does not lead back/s);
    assert.match(problemsOf(() => passportProvider(Silent, {}, { label: "Old" }).open(setup)).join(), /is it derived from passport-oauth2/);
  });
});
