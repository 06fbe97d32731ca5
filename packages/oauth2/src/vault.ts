/** The provider's tokens at rest: sealed for one user and one identity. @module */
import type { Core, Identity } from "@castellan/core";
import type { ProviderTokens } from "./provider.ts";

const PURPOSE = "oauth2/tokens";
/** What a storer must take; see `NewIdentity.tokens`. */
const LONGEST = 16_384;

export interface Vault {
  /** Seals tokens (as JSON); `null` for none, and for some that are too long to be kept. */
  seal(pid: string, issuer: string, subject: string, tokens: string | null): string | null;
  /** `null` for none, and for what cannot be opened any more: its key is gone. */
  open(identity: Pick<Identity, "pid" | "issuer" | "subject" | "tokens">): ProviderTokens | null;
}

const ownerOf = (pid: string, issuer: string, subject: string): string => JSON.stringify([pid, issuer, subject]);

export function vaultOf({ keys, logger }: Core): Vault {
  return {
    seal(pid, issuer, subject, tokens) {
      if (tokens === null) return null;
      const sealed = keys.seal(PURPOSE, ownerOf(pid, issuer, subject), tokens);
      if (sealed.length <= LONGEST) return sealed;
      logger.warn("a provider's tokens are too long to be kept", { issuer, length: sealed.length });
      return null;
    },
    open({ pid, issuer, subject, tokens }) {
      const text = tokens === null ? null : keys.open(PURPOSE, ownerOf(pid, issuer, subject), tokens);
      if (text === null) return null;
      const { expiresAt, ...rest } = JSON.parse(text) as Omit<ProviderTokens, "expiresAt"> & { readonly expiresAt: string | null }; // sealed by `seal`
      return { ...rest, expiresAt: expiresAt === null ? null : new Date(expiresAt) };
    },
  };
}
