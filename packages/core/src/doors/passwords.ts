/** The doors to passwords: checking one, and the three ways to a new hash, each one compare-and-set with the epoch. @module */
import { type AuthableUser, type AuthOperations, authable } from "../capabilities/authable.ts";
import { meets, type Needs } from "../capabilities/capability.ts";
import type { Engine } from "../engine.ts";
import { ConfigError } from "../errors.ts";
import { type ChangePasswordEvent, changePassword as changePasswordChannel } from "../events.ts";
import type { Context } from "../http/context.ts";
import type { Problem } from "../pages/view.ts";
import { refuse, refuseFields } from "../replies.ts";
import { signInKey, withFactor } from "../sign-ins.ts";
import { type Subject, subjectOfUser } from "../subjects.ts";
import type { User } from "../users.ts";
import { attempt } from "./attempt.ts";
import type { Outcome } from "./proof.ts";
import { staySignedIn } from "./stay.ts";

function authing(engine: Engine): Needs<AuthableUser, AuthOperations> {
  if (!meets(engine.storer, authable)) {
    throw new ConfigError([`passwords need a storer with the capability "authable": add its operations and the field \`passwordHash\``]);
  }
  return engine.storer;
}

const hashOf = (user: User): string | null => {
  const hash: unknown = Reflect.get(user, "passwordHash");
  return typeof hash === "string" && hash !== "" ? hash : null;
};

/**
 * Whether `password` is the subject's. Always costs one hash of the current cost: also for nobody, for a user without a password, and for a password that no hash can be made of.
 * A right one whose hash is outdated gets a new hash.
 */
export async function checkPassword(engine: Engine, subject: Subject<User>, password: string): Promise<boolean> {
  const { hasher } = engine;
  const hash = subject.kind === "known" ? hashOf(subject.user) : null;
  // Hash even when nobody is found: otherwise the answer comes sooner and tells who has an account.
  const matches = await hasher.verify(password, hash ?? hasher.decoy);
  if (!matches || hash === null || subject.kind === "unknown") return false;
  if (hasher.isOutdated(hash)) await upgrade(engine, subject.user.pid, hash, password);
  return true;
}

/** A login is not to fail because its hash could not be made stronger; the next one tries again. */
async function upgrade(engine: Engine, pid: string, from: string, password: string): Promise<void> {
  try {
    if (engine.hasher.unhashable(password) !== null) return;
    await authing(engine).upgradePasswordHash(pid, from, await engine.hasher.hash(password));
  } catch (error) {
    engine.logger.warn("a password hash could not be upgraded", { error });
  }
}

/** What is wrong with a new password, as a problem of `field`; `null` when it will do. */
export async function problemOfPassword(engine: Engine, field: string, password: string, login: string): Promise<Problem | null> {
  const unhashable = engine.hasher.unhashable(password);
  if (unhashable !== null) return { field, reason: unhashable };
  const problem = await engine.passwordPolicy.check(password, { login, words: engine.words });
  return problem && { field, ...problem };
}

/**
 * With the old password: verified through the door `attempt`, replaced only while the epoch is still the one that it was verified under. Every other sign-in ends. With
 * `ctx`, this browser stays signed in under a new session id. Problems stand on the fields `password` (the old one) and `new_password`.
 */
export async function changePassword<U extends User>(
  engine: Engine<U>,
  ctx: Context<U> | null,
  pid: string,
  passwords: { readonly from: string; readonly to: string },
): Promise<Outcome<U>> {
  const { clock } = engine;
  const user = await engine.storer.load(pid);
  if (!user) return { refused: refuse(404, "user_not_found") };
  engine.checkUser(user);
  // Asked before the epoch moves on: after that nobody would be signed in here, and the browser could not stay so.
  await ctx?.current();
  const subject = subjectOfUser(user);
  const verdict = await attempt(engine, ctx, subject, "password", () => checkPassword(engine, subject, passwords.from));
  if ("refused" in verdict) return verdict;
  const problem = await problemOfPassword(engine, "new_password", passwords.to, user.login);
  if (problem) return { refused: refuseFields([problem]) };
  const event: ChangePasswordEvent = { user, ctx, by: "user" };
  const refused = await engine.bus.before(changePasswordChannel, event, ["guard"]);
  if (refused) return { refused };
  const passwordHash = await engine.hasher.hash(passwords.to);
  const epoch = await authing(engine).changePasswordHash(pid, verdict.ok.epoch, passwordHash);
  if (epoch === null) return { refused: refuse(409, "account_changed") };
  const changed = { ...user, epoch, passwordHash };
  if (ctx) await staySignedIn(engine, ctx, changed, (before) => withFactor(before, { method: "password", at: clock.now() }));
  await engine.storer.endSignIns(pid, ctx?.sessionId ? signInKey(ctx.sessionId) : null);
  await tell(engine, { ...event, user: changed });
  return { ok: changed };
}

/** For the application and its scripts: a new password without the old one. Rules apply; every sign-in ends. `null` for no such user. */
export async function setPassword<U extends User>(engine: Engine<U>, pid: string, to: string): Promise<Outcome<U> | null> {
  const user = await engine.storer.load(pid);
  if (!user) return null;
  engine.checkUser(user);
  const problem = await problemOfPassword(engine, "new_password", to, user.login);
  if (problem) return { refused: refuseFields([problem]) };
  const epoch = await authing(engine).setPasswordHash(pid, await engine.hasher.hash(to));
  if (epoch === null) return null;
  await engine.storer.endSignIns(pid, null);
  await tell(engine, { user, ctx: null, by: "system" });
  return { ok: { ...user, epoch } };
}

async function tell(engine: Engine, event: ChangePasswordEvent): Promise<void> {
  await engine.bus.record(changePasswordChannel, event);
  await engine.bus.notify(changePasswordChannel, event);
}
