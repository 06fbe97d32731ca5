/** OpenID Connect and plain OAuth2 through openid-client, which is loaded when somebody first needs it. @module */
import { after, type Clock, ConfigError, type Duration, days, isDuration, randomText, seconds, systemClock } from "@castellan/core";
import type * as OpenId from "openid-client";
import { requestWithin } from "./fetching.ts";
import {
  type Arrival,
  addressOf,
  type Departure,
  endOf,
  isPlain,
  mapped,
  type OpenProvider,
  type Profile,
  type Provider,
  ProviderFailure,
  type ProviderSetup,
  type ProviderTokens,
} from "./provider.ts";

export interface ClientOptions {
  /** What people know the provider as. */
  readonly label: string;
  readonly clientId: string;
  /** The secret, or a function that makes one (Apple's are signed and expire). Left out for a public client. */
  readonly clientSecret?: string | ((now: Date) => string | Promise<string>);
  /** How the secret is sent. @default "client_secret_basic" */
  readonly clientAuthentication?: "client_secret_basic" | "client_secret_post";
  /** Extra parameters for the provider's page. Ours (`state`, `nonce`, `redirect_uri` …) win. @default {} */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Whether the provider's tokens are kept, sealed, for `gate.oauth2.tokens()`. @default false */
  readonly keepTokens?: boolean;
  /** How long one request to the provider may take. @default seconds(10) */
  readonly timeout?: Duration;
  /** For a provider that refuses PKCE: without it a code that was stolen can be used. @default false */
  readonly dangerouslyWithoutPkce?: boolean;
}

/** What an ID token, and the userinfo of the same subject, say. */
export type Claims = Readonly<Record<string, unknown>>;

export interface OidcOptions extends ClientOptions {
  /** The issuer, whose settings are found by discovery: `https://accounts.google.com`. */
  readonly issuer: string;
  /** @default "openid email profile" */
  readonly scope?: string;
  /** What the provider is to do (OpenID Connect Core, 3.1.2.1): `"login"`, `"consent"`, `"select_account"`. @default the provider decides */
  readonly prompt?: string;
  /** How long ago the person may have signed in at the provider; checked by `auth_time`. @default any time */
  readonly maxAge?: Duration;
  /** The classes of authentication of which one is wanted, the best first; checked by `acr`. @default none in particular */
  readonly acrValues?: readonly string[];
  /** By `"form_post"` the provider answers with a form (Apple). @default "query" */
  readonly responseMode?: "query" | "form_post";
  /** How far the provider's clock may be off. @default seconds(30) */
  readonly clockTolerance?: Duration;
  /** Makes a profile of the claims. @default {@link profileOfClaims} */
  readonly profile?: (claims: Claims) => Profile | Promise<Profile>;
  /** For a provider that does not send the nonce back: without it an ID token can be used twice. @default false */
  readonly dangerouslyWithoutNonce?: boolean;
}

export interface PlainOAuth2Options extends ClientOptions {
  /**
   * Who vouches, as it stands with the identities: for example `"oauth2:https://github.com"`. Not to be changed later, and never that of an OpenID provider: its ids may be given to other people.
   */
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  /** RFC 7009. @default none */
  readonly revocationEndpoint?: string;
  readonly scope: string;
  /** Asks the provider who it is: `get` fetches JSON with the access token. */
  readonly details: (get: (url: string) => Promise<unknown>) => Promise<Profile>;
}

const DEFAULTS = {
  clientAuthentication: "client_secret_basic",
  parameters: {},
  keepTokens: false,
  timeout: seconds(10),
  dangerouslyWithoutPkce: false,
} as const;
const OIDC_DEFAULTS = {
  ...DEFAULTS,
  scope: "openid email profile",
  responseMode: "query",
  clockTolerance: seconds(30),
  dangerouslyWithoutNonce: false,
} as const;

/** Settings of a provider change seldom; whoever rotates keys is found out by the key's id. */
const DISCOVERED_ANEW = days(1);
const SAME_CLOCK_SECONDS = 2;

const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** The standard claims (OpenID Connect Core, 5.1). Only an `email_verified` that is the truth value `true` verifies: a text is none. */
export const profileOfClaims = (claims: Claims): Profile => ({
  subject: textOf(claims["sub"]) ?? "",
  email: textOf(claims["email"]),
  emailVerified: claims["email_verified"] === true,
  name: textOf(claims["name"]),
});

/** Claims that say whether the mailbox beside them is the person's: the standard one, and Microsoft's. */
const OF_AN_ADDRESS: ReadonlySet<string> = new Set(["email_verified", "xms_edov"]);

/** The userinfo, and the ID token on top, whose signature was checked. An ID token without an address does not vouch for one of elsewhere. */
const merged = (userinfo: Claims, token: Claims): Claims => ({
  ...userinfo,
  ...Object.fromEntries(Object.entries(token).filter(([name]) => !OF_AN_ADDRESS.has(name) && name !== "email")),
});

interface Kept {
  readonly verifier: string | null;
  readonly nonce: string | null;
}

type Client = typeof OpenId;

async function load(): Promise<Client> {
  try {
    return await import("openid-client");
  } catch (error) {
    throw new ConfigError([`oauth2: install openid-client (npm install openid-client): ${error instanceof Error ? error.message : error}`]);
  }
}

const problemsOf = ({ label, clientId, timeout }: ClientOptions & { readonly timeout: Duration }): string[] => [
  ...(typeof label === "string" && label !== "" ? [] : ["oauth2: a provider needs a `label`: what people know it as"]),
  ...(typeof clientId === "string" && clientId !== "" ? [] : [`oauth2: ${label} needs the \`clientId\` that the provider gave out`]),
  ...(isDuration(timeout) ? [] : [`oauth2: ${label}: \`timeout\` must be a duration, for example seconds(10)`]),
];

/** The secret as it is sent. */
async function authenticationOf(
  client: Client,
  { clientSecret, clientAuthentication }: ClientOptions,
  clock: Clock,
): Promise<OpenId.ClientAuth> {
  const secret = typeof clientSecret === "function" ? await clientSecret(clock.now()) : clientSecret;
  if (secret === undefined) return client.None();
  return clientAuthentication === "client_secret_post" ? client.ClientSecretPost(secret) : client.ClientSecretBasic(secret);
}

/** How far the gate's clock is from the machine's, by which openid-client judges: nothing, but for tests. */
const skewOf = (clock: Clock): number => Math.round((clock.now().getTime() - systemClock.now().getTime()) / 1000);

function tokensOf(response: OpenId.TokenEndpointResponse & OpenId.TokenEndpointResponseHelpers, clock: Clock): ProviderTokens {
  return {
    accessToken: response.access_token,
    refreshToken: response.refresh_token ?? null,
    // As it was said: the library would count from its own clock on.
    expiresAt: endOf(clock.now(), response.expires_in),
    scope: response.scope ?? null,
  };
}

/** What openid-client threw, as a failure of the provider. */
function failureFrom(client: Client, error: unknown): ProviderFailure {
  if (error instanceof ProviderFailure) return error;
  const cause: unknown = error instanceof Error ? error.cause : null;
  // What our own fetch said, in its wrapping.
  if (cause instanceof ProviderFailure) return cause;
  const code: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "code") : null;
  if (code === "OAUTH_JWT_TIMESTAMP_CHECK_FAILED") return new ProviderFailure("oauth2_clock", error);
  if (error instanceof client.ResponseBodyError || error instanceof client.WWWAuthenticateChallengeError) {
    return new ProviderFailure(error.status >= 500 ? "oauth2_provider_unavailable" : "oauth2_provider_error", error);
  }
  const isAway = code === "OAUTH_TIMEOUT" || code === "OAUTH_ABORT" || (cause instanceof Response && cause.status >= 500);
  // fetch() says no more than that it failed: the network, the name, the certificate.
  if (isAway || (error instanceof TypeError && code === undefined)) return new ProviderFailure("oauth2_provider_unavailable", error);
  return new ProviderFailure("oauth2_answer_invalid", error);
}

/** Keeps what discovery found, for a day, and as long as the clock is where it was. */
function configurations(clock: Clock, make: (skew: number) => Promise<OpenId.Configuration>): () => Promise<OpenId.Configuration> {
  let known: { readonly made: Promise<OpenId.Configuration>; readonly until: Date; readonly skew: number } | null = null;
  return async () => {
    const skew = skewOf(clock);
    if (!known || clock.now() >= known.until || Math.abs(skew - known.skew) > SAME_CLOCK_SECONDS) {
      known = { made: make(skew), until: after(clock.now(), DISCOVERED_ANEW), skew };
    }
    try {
      return await known.made;
    } catch (error) {
      // The next one asks anew.
      known = null;
      throw error;
    }
  };
}

interface Protocol {
  readonly label: string;
  readonly scope: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly withPkce: boolean;
  readonly withNonce: boolean;
  readonly maxAge: Duration | null;
  readonly configuration: (client: Client) => Promise<OpenId.Configuration>;
  readonly arrive: (
    client: Client,
    config: OpenId.Configuration,
    response: OpenId.TokenEndpointResponse & OpenId.TokenEndpointResponseHelpers,
  ) => Promise<Omit<Arrival, "tokens">>;
}

/** What both kinds do the same way. */
function opened({ callback, clock, random }: ProviderSetup, protocol: Protocol): OpenProvider {
  const { withPkce, withNonce, maxAge, scope, parameters } = protocol;
  const run = async <T>(work: (client: Client, config: OpenId.Configuration) => Promise<T>): Promise<T> => {
    const client = await load();
    try {
      return await work(client, await protocol.configuration(client));
    } catch (error) {
      throw error instanceof ConfigError ? error : failureFrom(client, error);
    }
  };
  return {
    begin: (state) =>
      run(async (client, config): Promise<Departure> => {
        const kept: Kept = { verifier: withPkce ? randomText(random, 32) : null, nonce: withNonce ? randomText(random, 16) : null };
        const to = client.buildAuthorizationUrl(config, {
          ...parameters,
          response_type: "code",
          redirect_uri: callback,
          scope,
          state,
          ...(maxAge !== null && { max_age: String(Math.floor(maxAge / 1000)) }),
          ...(kept.nonce !== null && { nonce: kept.nonce }),
          ...(kept.verifier !== null && {
            code_challenge: await client.calculatePKCECodeChallenge(kept.verifier),
            code_challenge_method: "S256",
          }),
        });
        return {
          to,
          endpoint: addressOf("authorization_endpoint", String(config.serverMetadata().authorization_endpoint)),
          keep: JSON.stringify(kept),
        };
      }),
    finish: (answer, state, keep) =>
      run(async (client, config) => {
        const kept = JSON.parse(keep) as Kept; // `begin` wrote it
        const url = new URL(callback);
        url.search = answer.toString();
        const response = await client.authorizationCodeGrant(config, url, {
          expectedState: state,
          ...(kept.nonce !== null && { expectedNonce: kept.nonce }),
          ...(kept.verifier !== null && { pkceCodeVerifier: kept.verifier }),
          ...(maxAge !== null && { maxAge: Math.floor(maxAge / 1000) }),
        });
        return { ...(await protocol.arrive(client, config, response)), tokens: tokensOf(response, clock) };
      }),
    refresh: (refreshToken) =>
      run(async (client, config) => {
        try {
          const tokens = tokensOf(await client.refreshTokenGrant(config, refreshToken), clock);
          return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
        } catch (error) {
          if (error instanceof client.ResponseBodyError && error.error === "invalid_grant") return null;
          throw error;
        }
      }),
    revoke: ({ accessToken, refreshToken }) =>
      run(async (client, config) => {
        if (config.serverMetadata().revocation_endpoint === undefined) return;
        await client.tokenRevocation(config, refreshToken ?? accessToken);
      }),
  };
}

/** An OpenID provider: found by discovery, with PKCE (S256), a nonce, and an ID token whose signature, issuer, audience and times are checked (OpenID Connect Core, 3.1.3.7). */
export function oidcProvider(options: OidcOptions): Provider {
  const settings = { ...OIDC_DEFAULTS, profile: profileOfClaims, ...options };
  const { label, clientId, acrValues = [], prompt, responseMode, scope, timeout, clockTolerance } = settings;
  const issuer = addressOf("issuer", settings.issuer);
  const maxAge = settings.maxAge ?? null;
  if (!scope.split(" ").includes("openid")) throw new ConfigError([`oauth2: ${label}: \`scope\` must have "openid" in it`]);

  const discover = async (client: Client, clock: Clock, skew: number): Promise<OpenId.Configuration> => {
    const metadata = { [client.clockSkew]: skew, [client.clockTolerance]: Math.floor(clockTolerance / 1000) };
    const found = await client.discovery(issuer, clientId, metadata, await authenticationOf(client, settings, clock), {
      timeout: timeout / 1000,
      [client.customFetch]: requestWithin(timeout),
      // The signature too, though the token came straight from the provider over TLS: a proxy in between, or a provider that mixes people up, is found out.
      execute: [client.enableNonRepudiationChecks, ...(isPlain(issuer) ? [client.allowInsecureRequests] : [])],
    });
    return found;
  };

  const arrive: Protocol["arrive"] = async (client, config, response) => {
    const token = response.claims();
    if (!token) throw new ProviderFailure("oauth2_answer_invalid", new Error("there is no ID token"));
    if (acrValues.length > 0 && !acrValues.some((value) => value === token["acr"])) {
      throw new ProviderFailure("oauth2_answer_invalid", new Error("the person did not sign in there in the way that was asked for"));
    }
    const asksElsewhere = token["email"] === undefined && config.serverMetadata().userinfo_endpoint !== undefined;
    const claims = asksElsewhere ? merged(await client.fetchUserInfo(config, response.access_token, token.sub), token) : token;
    return { issuer: token.iss, profile: await mapped(() => settings.profile(claims)) };
  };

  return {
    label,
    postsForm: responseMode === "form_post",
    keepsTokens: settings.keepTokens,
    open(setup) {
      const problems = problemsOf(settings);
      if (problems.length > 0) throw new ConfigError(problems);
      let configuration: (() => Promise<OpenId.Configuration>) | null = null;
      return opened(setup, {
        label,
        scope,
        maxAge,
        withPkce: !settings.dangerouslyWithoutPkce,
        withNonce: !settings.dangerouslyWithoutNonce,
        parameters: {
          ...settings.parameters,
          ...(prompt !== undefined && { prompt }),
          ...(acrValues.length > 0 && { acr_values: acrValues.join(" ") }),
          ...(responseMode !== "query" && { response_mode: responseMode }),
        },
        configuration: (client) => {
          configuration ??= configurations(setup.clock, (skew) => discover(client, setup.clock, skew));
          return configuration();
        },
        arrive,
      });
    },
  };
}

/** A provider of plain OAuth2, which has its own way to say who somebody is: with PKCE (S256). */
export function oauth2Provider(options: PlainOAuth2Options): Provider {
  const settings = { ...DEFAULTS, ...options };
  const { label, clientId, issuer, scope, timeout, revocationEndpoint } = settings;
  const endpoints = {
    authorization_endpoint: addressOf("authorizationEndpoint", settings.authorizationEndpoint).href,
    token_endpoint: addressOf("tokenEndpoint", settings.tokenEndpoint).href,
    ...(revocationEndpoint !== undefined && { revocation_endpoint: addressOf("revocationEndpoint", revocationEndpoint).href }),
  };

  const configuration = async (client: Client, clock: Clock): Promise<OpenId.Configuration> => {
    const config = new client.Configuration({ issuer, ...endpoints }, clientId, {}, await authenticationOf(client, settings, clock));
    config.timeout = timeout / 1000;
    config[client.customFetch] = requestWithin(timeout);
    if (isPlain(new URL(endpoints.token_endpoint))) client.allowInsecureRequests(config);
    return config;
  };

  return {
    label,
    postsForm: false,
    keepsTokens: settings.keepTokens,
    open(setup) {
      const problems = problemsOf(settings);
      if (problems.length > 0) throw new ConfigError(problems);
      const provider = opened(setup, {
        label,
        scope,
        maxAge: null,
        withPkce: !settings.dangerouslyWithoutPkce,
        withNonce: false,
        parameters: settings.parameters,
        configuration: (client) => configuration(client, setup.clock),
        async arrive(client, config, response) {
          const get = async (url: string): Promise<unknown> => {
            const answer = await client.fetchProtectedResource(
              config,
              response.access_token,
              new URL(url),
              "GET",
              null,
              new Headers({ accept: "application/json" }),
            );
            if (answer.status >= 500) throw new ProviderFailure("oauth2_provider_unavailable", new Error(`status ${answer.status}`));
            if (answer.status !== 200) throw new ProviderFailure("oauth2_provider_error", new Error(`status ${answer.status}`));
            return answer.json();
          };
          return { issuer, profile: await mapped(() => settings.details(get)) };
        },
      });
      return { ...provider, issuer };
    },
  };
}
