/** Any strategy that derives from passport-oauth2 as a provider, without passport. @module */
import { ConfigError, type Duration, isDuration, seconds } from "@castellan/core";
import {
  addressOf,
  endOf,
  mapped,
  type OpenProvider,
  type Profile,
  type Provider,
  ProviderFailure,
  type ProviderTokens,
  within,
} from "./provider.ts";
import { guarded, type StrategyClient, withAsyncCaught } from "./strategy-guards.ts";

/** The class of a strategy: `GoogleStrategy` of passport-google-oauth20, say. Its options and its callback are its own business. */
export type StrategyClass = new (options: never, verify: never) => object;

/** What came with the profile. */
export interface PassportDetails {
  readonly accessToken: string;
  /** Everything else that the token endpoint answered. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface PassportSettings {
  /** What people know the provider as. */
  readonly label: string;
  /**
   * Who vouches, as it stands with the identities. Not to be changed later. Two providers at one host must say it, or the gate does not start: each its own, or the same where equal ids are the same people.
   * @default "oauth2:" and where the strategy leads: "oauth2:https://accounts.google.com"
   */
  readonly issuer?: string;
  /** Makes ours of the strategy's profile. @default {@link profileOfPassport} */
  readonly profile?: (profile: Readonly<Record<string, unknown>>, details: PassportDetails) => Profile | Promise<Profile>;
  /** What the strategy's `authenticate` takes: extra parameters for the provider's page, in its own words. @default {} */
  readonly authenticate?: Readonly<Record<string, unknown>>;
  /** Whether the provider's tokens are kept, sealed, for `gate.oauth2.tokens()`. @default false */
  readonly keepTokens?: boolean;
  /** How long the provider may take, for all that is asked of it. @default seconds(10) */
  readonly timeout?: Duration;
  /** For a provider, or a strategy, that cannot do PKCE: without it a code that was stolen can be used. @default false */
  readonly dangerouslyWithoutPkce?: boolean;
}

const DEFAULTS = { authenticate: {}, keepTokens: false, timeout: seconds(10), dangerouslyWithoutPkce: false } as const;

const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const recordOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
/** A number beyond what JavaScript tells apart is no id: two people would have the same. Also where a strategy has made a text of it (`_json` is what it read). */
function idOf({ id, _json }: Readonly<Record<string, unknown>>): string {
  const read = recordOf(_json)["id"];
  if (typeof read === "number" && !Number.isSafeInteger(read)) return "";
  return Number.isSafeInteger(id) ? String(id) : (textOf(id) ?? "");
}

/**
 * The profile that strategies agree on (id, displayName, emails). An address counts as verified only where the strategy itself says so: most do not, and a provider that lets people name any address
 * verifies none.
 */
export function profileOfPassport(profile: Readonly<Record<string, unknown>>): Profile {
  const { displayName, emails, email } = profile;
  const first = recordOf(Array.isArray(emails) ? emails[0] : null);
  return {
    subject: idOf(profile),
    email: textOf(first["value"]) ?? textOf(email),
    emailVerified: first["verified"] === true,
    name: textOf(displayName),
  };
}

/** What travels with a request through a strategy. */
interface Flow {
  readonly state: string;
  verifier: string | null;
}

/** What a strategy gets for a request: what it reads of one, and no more. */
interface StrategyRequest {
  readonly method: "GET";
  readonly url: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, never>>;
  readonly headers: Readonly<Record<string, never>>;
  readonly castellan: Flow;
}

type Stored = (error: unknown, handle?: unknown, state?: unknown) => void;

// The strategy counts the parameters to find out how to call them.
const stateStore = {
  store(req: StrategyRequest, verifier: unknown, _state: unknown, _meta: unknown, done: Stored): void {
    req.castellan.verifier = textOf(verifier);
    done(null, req.castellan.state);
  },
  // The module has taken the flow of this very state before the strategy is asked.
  verify(req: StrategyRequest, _state: unknown, _meta: unknown, done: Stored): void {
    done(null, req.castellan.verifier ?? true);
  },
};

interface Verified {
  readonly accessToken: unknown;
  readonly refreshToken: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly profile: Readonly<Record<string, unknown>>;
}

type Came = { readonly to: string } | { readonly verified: Verified };

/** Part of a strategy that is not in its types, but has been there since the first version: its client. */
interface Insides {
  readonly _oauth2?: StrategyClient;
}

const failed = (error: unknown): ProviderFailure => {
  if (error instanceof ProviderFailure) return error;
  // The strategies wrap what node:http or the provider said.
  const inner = recordOf(typeof error === "object" && error !== null ? Reflect.get(error, "oauthError") : null);
  const status = Number(inner["statusCode"] ?? Reflect.get(Object(error), "status") ?? 0);
  const isNetwork = inner["code"] !== undefined || (status >= 500 && Reflect.get(Object(error), "name") === "InternalOAuthError");
  return new ProviderFailure(isNetwork ? "oauth2_provider_unavailable" : "oauth2_provider_error", error);
};

const thrownBy = (error: unknown): ProviderFailure => new ProviderFailure("oauth2_provider_error", error);

/** Whatever the strategy took for an access token is one only as a text. */
function tokensOf({ accessToken, refreshToken, parameters }: Omit<Verified, "profile">, now: Date): ProviderTokens {
  const token = textOf(accessToken);
  if (token === null) throw new ProviderFailure("oauth2_answer_invalid", new Error("the access token is no text"));
  return {
    accessToken: token,
    refreshToken: textOf(refreshToken),
    expiresAt: endOf(now, parameters["expires_in"]),
    scope: textOf(parameters["scope"]),
  };
}

/**
 * A strategy as a provider. The strategy's `state` and PKCE are always on and are ours: what the options say of `state`, `pkce`, `store` and `callbackURL` does not count. Start-up fails where the strategy
 * leaves out either, unless {@link PassportSettings.dangerouslyWithoutPkce} is said.
 */
export function passportProvider(
  Strategy: StrategyClass,
  options: Readonly<Record<string, unknown>>,
  settings: PassportSettings,
): Provider {
  const {
    label,
    keepTokens,
    timeout,
    dangerouslyWithoutPkce,
    profile = profileOfPassport,
    authenticate,
    issuer,
  } = { ...DEFAULTS, ...settings };
  return {
    label,
    postsForm: false,
    keepsTokens: keepTokens,
    open({ name, callback, clock }): OpenProvider {
      if (!isDuration(timeout)) throw new ConfigError([`oauth2: ${name}: \`timeout\` must be a duration, for example seconds(10)`]);
      const given = {
        ...options,
        callbackURL: callback,
        state: true,
        store: stateStore,
        passReqToCallback: false,
        pkce: dangerouslyWithoutPkce ? false : "S256",
      };
      const verify = (
        accessToken: unknown,
        refreshToken: unknown,
        parameters: unknown,
        said: unknown,
        done: (error: null, user: Verified) => void,
      ): void => done(null, { accessToken, refreshToken, parameters: recordOf(parameters), profile: recordOf(said) });
      // The strategy's own types are for its own options and callback; ours are what every one of them takes.
      const strategy = new Strategy(given as never, verify as never);
      const oauth2 = (strategy as Insides)._oauth2;

      const run = (
        query: Readonly<Record<string, string>>,
        flow: Flow,
        more: object,
        answered: (came: Came | ProviderFailure) => void,
      ): void => {
        const url = `${callback}?${new URLSearchParams(query)}`;
        const req: StrategyRequest = { method: "GET", url, query, body: {}, headers: {}, castellan: flow };
        const thrown = (error: unknown): void => answered(error instanceof ProviderFailure ? error : thrownBy(error));
        const asked: object = Object.assign(withAsyncCaught(strategy, thrown), {
          redirect: (to: string) => answered({ to }),
          success: (verified: Verified) => answered({ verified }),
          fail: (said: unknown) => answered(new ProviderFailure("oauth2_provider_error", said)),
          pass: () => answered(new ProviderFailure("oauth2_provider_error", new Error("the strategy did nothing"))),
          error: (error: unknown) => answered(failed(error)),
          ...(oauth2 && { _oauth2: guarded(oauth2, thrown, timeout) }),
        });
        Reflect.get(asked, "authenticate").call(asked, req, { ...authenticate, ...more });
      };
      const ask = (query: Readonly<Record<string, string>>, flow: Flow, more: object = {}): Promise<Came> =>
        within(
          timeout,
          new Promise((resolve, reject) => {
            try {
              run(query, flow, more, (came) => (came instanceof ProviderFailure ? reject(came) : resolve(came)));
            } catch (error) {
              reject(failed(error));
            }
          }),
        );

      const endpoint = checkedEndpoint(name, { run, dangerouslyWithoutPkce, callback });
      // Apart from the issuer of OpenID Connect at the same place: the ids of the two need not be the same.
      const vouches = issuer ?? `oauth2:${endpoint.origin}`;

      return {
        issuer: vouches,
        concludesIssuer: issuer === undefined,
        async begin(state) {
          const flow: Flow = { state, verifier: null };
          const came = await ask({}, flow);
          if (!("to" in came)) throw new ProviderFailure("oauth2_provider_error", new Error("the strategy did not lead to the provider"));
          return { to: new URL(came.to), endpoint, keep: JSON.stringify({ verifier: flow.verifier }) };
        },
        async finish(answer, state, keep) {
          const { verifier } = JSON.parse(keep) as Pick<Flow, "verifier">; // `begin` wrote it
          const query = Object.fromEntries(answer);
          // Without a code the strategy would begin anew.
          if (!query["code"]) throw new ProviderFailure("oauth2_answer_invalid", new Error("there is no code"));
          const came = await ask(query, { state, verifier });
          if (!("verified" in came)) throw new ProviderFailure("oauth2_provider_error", new Error("the strategy led away again"));
          const { verified } = came;
          const tokens = tokensOf(verified, clock.now());
          const details = { accessToken: tokens.accessToken, parameters: verified.parameters };
          const said = await within(
            timeout,
            mapped(() => profile(verified.profile, details)),
          );
          return { issuer: vouches, profile: said, tokens };
        },
        async refresh(refreshToken) {
          if (!oauth2) return null;
          const asking = new Promise<ProviderTokens | null>((resolve, reject) => {
            const client = guarded(oauth2, (error) => reject(error instanceof ProviderFailure ? error : thrownBy(error)), timeout);
            client.getOAuthAccessToken(refreshToken, { grant_type: "refresh_token" }, (error, accessToken, next, more) => {
              const said = String(recordOf(error)["data"] ?? "");
              if (error) return said.includes("invalid_grant") ? resolve(null) : reject(failed({ oauthError: error }));
              resolve(tokensOf({ accessToken, refreshToken: next ?? refreshToken, parameters: recordOf(more) }, clock.now()));
            });
          });
          return within(timeout, asking);
        },
        // Strategies know nothing of it.
        revoke: async () => {},
      };
    },
  };
}

/** Where the strategy leads, found out before anybody goes there; and whether it takes our state and PKCE along. */
function checkedEndpoint(
  name: string,
  {
    run,
    dangerouslyWithoutPkce,
    callback,
  }: {
    readonly run: (
      query: Readonly<Record<string, string>>,
      flow: Flow,
      more: object,
      answered: (came: Came | ProviderFailure) => void,
    ) => void;
    readonly dangerouslyWithoutPkce: boolean;
    readonly callback: string;
  },
): URL {
  const found: (Came | ProviderFailure)[] = [];
  run({}, { state: "a-state-for-the-start-up-check", verifier: null }, {}, (came) => found.push(came));
  const [came] = found;
  if (!came || came instanceof ProviderFailure || !("to" in came)) {
    const why = came instanceof ProviderFailure ? `: ${came.cause}` : "";
    throw new ConfigError([
      `oauth2: the strategy of "${name}" does not lead to its provider at once${why}: is it derived from passport-oauth2?`,
    ]);
  }
  const to = addressOf(`the page of ${name}`, came.to);
  const query = to.searchParams;
  const problems: string[] = [];
  if (query.get("state") !== "a-state-for-the-start-up-check")
    problems.push(`oauth2: the strategy of "${name}" does not take \`state\` along: it cannot be used`);
  if (query.get("redirect_uri") !== callback) problems.push(`oauth2: the strategy of "${name}" does not lead back to ${callback}`);
  if (!dangerouslyWithoutPkce && query.get("code_challenge_method") !== "S256") {
    problems.push(
      `oauth2: the strategy of "${name}" does not do PKCE (S256): use a newer version of it, or say dangerouslyWithoutPkce: true`,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return new URL(to.origin + to.pathname);
}
