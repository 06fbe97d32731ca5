/** What the parts of this module share: what came back from a provider, in a form that can be kept, and what went wrong. @module */
import {
  type Context,
  type Core,
  emailIdentifier,
  type Intent,
  type NewIdentity,
  type OAuth2ServerStorer,
  page,
  type Reply,
  redirect,
} from "@castellan/core";
import { oauth2Failed } from "./channels.ts";
import { type Flows, flowsOf } from "./flows.ts";
import { withoutData } from "./for-the-log.ts";
import { oauth2FailedView } from "./pages.ts";
import { type Arrival, ProviderFailure } from "./provider.ts";
import type { NamedProvider, OAuth2Settings } from "./settings.ts";
import { type Vault, vaultOf } from "./vault.ts";

/** Somebody whom a provider vouches for, and what for they came. Travels in sealed rows, so it is plain JSON. */
export interface Found {
  readonly provider: string;
  readonly issuer: string;
  readonly subject: string;
  /** Normalised; `null` for none, or none that mail could go to. */
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly name: string | null;
  /** The tokens to keep, as text; `null` where none are kept. */
  readonly tokens: string | null;
  readonly intent: Intent;
}

export interface Desk {
  readonly core: Core<OAuth2ServerStorer>;
  readonly settings: OAuth2Settings;
  readonly flows: Flows;
  readonly vault: Vault;
  /** What somebody is told when it went wrong at the provider, or on the way. */
  failed(ctx: Context, provider: NamedProvider, error: ProviderFailure | "oauth2_flow_invalid"): Promise<Reply>;
  /** Checks what a provider said. Throws a {@link ProviderFailure}. */
  foundFrom(arrival: Arrival, provider: NamedProvider, intent: Intent): Found;
  /** The identity of somebody found, for the user `pid`. */
  identityOf(found: Found, pid: string): NewIdentity;
  labelOf(provider: string): string;
}

/** Statuses that tell the truth: 502 for what the other side got wrong (RFC 9110, 15.6.3). */
const STATUS: Readonly<Record<string, number>> = { oauth2_flow_invalid: 400, oauth2_provider_unavailable: 503 };
const RETRY_SECONDS = 10;

const LONGEST = { issuer: 512, subject: 255, name: 100 } as const;
const addresses = emailIdentifier();

/** One line of text, as a person may be shown it. */
const plain = (text: unknown): string | null => {
  const line = typeof text === "string" ? text.replaceAll(/[\p{C}\s]+/gu, " ").trim() : "";
  return line === "" ? null : [...line].slice(0, LONGEST.name).join("");
};

const isIdentifier = (text: unknown, longest: number): text is string =>
  typeof text === "string" && text !== "" && text.length <= longest && text.isWellFormed() && !text.includes("\0");

export function deskOf(core: Core<OAuth2ServerStorer>, settings: OAuth2Settings): Desk {
  const vault = vaultOf(core);
  return {
    core,
    settings,
    vault,
    flows: flowsOf(core),

    async failed(ctx, { name, label }, error) {
      const reason = typeof error === "string" ? error : error.reason;
      // What anybody can bring about alone is not worth a line.
      if (typeof error !== "string" && reason !== "oauth2_denied")
        core.logger.warn("a sign-in by a provider failed", { provider: name, reason, error: withoutData(error) });
      const event = { provider: name, reason, ctx };
      const own = await core.emit.before(oauth2Failed, event);
      await core.emit.after(oauth2Failed, event);
      if (own) return own;
      if (reason === "oauth2_denied") return redirect(settings.afterDenied, { reason, flash: "failure" });
      const status = STATUS[reason] ?? 502;
      return page(oauth2FailedView, { provider: name, label }, { status, reason, ...(status === 503 && { retryAfter: RETRY_SECONDS }) });
    },

    foundFrom({ issuer, profile, tokens }, provider, intent) {
      const { subject, email, emailVerified, name } = profile;
      if (!isIdentifier(subject, LONGEST.subject) || !isIdentifier(issuer, LONGEST.issuer)) {
        throw new ProviderFailure("oauth2_details_missing", new Error("there is no id of the person, or one of the wrong form"));
      }
      const address = typeof email === "string" ? addresses.normalize(email) : null;
      return {
        provider: provider.name,
        issuer,
        subject,
        email: address,
        emailVerified: address !== null && emailVerified === true,
        name: plain(name),
        tokens: provider.keepsTokens && tokens ? vault.textOf(tokens) : null,
        intent,
      };
    },

    identityOf: ({ provider, issuer, subject, email, tokens }, pid) => ({
      provider,
      issuer,
      subject,
      email,
      tokens: vault.seal(pid, issuer, subject, tokens),
      linkedAt: core.clock.now(),
    }),

    labelOf: (provider) => settings.providers.get(provider)?.label ?? provider,
  };
}
