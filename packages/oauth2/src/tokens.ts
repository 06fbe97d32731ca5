/** The provider's tokens, for what an application does there in the person's name: refreshed when they are needed, ended when they are not. @module */
import { type Duration, type Identity, minutes, Unavailable, type User } from "@castellan/core";
import type { Desk } from "./desk.ts";
import type { ProviderTokens } from "./provider.ts";
import type { NamedProvider } from "./settings.ts";

/** A token that ends during the request that it was asked for is of no use. */
const EARLY: Duration = minutes(1);

export interface Tokens {
  tokens(user: User, provider: string): Promise<ProviderTokens | null>;
  revokeTokens(user: User, provider: string): Promise<boolean>;
}

export function tokensOf({ core, settings, vault }: Desk): Tokens {
  const { storer, clock, keys } = core;
  /** Refreshes that are under way: a provider that gives a token out once may take a second request for theft. */
  const underWay = new Map<string, Promise<ProviderTokens | null>>();

  const find = async (user: User, name: string): Promise<{ readonly provider: NamedProvider; readonly identity: Identity } | null> => {
    const provider = settings.providers.get(name);
    if (!provider) throw new TypeError(`there is no provider "${name}": there are ${[...settings.providers.keys()].join(", ")}`);
    await core.ready();
    const identity = (await storer.listIdentities(user.pid)).find((one) => one.provider === name && one.tokens !== null);
    return identity ? { provider, identity } : null;
  };

  const replace = async ({ pid, issuer, subject, tokens: from }: Identity, to: ProviderTokens | null): Promise<boolean> =>
    storer.replaceTokens(pid, issuer, subject, from, vault.seal(pid, issuer, subject, to && vault.textOf(to)));

  const refresh = async (provider: NamedProvider, identity: Identity, refreshToken: string): Promise<ProviderTokens | null> => {
    let next: ProviderTokens | null;
    try {
      next = await provider.refresh(refreshToken);
    } catch (error) {
      throw new Unavailable(`the provider "${provider.name}" did not refresh a token`, { cause: error });
    }
    if (await replace(identity, next)) return next;
    // Another process was quicker, or the person signed in anew: what is stored now counts.
    const now = await storer.findIdentity(identity.issuer, identity.subject);
    return now?.pid === identity.pid ? vault.open(now) : null;
  };

  return {
    async tokens(user, name) {
      const found = await find(user, name);
      const kept = found && vault.open(found.identity);
      if (!found || !kept) return null;
      const { provider, identity } = found;
      const isFresh = kept.expiresAt === null || kept.expiresAt.getTime() - EARLY > clock.now().getTime();
      if (isFresh) {
        // Under the newest key, before the one that it was sealed by goes.
        if (identity.tokens !== null && keys.isOutdated(identity.tokens)) await replace(identity, kept);
        return kept;
      }
      if (kept.refreshToken === null) return null;
      const key = JSON.stringify([identity.issuer, identity.subject]);
      const refreshing = underWay.get(key) ?? refresh(provider, identity, kept.refreshToken).finally(() => underWay.delete(key));
      underWay.set(key, refreshing);
      return refreshing;
    },
    async revokeTokens(user, name) {
      const found = await find(user, name);
      const kept = found && vault.open(found.identity);
      if (!found || !kept) return false;
      // Forgotten here first: whatever the provider answers, nobody gets them any more.
      const isForgotten = await replace(found.identity, null);
      try {
        await found.provider.revoke(kept);
      } catch (error) {
        throw new Unavailable(`the provider "${name}" did not end a token`, { cause: error });
      }
      return isForgotten;
    },
  };
}
