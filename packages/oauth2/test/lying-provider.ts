/** An OpenID provider of our own, on a free port: honest as it comes, and lying in whatever way a test wants. @module */
import { createHash, createHmac, createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "@castellan/core";
import { listen } from "@castellan/testkit";
import { onTestFinished } from "vitest";

export const CLIENT = { clientId: "castellan", clientSecret: "a secret: of the client" } as const;

/** One pair for all tests: making one takes a while. */
const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const publicJwk = { ...pair.publicKey.export({ format: "jwk" }), kid: "key-1", use: "sig", alg: "RS256" };

export type Claims = Readonly<Record<string, unknown>>;

/** What is not as it should be. */
export interface Lies {
  /** Changes the claims of the ID token; `undefined` takes one away. */
  claims?: Claims;
  header?: Claims;
  /** How the ID token is signed. */
  signature?: "none" | "hmac with the public key" | "another key" | "broken";
  /** Answers in the place of an endpoint. */
  answers?: Partial<Record<"discovery" | "jwks" | "token" | "userinfo" | "profile", (res: ServerResponse) => void>>;
  /** Changes what discovery says. */
  metadata?: Claims;
  /** Changes what the token endpoint answers. */
  tokens?: Claims;
  /** Which client secret is right. @default the one of {@link CLIENT} */
  secret?: (secret: string) => boolean;
  /** Whether the answer names the issuer (RFC 9207). @default true */
  withoutIss?: boolean;
}

interface Grant {
  readonly challenge: string | null;
  readonly nonce: string | null;
  readonly redirectUri: string;
  readonly person: Claims;
}

export interface LyingProvider {
  readonly issuer: string;
  readonly lies: Lies;
  /** Every request, as `METHOD /path`. */
  readonly requests: readonly string[];
  /** The last body that was posted to each path. */
  readonly posted: ReadonlyMap<string, URLSearchParams>;
  /** Agrees to what stands in the address that the application sent the browser to. Answers where the browser comes back, with a code. */
  approve(way: URL, person: Claims): URL;
  /** Who is asked about by other profile endpoints: what they answer, by path. */
  readonly profiles: Map<string, unknown>;
  /** The tokens that were ended. */
  readonly revoked: readonly string[];
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function idToken(claims: Claims, lies: Lies): string {
  const alg = { none: "none", "hmac with the public key": "HS256", "another key": "RS256", broken: "RS256" };
  const header = { alg: lies.signature ? alg[lies.signature] : "RS256", kid: "key-1", ...lies.header };
  const given = Object.fromEntries(Object.entries({ ...claims, ...lies.claims }).filter(([, value]) => value !== undefined));
  const signed = `${encoded(header)}.${encoded(given)}`;
  const by = (key: KeyObject): string =>
    sign("sha256", Buffer.from(signed), createPrivateKey(key.export({ format: "pem", type: "pkcs8" }))).toString("base64url");
  if (lies.signature === "none") return `${signed}.`;
  if (lies.signature === "hmac with the public key") {
    const secret = pair.publicKey.export({ format: "pem", type: "spki" });
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  }
  if (lies.signature === "another key") return `${signed}.${by(stranger.privateKey)}`;
  const signature = by(pair.privateKey);
  return `${signed}.${lies.signature === "broken" ? `${signature.slice(0, -4)}AAAA` : signature}`;
}

async function bodyOf(req: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(Buffer.from(chunk));
  return new URLSearchParams(Buffer.concat(chunks).toString());
}

const json = (res: ServerResponse, status: number, value: unknown): void => {
  res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
};

/** Starts it; it ends with the test. */
export async function lyingProvider(clock: Clock): Promise<LyingProvider> {
  const lies: Lies = {};
  const requests: string[] = [];
  const posted = new Map<string, URLSearchParams>();
  const grants = new Map<string, Grant>();
  const access = new Map<string, Claims>();
  const refreshable = new Map<string, Claims>();
  const revoked: string[] = [];
  const profiles = new Map<string, unknown>();
  const seconds = (): number => Math.floor(clock.now().getTime() / 1000);

  const tokensFor = (person: Claims, issuer: string, nonce: string | null): Claims => {
    const [accessToken, refreshToken] = [`access-${randomUUID()}`, `refresh-${randomUUID()}`];
    access.set(accessToken, person);
    refreshable.set(refreshToken, person);
    const claims = {
      iss: issuer,
      aud: CLIENT.clientId,
      iat: seconds(),
      exp: seconds() + 300,
      auth_time: seconds(),
      ...(nonce !== null && { nonce }),
      ...person,
    };
    return {
      access_token: accessToken,
      refresh_token: refreshToken,
      token_type: "Bearer",
      expires_in: 3600,
      scope: "openid email",
      id_token: idToken(claims, lies),
      ...lies.tokens,
    };
  };

  const token = (res: ServerResponse, issuer: string, body: URLSearchParams, authorization: string | undefined): void => {
    if (lies.answers?.token) return lies.answers.token(res);
    // By header (RFC 6749, 2.3.1: form-encoded first) or in the body.
    const basic = Buffer.from(`${CLIENT.clientId}:${new URLSearchParams({ s: CLIENT.clientSecret }).toString().slice(2)}`).toString(
      "base64",
    );
    const isClient =
      authorization === `Basic ${basic}` || (lies.secret ?? ((secret) => secret === CLIENT.clientSecret))(body.get("client_secret") ?? "");
    if (!isClient) return json(res, 401, { error: "invalid_client" });
    if (body.get("grant_type") === "refresh_token") {
      const person = refreshable.get(body.get("refresh_token") ?? "");
      refreshable.delete(body.get("refresh_token") ?? "");
      return person ? json(res, 200, tokensFor(person, issuer, null)) : json(res, 400, { error: "invalid_grant" });
    }
    const code = body.get("code") ?? "";
    const grant = grants.get(code);
    grants.delete(code);
    const challenge = createHash("sha256")
      .update(body.get("code_verifier") ?? "")
      .digest("base64url");
    const isRight = grant && body.get("redirect_uri") === grant.redirectUri && (grant.challenge === null || grant.challenge === challenge);
    if (!isRight) return json(res, 400, { error: "invalid_grant" });
    json(res, 200, tokensFor(grant.person, issuer, grant.nonce));
  };

  const server = await listen(async (req, res) => {
    const url = new URL(req.url ?? "/", "http://127.0.0.1");
    requests.push(`${req.method} ${url.pathname}`);
    const body = req.method === "POST" ? await bodyOf(req) : new URLSearchParams();
    if (req.method === "POST") posted.set(url.pathname, body);
    const { answers } = lies;
    const bearer = req.headers.authorization?.replace(/^Bearer /, "") ?? url.searchParams.get("access_token") ?? "";
    if (url.pathname === "/.well-known/openid-configuration") {
      if (answers?.discovery) return answers.discovery(res);
      return json(res, 200, { ...metadata, ...lies.metadata });
    }
    if (url.pathname === "/jwks") return answers?.jwks ? answers.jwks(res) : json(res, 200, { keys: [publicJwk] });
    if (url.pathname === "/token") return token(res, issuer, body, req.headers.authorization);
    if (url.pathname === "/revoke") {
      revoked.push(body.get("token") ?? "");
      return void res.writeHead(200).end();
    }
    if (url.pathname === "/userinfo") {
      if (answers?.userinfo) return answers.userinfo(res);
      const person = access.get(bearer);
      return person ? json(res, 200, person) : json(res, 401, { error: "invalid_token" });
    }
    if (profiles.has(url.pathname)) {
      if (answers?.profile) return answers.profile(res);
      return access.has(bearer) ? json(res, 200, profiles.get(url.pathname)) : json(res, 401, {});
    }
    json(res, 404, {});
  });
  onTestFinished(() => server.close());
  const issuer = server.url;
  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    userinfo_endpoint: `${issuer}/userinfo`,
    revocation_endpoint: `${issuer}/revoke`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ["code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    code_challenge_methods_supported: ["S256"],
    authorization_response_iss_parameter_supported: true,
  };

  return {
    issuer,
    lies,
    requests,
    posted,
    profiles,
    revoked,
    approve(way, person) {
      const asked = way.searchParams;
      const code = randomUUID();
      grants.set(code, {
        person,
        challenge: asked.get("code_challenge"),
        nonce: asked.get("nonce"),
        redirectUri: String(asked.get("redirect_uri")),
      });
      const back = new URL(String(asked.get("redirect_uri")));
      back.searchParams.set("code", code);
      back.searchParams.set("state", String(asked.get("state")));
      if (!lies.withoutIss) back.searchParams.set("iss", issuer);
      return back;
    },
  };
}
