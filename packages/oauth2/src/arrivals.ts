/** What becomes of somebody whom a provider vouches for: known, new, or perhaps somebody whom we know by another way in. @module */
import {
  type Context,
  confirmable,
  hours,
  meets,
  type Proof,
  type Reply,
  randomText,
  redirect,
  refuse,
  register,
  subjectOfUser,
  Unavailable,
  type User,
} from "@castellan/core";
import type { Connecting } from "./connecting.ts";
import type { Desk, Found } from "./desk.ts";
import { METHOD } from "./linking.ts";

const PID_BYTES = 16;

export interface Arrivals {
  /** Signs in whoever has this identity; somebody new gets an account, or is asked for what is missing. */
  receive(ctx: Context, found: Found): Promise<Reply>;
  /** Makes an account, whose login is free as far as anybody knows. `isProved`: the mailbox of the login was. */
  create(ctx: Context, found: Found, login: string, isProved: boolean): Promise<Reply>;
  /** Through the login door: a lock, an unconfirmed address, a second factor still stand. `prepare` runs once the proof is made. */
  enter(ctx: Context, user: User, found: Found, reason: string, prepare?: (proof: Proof) => Promise<void>): Promise<Reply>;
}

export function arrivalsOf(desk: Desk, connecting: () => Connecting): Arrivals {
  const { core, settings, vault, identityOf } = desk;
  const { storer, clock, identifier } = core;
  const registrations = core.limit("register", "network", 10, hours(1));
  const isByEmail = identifier.type === "email";

  const enter: Arrivals["enter"] = async (ctx, user, { intent }, reason, prepare) => {
    const verdict = await core.attempt(ctx, subjectOfUser(user), METHOD, async () => true);
    if ("refused" in verdict) return verdict.refused;
    await prepare?.(verdict.ok);
    const outcome = await core.signIn(ctx, verdict.ok, intent, METHOD);
    return "refused" in outcome ? outcome.refused : redirect(intent.to, { reason });
  };

  /** The provider says that this mailbox is theirs: no need to ask them by mail. */
  const confirm = async (pid: string, address: string | null): Promise<void> => {
    if (address !== null && meets(storer, confirmable)) await storer.confirmUser(pid, address, clock.now());
  };

  /** Notes what the provider said this time. Some give the token to refresh by at the first sign-in only: it stays. */
  const note = async (pid: string, found: Found): Promise<void> => {
    const { issuer, subject } = found;
    const before = found.tokens === null ? null : await storer.findIdentity(issuer, subject);
    const kept = before && vault.open(before);
    const tokens = found.tokens === null ? null : (JSON.parse(found.tokens) as { refreshToken: string | null }); // `foundFrom` made it
    const merged = tokens && JSON.stringify({ ...tokens, refreshToken: tokens.refreshToken ?? kept?.refreshToken ?? null });
    await storer.noteIdentity(pid, { ...identityOf(found, pid), tokens: vault.seal(pid, issuer, subject, merged) });
  };

  const create: Arrivals["create"] = async (ctx, found, login, isProved) => {
    if (!settings.register) return refuse(403, "oauth2_unknown");
    const admission = await core.use(registrations, ctx.network);
    if (!admission.admitted) return refuse(429, "too_many_attempts", admission);
    const email = identifier.address(login) ?? found.email;
    const profile = settings.newProfile({ ...found }, found.provider);
    const stopped = await core.emit.before(register, { login, profile: email === null ? profile : { ...profile, email }, ctx });
    if (stopped) return stopped;
    const pid = randomText(core.random, PID_BYTES);
    const identity = identityOf(found, pid);
    const made = await storer.createUserWithIdentity({ pid, login, email, passwordHash: null, profile, createdAt: clock.now() }, identity);
    if (!made) return overtaken(ctx, found, login);
    if (isProved) await confirm(pid, email);
    const user = await storer.load(pid);
    if (!user) throw new Unavailable("the new user could not be loaded");
    await core.emit.after(register, { user, ctx });
    return enter(ctx, user, found, "oauth2_registered");
  };

  /** Somebody was quicker: the same person in another tab, or somebody with the same login. */
  const overtaken = async (ctx: Context, found: Found, login: string): Promise<Reply> => {
    const identity = await storer.findIdentity(found.issuer, found.subject);
    const user = identity && (await storer.load(identity.pid));
    if (user) return enter(ctx, user, found, "signed_in");
    return isByEmail ? connecting().ask(ctx, found, login) : refuse(409, "oauth2_login_taken");
  };

  return {
    create,
    enter,
    async receive(ctx, found) {
      const identity = await storer.findIdentity(found.issuer, found.subject);
      const user = identity && (await storer.load(identity.pid));
      if (user) {
        await note(user.pid, found);
        if (found.emailVerified) await confirm(user.pid, found.email);
        return enter(ctx, user, found, "signed_in");
      }
      if (!isByEmail || found.email === null) return connecting().askForLogin(ctx, found);
      if (!found.emailVerified) return connecting().proveMailbox(ctx, found, found.email);
      const subject = await core.subject(found.email);
      // By its address alone nobody gets into an account: it may have been somebody else's when the account was made, or the provider may be wrong.
      return subject.kind === "known" ? connecting().ask(ctx, found, found.email) : create(ctx, found, found.email, true);
    },
  };
}
