/** The provider's tokens, for what an application does there in the person's name: refreshed when they are needed, ended when they are not. @module */
import { type Duration, type Identity, minutes, Unavailable, type User } from "@castellan/core";
import type { Desk } from "./desk.ts";
import { withoutData } from "./for-the-log.ts";
import type { ProviderTokens } from "./provider.ts";
import type { NamedProvider } from "./settings.ts";

/** A token that ends during the request that it was asked for is of no use. */
const EARLY: Duration = minutes(1);

/** Each round loses to somebody who stored newer ones: that happens a few times in a row, and not for ever. */
const ROUNDS = 10;

interface Kept {
  readonly provider: NamedProvider;
  readonly identity: Identity;
}

export interface Tokens {
  tokens(user: User, provider: string): Promise<ProviderTokens | null>;
  revokeTokens(user: User, provider: string): Promise<boolean>;
}

export function tokensOf({ core, settings, vault }: Desk): Tokens {
  const { storer, clock, keys } = core;
  /** Refreshes that are under way: a provider that gives a token out once may take a second request for theft. */
  const underWay = new Map<string, Promise<ProviderTokens | null>>();

  const find = async (user: User, name: string): Promise<Kept | null> => {
    const provider = settings.providers.get(name);
    if (!provider) throw new TypeError(`there is no provider "${name}": there are ${[...settings.providers.keys()].join(", ")}`);
    await core.ready();
    const identity = (await storer.listIdentities(user.pid)).find((one) => one.provider === name && one.tokens !== null);
    return identity ? { provider, identity } : null;
  };

  const replace = async ({ pid, issuer, subject, tokens: from }: Identity, to: ProviderTokens | null): Promise<boolean> =>
    storer.replaceTokens(pid, issuer, subject, from, vault.seal(pid, issuer, subject, to && vault.textOf(to)));

  /** Takes the tokens out, also newer ones that a sign-in or a refresh put there meanwhile. Answers what was taken out; `null` where there was nothing. */
  const forget = async (user: User, name: string): Promise<Kept | null> => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const found = await find(user, name);
      if (!found || (await replace(found.identity, null))) return found;
    }
    throw new Unavailable(`the tokens of "${name}" change too fast to be forgotten`);
  };

  const end = async (provider: NamedProvider, tokens: ProviderTokens): Promise<void> => {
    try {
      await provider.revoke(tokens);
    } catch (error) {
      throw new Unavailable(`the provider "${provider.name}" did not end a token`, { cause: withoutData(error) });
    }
  };

  const refresh = async (provider: NamedProvider, identity: Identity, refreshToken: string): Promise<ProviderTokens | null> => {
    let next: ProviderTokens | null;
    try {
      next = await provider.refresh(refreshToken);
    } catch (error) {
      throw new Unavailable(`the provider "${provider.name}" did not refresh a token`, { cause: withoutData(error) });
    }
    if (await replace(identity, next)) return next;
    // Another process was quicker, or the person signed in anew: what is stored now counts.
    const now = await storer.findIdentity(identity.issuer, identity.subject);
    const current = now?.pid === identity.pid ? now : null;
    // They were revoked in between, or the account disconnected: what has just been given out for them is nobody's.
    if (next && !current?.tokens) await end(provider, next);
    return current && vault.open(current);
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
      // Forgotten here first: whatever the provider answers, nobody gets them any more.
      const forgotten = await forget(user, name);
      if (!forgotten) return false;
      const kept = vault.open(forgotten.identity);
      if (kept) await end(forgotten.provider, kept);
      return true;
    },
  };
}
