/** The provider's tokens at rest: sealed for one user and one identity. @module */
import type { Core, Identity } from "@castellan/core";
import type { ProviderTokens } from "./provider.ts";

const PURPOSE = "oauth2/tokens";
/** As bytes; sealed, they are what a storer must take: see `NewIdentity.tokens`. */
const LONGEST = 12_000;

export interface Vault {
  /** Tokens as text, to be sealed; `null` for some that are too long to be kept. */
  textOf(tokens: ProviderTokens): string | null;
  /** Seals what {@link textOf} made; `null` for none. */
  seal(pid: string, issuer: string, subject: string, tokens: string | null): string | null;
  /** `null` for none, and for what cannot be opened any more: its key is gone. */
  open(identity: Pick<Identity, "pid" | "issuer" | "subject" | "tokens">): ProviderTokens | null;
}

const ownerOf = (pid: string, issuer: string, subject: string): string => JSON.stringify([pid, issuer, subject]);

export function vaultOf({ keys, logger }: Core): Vault {
  return {
    textOf(tokens) {
      const text = JSON.stringify(tokens);
      const length = Buffer.byteLength(text);
      if (length <= LONGEST) return text;
      logger.warn("a provider's tokens are too long to be kept", { length });
      return null;
    },
    seal: (pid, issuer, subject, tokens) => (tokens === null ? null : keys.seal(PURPOSE, ownerOf(pid, issuer, subject), tokens)),
    open({ pid, issuer, subject, tokens }) {
      const text = tokens === null ? null : keys.open(PURPOSE, ownerOf(pid, issuer, subject), tokens);
      if (text === null) return null;
      const { expiresAt, ...rest } = JSON.parse(text) as Omit<ProviderTokens, "expiresAt"> & { readonly expiresAt: string | null }; // sealed by `seal`
      return { ...rest, expiresAt: expiresAt === null ? null : new Date(expiresAt) };
    },
  };
}
