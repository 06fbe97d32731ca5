/** Wrong wiring is told at start-up, and the ready-made providers are what they say. @module */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { ConfigError, systemClock, systemRandom } from "@castellan/core";
import {
  apple,
  auth0,
  discord,
  facebook,
  github,
  gitlab,
  google,
  keycloak,
  linkedin,
  microsoft,
  type OAuth2Options,
  oauth2,
  oidcProvider,
  okta,
  type Provider,
  type Providers,
  profileOfClaims,
  profileOfPassport,
  slack,
} from "@castellan/oauth2";
import { memoryStorer } from "@castellan/testkit";
import { castellan, expressSessions } from "castellan";
import { describe, it } from "vitest";

const client = { clientId: "id", clientSecret: "secret" };
const demo = oidcProvider({ label: "Demo", issuer: "https://id.example", ...client });

function problemsOf(providers: Providers | (() => Providers), options: OAuth2Options = {}): readonly string[] {
  try {
    castellan({
      rootUrl: "https://app.example.com",
      keys: ["nothing is sealed by this key: 0123456789"],
      storer: memoryStorer(),
      sessions: expressSessions({ secret: "nothing is signed by this secret: 0123456789" }),
      sweepEvery: null,
      modules: { oauth2: oauth2(typeof providers === "function" ? providers() : providers, options) },
    });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("what is wired wrongly is told at start-up", () => {
  it("but no provider at all is no mistake: they may come from the environment", () => assert.deepEqual(problemsOf({}), []));
  it.each(["Google", "my provider", "", "link", "callback", "a/b", "ä", "x".repeat(33)])("a provider named %s", (name) => {
    assert.match(problemsOf({ [name]: demo }).join(), /cannot be named/);
  });
  it("parameters to pass along that are ours, or no words", () => {
    assert.equal(problemsOf({ demo }, { passAlong: ["redir", "_csrf", "a b", "plan"] }).length, 3);
  });
  it("a provider on plain HTTP that is not on this machine", () => {
    assert.match(
      problemsOf(() => ({ demo: oidcProvider({ label: "Demo", issuer: "http://id.example", ...client }) })).join(),
      /begins with https:/,
    );
    assert.deepEqual(problemsOf({ demo: oidcProvider({ label: "Demo", issuer: "http://localhost:9000", ...client }) }), []);
  });
  it("a scope without openid, a client without id or label, all at once", () => {
    assert.match(
      problemsOf(() => ({ demo: oidcProvider({ label: "Demo", issuer: "https://id.example", scope: "email", ...client }) })).join(),
      /openid/,
    );
    const nameless = oidcProvider({ label: "", issuer: "https://id.example", clientId: "" });
    assert.equal(problemsOf({ one: nameless, two: nameless }).length, 4);
  });
  it("a storer without the operations", () => {
    const { linkIdentity: _, ...rest } = memoryStorer();
    assert.throws(
      () =>
        castellan({
          rootUrl: "https://app.example.com",
          keys: ["nothing is sealed by this key: 0123456789"],
          storer: rest,
          sessions: expressSessions({ secret: "nothing is signed by this secret: 0123456789" }),
          // @ts-expect-error: a storer that cannot link identities cannot have the module
          modules: { oauth2: oauth2({ demo }) },
        }),
      /no operation `linkIdentity`/,
    );
  });
  it("nothing, when all is well; and an application without passwords gets a login page", () => {
    assert.deepEqual(problemsOf({ demo, "my-other-1": demo }, { loginPage: true, passAlong: ["plan"] }), []);
  });
});

const setup = { name: "x", callback: "https://app.example.com/auth/oauth2/callback/x", clock: systemClock, random: systemRandom };

describe("a ready-made provider", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const all: Record<string, readonly [Provider, string]> = {
    google: [google(client), "Google"],
    microsoft: [microsoft(client), "Microsoft"],
    apple: [apple({ clientId: "id", teamId: "team", keyId: "key", privateKey: pem }), "Apple"],
    gitlab: [gitlab(client), "GitLab"],
    linkedin: [linkedin(client), "LinkedIn"],
    slack: [slack(client), "Slack"],
    keycloak: [keycloak({ ...client, label: "Work", issuer: "https://id.example/realms/work" }), "Work"],
    auth0: [auth0({ ...client, label: "Work", domain: "work.eu.auth0.com" }), "Work"],
    okta: [okta({ ...client, label: "Work", issuer: "https://work.okta.com" }), "Work"],
    github: [github(client), "GitHub"],
    discord: [discord(client), "Discord"],
    facebook: [facebook(client), "Facebook"],
  };
  it.each(Object.entries(all))("%s can be opened, and has the name that people know", (_, [provider, label]) => {
    assert.equal(provider.label, label);
    assert.ok(provider.open(setup));
    assert.equal(provider.keepsTokens, false);
  });
  it("of Apple posts its answer, and the others do not", () => {
    for (const [name, [provider]] of Object.entries(all)) assert.equal(provider.postsForm, name === "apple", name);
  });
  it.each(["github", "discord", "facebook"])("%s, of plain OAuth2, leads to its page with state and PKCE", async (name) => {
    const { to, endpoint } = await (all[name]?.[0].open(setup).begin("the-state") ?? Promise.reject(new Error("not there")));
    assert.equal(to.origin + to.pathname, endpoint.href);
    assert.equal(to.protocol, "https:");
    assert.deepEqual([to.searchParams.get("state"), to.searchParams.get("code_challenge_method")], ["the-state", "S256"]);
  });
});

describe("a profile", () => {
  it("of claims takes only what is of the right kind", () => {
    assert.deepEqual(profileOfClaims({ sub: 7, email: ["a@b.example"], email_verified: "true", name: "" }), {
      subject: "",
      email: null,
      emailVerified: false,
      name: null,
    });
  });
  it("of passport takes numbers for ids, and an address for verified only where the strategy says so", () => {
    assert.deepEqual(profileOfPassport({ id: 42, displayName: "Ann", emails: [{ value: "a@b.example" }] }), {
      subject: "42",
      email: "a@b.example",
      emailVerified: false,
      name: "Ann",
    });
    assert.equal(profileOfPassport({ id: "x", emails: [{ value: "a@b.example", verified: true }] }).emailVerified, true);
    // Beyond what JavaScript tells apart two numbers are one, and two people would be.
    for (const id of [2 ** 53, 1.5, Number.NaN]) assert.equal(profileOfPassport({ id }).subject, "");
    assert.equal(profileOfPassport({ id: String(2 ** 53), _json: { id: 2 ** 53 } }).subject, "");
    // As a text it may be as long as it likes.
    assert.equal(profileOfPassport({ id: "9007199254740993", _json: { id: "9007199254740993" } }).subject, "9007199254740993");
    assert.deepEqual(profileOfPassport({ id: {}, emails: "x" }), { subject: "", email: null, emailVerified: false, name: null });
  });
});
