/** Settings of the providers that people use most, so that an application says no more than what it was given there. @module */
import { createPrivateKey, sign } from "node:crypto";
import { hours } from "@castellan/core";
import {
  type Claims,
  type ClientOptions,
  type OidcOptions,
  oauth2Provider,
  oidcProvider,
  type PlainOAuth2Options,
  profileOfClaims,
} from "./openid.ts";
import { type Profile, type Provider, ProviderFailure } from "./provider.ts";

/** What an application says of a ready-made provider; what it says wins over what is ready. */
export type ReadyMade<Options extends ClientOptions> = Pick<Options, "clientId" | "clientSecret"> & Partial<Options>;

const LABELS = {
  google: "Google",
  microsoft: "Microsoft",
  apple: "Apple",
  gitlab: "GitLab",
  linkedin: "LinkedIn",
  slack: "Slack",
  github: "GitHub",
  discord: "Discord",
  facebook: "Facebook",
} as const;

export const google = (options: ReadyMade<OidcOptions>): Provider =>
  oidcProvider({ label: LABELS.google, issuer: "https://accounts.google.com", ...options });

/**
 * Accounts of Microsoft. `tenant` is the id of one organisation; without it everybody may come, and each is known by organisation and id. An address is never taken for verified unless Microsoft says that
 * its domain was (`xms_edov`): whoever runs an organisation may give its people any address.
 */
export const microsoft = ({ tenant = "common", ...options }: ReadyMade<OidcOptions> & { readonly tenant?: string }): Provider =>
  oidcProvider({
    label: LABELS.microsoft,
    issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
    clientAuthentication: "client_secret_post",
    profile: (claims) => ({ ...profileOfClaims(claims), emailVerified: claims["xms_edov"] === true }),
    ...options,
  });

/** What Apple gives out for a service: the secret is made of it. */
export interface AppleOptions extends Omit<Partial<OidcOptions>, "clientSecret"> {
  /** The identifier of the service. */
  readonly clientId: string;
  readonly teamId: string;
  readonly keyId: string;
  /** The key, as PEM (`-----BEGIN PRIVATE KEY-----`). */
  readonly privateKey: string;
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A client secret as Apple wants it: a token signed with the key (ES256), for two days. */
function appleSecret({ clientId, teamId, keyId, privateKey }: AppleOptions, at: Date): string {
  const now = Math.floor(at.getTime() / 1000);
  const claims = { iss: teamId, iat: now, exp: now + hours(48) / 1000, aud: "https://appleid.apple.com", sub: clientId };
  const signed = `${encoded({ alg: "ES256", kid: keyId })}.${encoded(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), { key: createPrivateKey(privateKey), dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

/** Apple answers by a form from its own site, and writes truth values as texts. The name that it tells once, outside of the token, is not read: anybody could have written it. */
export function apple(options: AppleOptions): Provider {
  const { teamId: _team, keyId: _key, privateKey: _private, ...rest } = options;
  return oidcProvider({
    label: LABELS.apple,
    issuer: "https://appleid.apple.com",
    scope: "openid email name",
    responseMode: "form_post",
    clientSecret: (now) => appleSecret(options, now),
    clientAuthentication: "client_secret_post",
    profile: (claims) => ({
      ...profileOfClaims(claims),
      emailVerified: claims["email_verified"] === true || claims["email_verified"] === "true",
    }),
    ...rest,
  });
}

/** GitLab, by `issuer` also one's own. */
export const gitlab = (options: ReadyMade<OidcOptions>): Provider =>
  oidcProvider({ label: LABELS.gitlab, issuer: "https://gitlab.com", ...options });

/** LinkedIn does not do PKCE for those who have a secret, and sends no nonce back. */
export const linkedin = (options: ReadyMade<OidcOptions>): Provider =>
  oidcProvider({
    label: LABELS.linkedin,
    issuer: "https://www.linkedin.com/oauth",
    clientAuthentication: "client_secret_post",
    dangerouslyWithoutPkce: true,
    dangerouslyWithoutNonce: true,
    ...options,
  });

export const slack = (options: ReadyMade<OidcOptions>): Provider =>
  oidcProvider({ label: LABELS.slack, issuer: "https://slack.com", clientAuthentication: "client_secret_post", ...options });

/** What an organisation runs itself, or has run for it: the label is what its people call it. */
type OwnIssuer = ReadyMade<OidcOptions> & Pick<OidcOptions, "label">;

/** A realm of Keycloak: `https://id.example.com/realms/NAME`. */
export const keycloak = (options: OwnIssuer & { readonly issuer: string }): Provider => oidcProvider(options);

/** A tenant of Auth0: `domain` is `NAME.eu.auth0.com`, or one's own. */
export const auth0 = ({ domain, ...options }: OwnIssuer & { readonly domain: string }): Provider =>
  oidcProvider({ issuer: `https://${domain}/`, ...options });

/** An authorization server of Okta: `https://NAME.okta.com`, or `https://NAME.okta.com/oauth2/default`. */
export const okta = (options: OwnIssuer & { readonly issuer: string }): Provider => oidcProvider(options);

// Plain OAuth2 ----------------------------------------------------------------------------------------------------------

const recordOf = (value: unknown): Claims => {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.fromEntries(Object.entries(value));
  throw new ProviderFailure("oauth2_answer_invalid", new Error("the provider did not answer with an object"));
};
const textOf = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);

/** GitHub: known by number. The address is the primary one, and verified where GitHub says so. */
export const github = (options: ReadyMade<PlainOAuth2Options>): Provider =>
  oauth2Provider({
    label: LABELS.github,
    issuer: "oauth2:https://github.com",
    authorizationEndpoint: "https://github.com/login/oauth/authorize",
    tokenEndpoint: "https://github.com/login/oauth/access_token",
    clientAuthentication: "client_secret_post",
    scope: "read:user user:email",
    details: githubDetails,
    ...options,
  });

async function githubDetails(get: (url: string) => Promise<unknown>): Promise<Profile> {
  const user = recordOf(await get("https://api.github.com/user"));
  const emails = await get("https://api.github.com/user/emails");
  const primary = (Array.isArray(emails) ? emails : []).map(recordOf).find(({ primary }) => primary === true);
  return {
    // A number, and not the name, which may be given up and taken by somebody else.
    subject: Number.isSafeInteger(user["id"]) ? String(user["id"]) : "",
    email: textOf(primary?.["email"]),
    emailVerified: primary?.["verified"] === true,
    name: textOf(user["name"]) ?? textOf(user["login"]),
  };
}

export const discord = (options: ReadyMade<PlainOAuth2Options>): Provider =>
  oauth2Provider({
    label: LABELS.discord,
    issuer: "oauth2:https://discord.com",
    authorizationEndpoint: "https://discord.com/oauth2/authorize",
    tokenEndpoint: "https://discord.com/api/oauth2/token",
    revocationEndpoint: "https://discord.com/api/oauth2/token/revoke",
    clientAuthentication: "client_secret_post",
    scope: "identify email",
    async details(get) {
      const user = recordOf(await get("https://discord.com/api/users/@me"));
      return {
        subject: textOf(user["id"]) ?? "",
        email: textOf(user["email"]),
        emailVerified: user["verified"] === true,
        name: textOf(user["global_name"]) ?? textOf(user["username"]),
      };
    },
    ...options,
  });

/** Facebook does not say whether an address is verified, so none is. */
export const facebook = (options: ReadyMade<PlainOAuth2Options>): Provider =>
  oauth2Provider({
    label: LABELS.facebook,
    issuer: "oauth2:https://www.facebook.com",
    authorizationEndpoint: "https://www.facebook.com/v21.0/dialog/oauth",
    tokenEndpoint: "https://graph.facebook.com/v21.0/oauth/access_token",
    clientAuthentication: "client_secret_post",
    scope: "email public_profile",
    async details(get) {
      const user = recordOf(await get("https://graph.facebook.com/v21.0/me?fields=id,name,email"));
      return { subject: textOf(user["id"]) ?? "", email: textOf(user["email"]), emailVerified: false, name: textOf(user["name"]) };
    },
    ...options,
  });
