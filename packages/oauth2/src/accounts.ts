/** Connected accounts: what somebody who is signed in can see, connect and disconnect. @module */
import { type Context, type Current, digest, type Identity, page, type Reply, redirect, refuse, type User } from "@castellan/core";
import { unlinkIdentity } from "./channels.ts";
import type { Desk, Found } from "./desk.ts";
import { isUnconfirmed, type Linking, METHOD } from "./linking.ts";
import { identityUnlinkedMail } from "./mails.ts";
import { type AccountsPageData, oauth2AccountsView } from "./pages.ts";
import type { NamedProvider } from "./settings.ts";

const PATH = "/oauth2";
const UNLINK = "/oauth2/unlink";
const linkPath = (provider: string): string => `/oauth2/link/${provider}`;

/** Begins the way to a provider for whoever is signed in. */
export type Depart = (ctx: Context, provider: NamedProvider, to: string, current: Current) => Promise<Reply>;

export interface Accounts {
  /** Somebody came back who wanted to connect: only the one who began, and while they are signed in. */
  receive(ctx: Context, found: Found, began: { readonly pid: string; readonly epoch: number }): Promise<Reply>;
}

const idOf = ({ issuer, subject }: Pick<Identity, "issuer" | "subject">): string => digest("oauth2 identity", `${issuer}\0${subject}`);
const hasPassword = (user: User): boolean => typeof Reflect.get(user, "passwordHash") === "string";

export function accountsOf({ core, settings, labelOf }: Desk, linking: Linking, depart: Depart): Accounts {
  const { storer } = core;
  const { providers, recent, afterLink } = settings;

  /** Passwords are a way in where there is a page for them. */
  const passwordCounts = (): boolean => core.isLoaded("auth");
  /**
   * Whether another way in is left without this one. An identity of a provider that is offered no more opens nothing: it counts for another such one only, in case it is offered again. The storer, which
   * cannot know that, refuses to take the last one of all; what it is asked stands on the epoch under which the list was read, and each disconnecting advances that.
   */
  const isRemovable = (user: User, identity: Identity, identities: readonly Identity[]): boolean => {
    if (passwordCounts() && hasPassword(user)) return true;
    const others = identities.filter((one) => one !== identity);
    return others.some(({ provider }) => providers.has(provider) || !providers.has(identity.provider));
  };

  /** Whoever changes the ways in has proved lately that it is them, by the second factor too where they have one. */
  const mayChange = async (ctx: Context): Promise<{ readonly ok: Current } | { readonly refused: Reply }> => {
    const known = await ctx.current();
    const twoFactored = known !== null && core.challenges.hasFactor(known.user);
    const refused = await core.mustBe(ctx, { level: "full", within: recent, twoFactored, form: { at: core.path(PATH) } });
    const current = await ctx.current();
    return refused || !current ? { refused: refused ?? refuse(401, "login_required") } : { ok: current };
  };

  core.route("GET", PATH, async (ctx): Promise<Reply> => {
    const [refused, current] = [await core.mustBe(ctx, { level: "full" }), await ctx.current()];
    if (refused || !current) return refused ?? refuse(401, "login_required");
    const identities = await storer.listIdentities(current.user.pid);
    const data: AccountsPageData = {
      accounts: identities.map((identity) => ({
        id: idOf(identity),
        provider: identity.provider,
        label: labelOf(identity.provider),
        account: identity.email,
        linkedAt: identity.linkedAt.toISOString(),
        removable: isRemovable(current.user, identity, identities),
      })),
      providers: [...providers.values()].map(({ name, label }) => ({ name, label, path: linkPath(name) })),
    };
    return page(oauth2AccountsView, data);
  });

  for (const provider of providers.values()) {
    core.route("POST", linkPath(provider.name), async (ctx): Promise<Reply> => {
      const may = await mayChange(ctx);
      if ("refused" in may) return may.refused;
      if (isUnconfirmed(core, may.ok.user)) return refuse(403, "oauth2_confirm_first");
      return depart(ctx, provider, ctx.redir ?? afterLink, may.ok);
    });
  }

  core.route("POST", UNLINK, async (ctx): Promise<Reply> => {
    const may = await mayChange(ctx);
    if ("refused" in may) return may.refused;
    const { user } = may.ok;
    const identities = await storer.listIdentities(user.pid);
    const identity = identities.find((one) => idOf(one) === ctx.body.get("identity"));
    if (!identity) return refuse(404, "oauth2_not_linked");
    if (!isRemovable(user, identity, identities)) return refuse(409, "oauth2_last_way_in");
    const { issuer, subject } = identity;
    const refused = await core.emit.before(unlinkIdentity, { user, identity, ctx });
    if (refused) return refused;
    // A way in is taken away, and with it whoever came in by it: as when a second factor is removed.
    const change = (epoch: number): Promise<number | null> => storer.unlinkIdentity(user.pid, epoch, issuer, subject, passwordCounts());
    const outcome = await core.changeFactors(ctx, { user, method: METHOD, proof: null, change });
    if ("refused" in outcome) return outcome.refused;
    await core.emit.after(unlinkIdentity, { user: outcome.ok.user, identity, ctx });
    await core.tell(identityUnlinkedMail, { provider: labelOf(identity.provider), account: identity.email ?? "?" }, outcome.ok.user, ctx);
    return redirect(core.path(PATH), { reason: "oauth2_unlinked" });
  });

  return {
    async receive(ctx, found, began) {
      const current = await ctx.current();
      const isSame = current?.signIn.level === "full" && current.user.pid === began.pid && current.user.epoch === began.epoch;
      if (!isSame) return refuse(403, "oauth2_other_account");
      const known = await storer.findIdentity(found.issuer, found.subject);
      if (known?.pid === current.user.pid) return redirect(found.intent.to, { reason: "oauth2_linked_already" });
      const refused = known ? refuse(409, "oauth2_identity_taken") : await linking.link(ctx, current.user, found);
      return refused ?? redirect(found.intent.to, { reason: "oauth2_linked" });
    },
  };
}
