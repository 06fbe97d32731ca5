/** The module's options, with their defaults. @module */
import { ConfigError, type Core, type Duration, isDuration, minutes } from "@castellan/core";
import type { OpenProvider, Profile, Provider } from "./provider.ts";

/** The providers, by the names that stand in their addresses: small letters, digits and hyphens. */
export type Providers = Readonly<Record<string, Provider>>;

export interface OAuth2Options {
  /** Where a sign-in leads when no page was wanted: a path of the application. @default "/" */
  readonly afterLogin?: string;
  /** Where people go who did not agree at the provider: a path of the application. @default the login page */
  readonly afterDenied?: string;
  /** Where connecting an account leads: a path of the application. @default the page of connected accounts */
  readonly afterLink?: string;
  /** Whether people whom nobody knows get an account. @default true */
  readonly register?: boolean;
  /** What is kept of the provider's profile in a new account's `profile`. @default the name, as `name` */
  readonly newProfile?: (profile: Profile, provider: string) => Readonly<Record<string, string>>;
  /** Parameters of the address that begins a sign-in which are put behind the page that it leads to. @default none */
  readonly passAlong?: readonly string[];
  /** How fresh the sign-in must be to connect or disconnect an account. @default minutes(30) */
  readonly recent?: Duration;
  /** Whether there is a login page of this module, for an application without `auth`. @default false */
  readonly loginPage?: boolean;
}

export interface OAuth2Settings extends Required<OAuth2Options> {
  readonly providers: ReadonlyMap<string, NamedProvider>;
}

/** A provider under its name, ready. */
export interface NamedProvider extends OpenProvider {
  readonly name: string;
  readonly label: string;
  readonly postsForm: boolean;
  readonly keepsTokens: boolean;
}

const DEFAULTS = {
  afterLogin: "/",
  register: true,
  newProfile: ({ name }: Profile): Readonly<Record<string, string>> => (name === null ? {} : { name }),
  passAlong: [],
  recent: minutes(30),
  loginPage: false,
} as const;

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;
/** Paths of our own below `/oauth2`. */
const TAKEN: ReadonlySet<string> = new Set(["callback", "connect", "finish", "link", "unlink"]);
const PARAMETER = /^[A-Za-z][\w.-]{0,39}$/;
const OWN_PARAMETERS: ReadonlySet<string> = new Set(["redir", "remember", "rm", "_csrf"]);

export const callbackPath = (name: string): string => `/oauth2/callback/${name}`;

export function settingsFrom(core: Core, providers: Providers, options: OAuth2Options): OAuth2Settings {
  const settings = { ...DEFAULTS, afterDenied: core.path("/login"), afterLink: core.path("/oauth2"), ...options };
  const problems = [
    ...Object.keys(providers)
      .filter((name) => !NAME.test(name) || TAKEN.has(name))
      .map(
        (name) =>
          `oauth2: a provider cannot be named "${name}": use small letters, digits and hyphens, and none of ${[...TAKEN].join(", ")}`,
      ),
    ...settings.passAlong
      .filter((name) => !PARAMETER.test(name) || OWN_PARAMETERS.has(name))
      .map((name) => `oauth2: \`passAlong\` cannot have "${name}": it is ours, or not a plain word`),
    ...(isDuration(settings.recent) ? [] : ["oauth2: `recent` must be a duration, for example minutes(30)"]),
  ];
  const open = new Map<string, NamedProvider>();
  for (const [name, provider] of Object.entries(providers)) {
    try {
      const { label, postsForm, keepsTokens } = provider;
      const { clock, random } = core;
      open.set(name, {
        ...provider.open({ name, clock, random, callback: core.address(callbackPath(name)) }),
        name,
        label,
        postsForm,
        keepsTokens,
      });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
    }
  }
  problems.push(...problemsOfIssuers(open));
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...settings, providers: open };
}

/** Two tenants at one host give out their ids apart from each other: nobody must come into the other's account because both are called 1. */
function problemsOfIssuers(providers: ReadonlyMap<string, NamedProvider>): readonly string[] {
  const concluded = new Set([...providers.values()].flatMap(({ issuer, concludesIssuer }) => (issuer && concludesIssuer ? issuer : [])));
  return [...concluded].flatMap((issuer) => {
    const names = [...providers.values()].filter((one) => one.issuer === issuer).map(({ name }) => `"${name}"`);
    if (names.length < 2) return [];
    return `oauth2: ${names.join(" and ")} lead to one host, and each would be "${issuer}": say \`issuer\` of each, the same if equal ids there are the same people`;
  });
}
