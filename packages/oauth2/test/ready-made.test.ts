/** The ready-made providers, each on its own addresses; what is asked there is answered by a provider of our own, since the real ones cannot be had here. @module */
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
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
  okta,
  type Provider,
  slack,
} from "@castellan/oauth2";
import { describe, it, onTestFinished, vi } from "vitest";
import { CLIENT, type Claims } from "./lying-provider.ts";
import { ANN, type App, comeBack, depart, startApp, users, who } from "./support.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();

/** Everything that is asked of the world is asked of our own provider: the same paths, but for those where codes are redeemed. */
function standIn(app: App): readonly string[] {
  const real = globalThis.fetch;
  const asked: string[] = [];
  vi.stubGlobal("fetch", (input: string, init: RequestInit) => {
    const url = new URL(input);
    asked.push(url.origin + url.pathname);
    const isToken = /(\/access_token|\/token)$/.test(url.pathname);
    const path = url.pathname.endsWith("/.well-known/openid-configuration")
      ? "/.well-known/openid-configuration"
      : isToken
        ? "/token"
        : url.pathname;
    return real(app.provider.issuer + path + url.search, init);
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  return asked;
}

async function startWith(provider: Provider): Promise<{ readonly app: App; readonly asked: readonly string[] }> {
  const app = await startApp({ providers: () => ({ made: provider }) });
  app.provider.lies.withoutIss = true;
  return { app, asked: standIn(app) };
}

interface Tried {
  readonly provider: Provider;
  /** Where discovery is, and who vouches. */
  readonly origin: string;
  readonly issuer: string;
  /** What the metadata says the issuer is, where that is another text. */
  readonly told?: string;
  readonly claims: Claims;
  readonly verified: boolean;
}

const verified = { email: ANN, email_verified: true };
const OPENID: Readonly<Record<string, Tried>> = {
  google: {
    provider: google(CLIENT),
    origin: "https://accounts.google.com",
    issuer: "https://accounts.google.com",
    claims: verified,
    verified: true,
  },
  "google, of an address that is not verified": {
    provider: google(CLIENT),
    origin: "https://accounts.google.com",
    issuer: "https://accounts.google.com",
    claims: { email: ANN, email_verified: false },
    verified: false,
  },
  gitlab: { provider: gitlab(CLIENT), origin: "https://gitlab.com", issuer: "https://gitlab.com", claims: verified, verified: true },
  slack: { provider: slack(CLIENT), origin: "https://slack.com", issuer: "https://slack.com", claims: verified, verified: true },
  "linkedin, which sends no nonce back": {
    provider: linkedin(CLIENT),
    origin: "https://www.linkedin.com",
    issuer: "https://www.linkedin.com/oauth",
    claims: verified,
    verified: true,
  },
  "microsoft, by the person's own organisation": {
    provider: microsoft(CLIENT),
    origin: "https://login.microsoftonline.com",
    issuer: "https://login.microsoftonline.com/some-organisation/v2.0",
    told: "https://login.microsoftonline.com/{tenantid}/v2.0",
    // Whoever runs the organisation may say so of any address.
    claims: { ...verified, tid: "some-organisation" },
    verified: false,
  },
  "microsoft, of an address whose domain was verified": {
    provider: microsoft({ ...CLIENT, tenant: "some-organisation" }),
    origin: "https://login.microsoftonline.com",
    issuer: "https://login.microsoftonline.com/some-organisation/v2.0",
    claims: { email: ANN, xms_edov: true, tid: "some-organisation" },
    verified: true,
  },
  "apple, which writes truth values as texts": {
    provider: apple({ clientId: CLIENT.clientId, teamId: "TEAM", keyId: "KEY", privateKey: pem }),
    origin: "https://appleid.apple.com",
    issuer: "https://appleid.apple.com",
    claims: { email: ANN, email_verified: "true" },
    verified: true,
  },
  keycloak: {
    provider: keycloak({ ...CLIENT, label: "Work", issuer: "https://id.example/realms/work" }),
    origin: "https://id.example",
    issuer: "https://id.example/realms/work",
    claims: verified,
    verified: true,
  },
  auth0: {
    provider: auth0({ ...CLIENT, label: "Work", domain: "work.eu.auth0.com" }),
    origin: "https://work.eu.auth0.com",
    issuer: "https://work.eu.auth0.com/",
    claims: verified,
    verified: true,
  },
  okta: {
    provider: okta({ ...CLIENT, label: "Work", issuer: "https://work.okta.com/oauth2/default" }),
    origin: "https://work.okta.com",
    issuer: "https://work.okta.com/oauth2/default",
    claims: verified,
    verified: true,
  },
};

describe.each(Object.entries(OPENID))("%s", (_, { provider, origin, issuer, told, claims, verified: isVerified }) => {
  it("signs somebody in by issuer and subject, and takes an address for verified as far as it is", async () => {
    const { app, asked } = await startWith(provider);
    app.provider.lies.metadata = {
      issuer: told ?? issuer,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      jwks_uri: `${origin}/jwks`,
      userinfo_endpoint: `${origin}/userinfo`,
      authorization_response_iss_parameter_supported: false,
    };
    app.provider.lies.claims = { iss: issuer };
    app.provider.lies.secret = (secret) => secret === CLIENT.clientSecret || isOfApple(secret, app.clock.now());
    const browser = app.browser();
    const way = await depart(browser, provider.label);
    assert.equal(way.origin, origin);
    const answer = await comeBack(browser, app.provider.approve(way, { sub: "there", ...claims }));
    assert.ok(asked.every((address) => address.startsWith(origin)));
    if (!isVerified) {
      assert.equal(answer.url, "https://app.example.test/auth/oauth2/connect");
      assert.deepEqual(users(app), []);
      return;
    }
    assert.equal(await who(browser), ANN);
    const [identity] = app.storer.dump().identities;
    assert.deepEqual([identity?.issuer, identity?.subject], [issuer, "there"]);
  });
});

/** Whether this is a secret that Apple would take: signed with our key, for them, for the time that it is now. */
function isOfApple(secret: string, now: Date): boolean {
  const [header = "", payload = "", signature = ""] = secret.split(".");
  if (signature === "") return false;
  const key = { key: createPublicKey(publicKey.export({ format: "pem", type: "spki" })), dsaEncoding: "ieee-p1363" } as const;
  const read = (part: string): Claims => JSON.parse(Buffer.from(part, "base64url").toString()) as Claims;
  const { iss, sub, aud, iat, exp } = read(payload);
  const seconds = now.getTime() / 1000;
  return (
    verify("sha256", Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, "base64url")) &&
    read(header)["kid"] === "KEY" &&
    [iss, sub, aud].join() === `TEAM,${CLIENT.clientId},https://appleid.apple.com` &&
    Number(iat) <= seconds &&
    Number(exp) > seconds
  );
}

const PLAIN: Readonly<
  Record<string, { provider: Provider; issuer: string; answers: Readonly<Record<string, unknown>>; verified: boolean; subject: string }>
> = {
  github: {
    provider: github(CLIENT),
    issuer: "oauth2:https://github.com",
    answers: {
      "/user": { id: 42, login: "ann", name: "Ann" },
      "/user/emails": [
        { email: "other@example.com", primary: false, verified: true },
        { email: ANN, primary: true, verified: true },
      ],
    },
    verified: true,
    subject: "42",
  },
  "github, of an address that is not verified": {
    provider: github(CLIENT),
    issuer: "oauth2:https://github.com",
    answers: { "/user": { id: 42, login: "ann" }, "/user/emails": [{ email: ANN, primary: true, verified: false }] },
    verified: false,
    subject: "42",
  },
  discord: {
    provider: discord(CLIENT),
    issuer: "oauth2:https://discord.com",
    answers: { "/api/users/@me": { id: "80351110224678912", username: "ann", email: ANN, verified: true } },
    verified: true,
    subject: "80351110224678912",
  },
  facebook: {
    provider: facebook(CLIENT),
    issuer: "oauth2:https://www.facebook.com",
    answers: { "/v21.0/me": { id: "fb-1", name: "Ann", email: ANN } },
    verified: false,
    subject: "fb-1",
  },
};

describe.each(Object.entries(PLAIN))("%s", (_, { provider, issuer, answers, verified: isVerified, subject }) => {
  it("signs somebody in by the id there", async () => {
    const { app } = await startWith(provider);
    app.provider.lies.tokens = { id_token: undefined };
    for (const [path, answer] of Object.entries(answers)) app.provider.profiles.set(path, answer);
    const browser = app.browser();
    const answer = await comeBack(browser, app.provider.approve(await depart(browser, provider.label), {}));
    if (!isVerified) {
      assert.equal(answer.url, "https://app.example.test/auth/oauth2/connect");
      return;
    }
    assert.equal(await who(browser), ANN);
    const [identity] = app.storer.dump().identities;
    assert.deepEqual([identity?.issuer, identity?.subject], [issuer, subject]);
  });

  it("lets nobody in who has no id there", async () => {
    const { app } = await startWith(provider);
    app.provider.lies.tokens = { id_token: undefined };
    for (const path of Object.keys(answers)) app.provider.profiles.set(path, {});
    const browser = app.browser();
    const answer = await comeBack(browser, app.provider.approve(await depart(browser, provider.label), {}));
    assert.equal(answer.status, 502);
    assert.deepEqual(users(app), []);
  });
});
