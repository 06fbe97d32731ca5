/** What the module needs of a provider, whichever protocol it speaks, and how one fails. @module */
import { after, type Clock, ConfigError, type Duration, days, type Random, seconds } from "@castellan/core";

/** Whom a provider vouches for. */
export interface Profile {
  /** The id at the provider, which is never given out twice: never an address, never a name. */
  readonly subject: string;
  readonly email: string | null;
  /** Whether the provider says that the mailbox is this person's. Only `true` counts. */
  readonly emailVerified: boolean;
  readonly name: string | null;
}

/** What opens the provider's own doors, in the person's name. */
export interface ProviderTokens {
  readonly accessToken: string;
  /** `null` where the provider gave none. */
  readonly refreshToken: string | null;
  /** `null` where the provider did not say. */
  readonly expiresAt: Date | null;
  readonly scope: string | null;
}

/** Somebody came back. */
export interface Arrival {
  readonly issuer: string;
  readonly profile: Profile;
  readonly tokens: ProviderTokens | null;
}

/** Where to go, and what must be there when somebody comes back. */
export interface Departure {
  readonly to: URL;
  /** The provider's own page: `to` without what is asked of it. */
  readonly endpoint: URL;
  /** Kept on the server, sealed. */
  readonly keep: string;
}

/** What a provider may use. */
export interface ProviderSetup {
  readonly name: string;
  /** The address that people come back to. */
  readonly callback: string;
  readonly clock: Clock;
  readonly random: Random;
}

/** A provider of one gate. */
export interface OpenProvider {
  /** Who vouches, where that is known before anybody comes. */
  readonly issuer?: string;
  /** Whether that was not said but concluded from where the provider is: then another one of the same issuer may be another one, with the same ids for different people. @default false */
  readonly concludesIssuer?: boolean;
  begin(state: string): Promise<Departure>;
  /** `answer` is what came back, each parameter once; `keep` is what {@link begin} wanted kept. Throws a {@link ProviderFailure}. */
  finish(answer: URLSearchParams, state: string, keep: string): Promise<Arrival>;
  /** `null` when the provider does not take the token any more. */
  refresh(refreshToken: string): Promise<ProviderTokens | null>;
  /** Ends tokens at the provider; does nothing where it offers no such thing. */
  revoke(tokens: ProviderTokens): Promise<void>;
}

/** A provider, made by {@link oidcProvider}, {@link oauth2Provider}, {@link passportProvider}, or one of the ready-made functions. */
export interface Provider {
  /** What people know it as. */
  readonly label: string;
  /** Whether it answers by a form that it posts to us (Apple). */
  readonly postsForm: boolean;
  /** Whether its tokens are kept, sealed. */
  readonly keepsTokens: boolean;
  /** Called once, when the gate is made. Throws a {@link ConfigError}. */
  open(setup: ProviderSetup): OpenProvider;
}

export type FailureReason =
  | "oauth2_denied"
  | "oauth2_provider_error"
  | "oauth2_provider_unavailable"
  | "oauth2_answer_invalid"
  | "oauth2_clock"
  | "oauth2_details_missing";

/** Something went wrong at the provider, or on the way. `cause` is for the log. */
export class ProviderFailure extends Error {
  readonly reason: FailureReason;

  constructor(reason: FailureReason, cause?: unknown) {
    super(`the provider failed: ${reason}`, cause === undefined ? undefined : { cause });
    this.name = "ProviderFailure";
    this.reason = reason;
  }
}

/** Errors by which a provider says that the person, or whoever runs the provider, does not want it (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6; and words of single providers). */
const DENIED = new Set([
  "access_denied",
  "login_required",
  "consent_required",
  "interaction_required",
  "account_selection_required",
  "user_cancelled_login",
  "user_cancelled_authorize",
  "user_cancelled_authorization",
]);

/** The failure that the parameter `error` of an answer stands for. What else the provider says about it is shown to nobody. */
export function failureOf(error: string): ProviderFailure {
  const cause = new Error(`the provider answered "${error.slice(0, 100)}"`);
  if (DENIED.has(error)) return new ProviderFailure("oauth2_denied", cause);
  const isAway = error === "server_error" || error === "temporarily_unavailable";
  return new ProviderFailure(isAway ? "oauth2_provider_unavailable" : "oauth2_provider_error", cause);
}

/** Makes a profile of what a provider said. What cannot be made one says nothing of who it is. */
export async function mapped(make: () => Profile | Promise<Profile>): Promise<Profile> {
  try {
    const profile: unknown = await make();
    if (typeof profile !== "object" || profile === null) throw new TypeError("what was made of the details is no profile");
    return profile as Profile; // each of its fields is looked at where it is used
  } catch (error) {
    throw error instanceof ProviderFailure ? error : new ProviderFailure("oauth2_details_missing", error);
  }
}

/** No token is good for longer than anybody will look; and times have an end (ECMA-262, 21.4.1.1). */
const LONGEST_LIFE: Duration = days(3650);

/** When a token ends that lasts `lasts` seconds (RFC 6749, 5.1), as a number or as one in writing; `null` for a length that says nothing. */
export function endOf(now: Date, lasts: unknown): Date | null {
  const count = typeof lasts === "string" && /^\d{1,12}$/.test(lasts) ? Number(lasts) : lasts;
  return typeof count === "number" && count > 0 && count * 1000 <= LONGEST_LIFE ? after(now, seconds(count)) : null;
}

/** What `work` comes to, or a failure when that takes too long. What the provider does afterwards is not waited for. */
export async function within<T>(time: Duration, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ProviderFailure("oauth2_provider_unavailable", new Error(`no answer in ${time} ms`))), time);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const isLoopback = (hostname: string): boolean => hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);

/** An address of a provider: over TLS, but for a provider on this machine. Throws a {@link ConfigError} that names `option`. */
export function addressOf(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname))) return url;
  throw new ConfigError([`oauth2: \`${option}\` must be an address that begins with https:, not ${JSON.stringify(text)}`]);
}

/** Whether plain HTTP is meant: for a provider on this machine only. */
export const isPlain = (url: URL): boolean => url.protocol === "http:" && isLoopback(url.hostname);
