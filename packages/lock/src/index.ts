/** Locks accounts for a while after too many tries. Logins that nobody has are locked alike, so that a lock never tells who exists. @module */
import {
  type AttemptEvent,
  attempt,
  type Context,
  type Core,
  type Duration,
  days,
  defineChannel,
  defineModule,
  finishRecovery,
  hours,
  type LockableUser,
  type LockingServerStorer,
  type LockOperations,
  type LockPolicy,
  lockable,
  login,
  type MailQueueOperations,
  type Module,
  mailQueueing,
  minutes,
  type Needs,
  page,
  type Reply,
  rank,
  redirect,
  refuse,
  type User,
} from "@castellan/core";
import type { RequestHandler } from "express";
import { lockedMail, unlockView } from "./pages.ts";
import { lockTexts } from "./texts.ts";

export { lockedMail, unlockView } from "./pages.ts";

export interface LockOptions {
  /** How many attempts are admitted within `window`. @default 5 */
  readonly after?: number;
  /** How long attempts are counted together, from the first one on. @default minutes(15) */
  readonly window?: Duration;
  /** How long the first lock lasts; each further one twice as long. @default minutes(5) */
  readonly lasts?: Duration;
  /** No lock by attempts lasts longer. @default hours(1) */
  readonly longest?: Duration;
  /** After so long without a lock, the next one is a first one again. @default days(1) */
  readonly forgets?: Duration;
  /** How long a mailed unlock link works. @default hours(1) */
  readonly linkLasts?: Duration;
  /** Where an unlocked person is sent: a path of the application. @default the login page */
  readonly afterUnlock?: string;
}

const DEFAULTS = {
  after: 5,
  window: minutes(15),
  lasts: minutes(5),
  longest: hours(1),
  forgets: days(1),
  linkLasts: hours(1),
} as const satisfies Omit<Required<LockOptions>, "afterUnlock">;

/** Somebody was locked: by attempts, or by an administrator. `user` is `null` for a login that nobody has. */
export const lockChannel = defineChannel<{ readonly user: User | null; readonly until: Date; readonly ctx: Context | null }>("lock");
/** A lock was ended early: by a mailed link, a recovery or an administrator. */
export const unlockChannel = defineChannel<{ readonly pid: string }>("unlock");

export interface LockApi {
  /** Locks a user, by default until further notice, and ends every sign-in. Answers whether there is such a user. */
  lock(pid: string, lasts?: Duration): Promise<boolean>;
  /** Ends the lock and forgets the attempts. Answers whether there is such a user. */
  unlock(pid: string): Promise<boolean>;
  /** Whether the user is locked now, by whomever. */
  isLocked(user: LockableUser): boolean;
  /** Middleware: turns a locked user away (403); lets everybody else pass, strangers too. Attempts alone never end what is signed in, so only a strict application wants it. */
  middleware(): RequestHandler;
}

export type LockModuleStorer = Needs<LockableUser, LockOperations & MailQueueOperations>;

const PATH = "/unlock";
const PURPOSE = "unlock";
/** Until further notice: longer than any account lives, and a date that every database can hold. */
const FOR_GOOD = days(36_500);
/** Checks of secrets that nobody can guess are not counted: a lock must not stand against its own end. */
const UNCOUNTED: ReadonlySet<string> = new Set(["register", "recover", "remember", "confirm"]);

/** The module: GET and POST `/unlock`. */
export function lock(options: LockOptions = {}): Module<LockModuleStorer, LockApi> {
  return defineModule({
    name: "lock",
    requires: [lockable, mailQueueing],
    reasons: ["account_locked", "unlocked"],
    texts: lockTexts,
    start: (core: Core<LockModuleStorer>) => start(core, { ...DEFAULTS, afterUnlock: core.path("/login"), ...options }),
  });
}

const locked = (): Reply => refuse(403, "account_locked");

function start(core: Core<LockModuleStorer>, settings: Required<LockOptions>): LockApi {
  const { storer, clock } = core;
  const policy: LockPolicy = settings;
  const users: LockingServerStorer = storer;
  const isLocked = ({ lockedUntil }: LockableUser): boolean => lockedUntil !== null && lockedUntil > clock.now();

  /** Loaded anew: the user in an event is whatever its maker had at hand. */
  const load = (pid: string): Promise<LockableUser | null> => users.load(pid);

  const startedLock = async ({ subject, ctx }: AttemptEvent, until: Date): Promise<void> => {
    const user = subject.kind === "known" ? subject.user : null;
    const to = user && core.mailbox(user);
    const { url, row } = user
      ? core.links.make(user, PATH, PURPOSE, to?.address ?? "", settings.linkLasts)
      : core.links.makeForNobody(PATH, PURPOSE, "", settings.linkLasts);
    // The same writes for a login that nobody has: a lock must not be quicker to begin for strangers.
    await storer.startUnlock(row);
    await core.mail(lockedMail, { link: url }, to, ctx);
    await core.emit.after(lockChannel, { user, until, ctx });
  };

  core.on(attempt).before(
    "guard",
    async (event) => {
      const { subject, method, budget } = event;
      if (UNCOUNTED.has(method)) return null;
      const admission = await storer.admitAttempt(budget, policy, clock.now());
      if (!admission.admitted) {
        if (admission.lockedNow) await startedLock(event, admission.lockedUntil);
        return locked();
      }
      if (subject.kind === "unknown") return null;
      // A known browser has a budget of its own, but an administrator means everybody.
      // No further query: a known login must not cost more than an unknown one. Whatever this storer loads is a LockableUser, and core has checked it.
      const user = subject.user as LockableUser;
      return isLocked(user) && user.lockedBy === "administrator" ? locked() : null;
    },
    { rank: rank.locked },
  );
  core.on(attempt).after("record", ({ method, budget }) => (UNCOUNTED.has(method) ? undefined : storer.clearAttempts(budget, clock.now())));

  core.on(login).before(
    "guard",
    async ({ user, knownBrowser }) => {
      const current = await load(user.pid);
      if (!current || !isLocked(current)) return null;
      return current.lockedBy === "attempts" && knownBrowser !== null ? null : locked();
    },
    { rank: rank.locked },
  );

  const unlock = async (pid: string): Promise<boolean> => {
    const wasThere = await storer.unlockUser(pid);
    if (wasThere) await core.emit.after(unlockChannel, { pid });
    return wasThere;
  };

  // Whoever chose a new password by the mailbox has proved more than the lock asks for. An administrator's lock stays.
  core.on(finishRecovery).after("record", async ({ user }) => {
    const current = await load(user.pid);
    if (current?.lockedBy !== "administrator") await unlock(user.pid);
  });

  core.route("GET", PATH, (ctx) => core.links.land(ctx, PATH) ?? page(unlockView, { token: core.links.text(ctx, PATH) }));

  core.route("POST", PATH, async (ctx): Promise<Reply> => {
    const proof = core.links.proof(ctx, PATH, PURPOSE);
    core.links.forget(ctx);
    const done = proof && (await storer.finishUnlock(proof, clock.now()));
    if (!done) return page(unlockView, { token: null }, { status: 410, reason: "link_invalid" });
    await core.emit.after(unlockChannel, done);
    return redirect(settings.afterUnlock, { reason: "unlocked" });
  });

  return {
    async lock(pid, lasts = FOR_GOOD) {
      const until = new Date(clock.now().getTime() + lasts);
      if (!(await storer.lockUser(pid, until))) return false;
      await core.revoke(pid, "all");
      await core.emit.after(lockChannel, { user: await load(pid), until, ctx: null });
      return true;
    },
    unlock,
    isLocked,
    middleware: () =>
      core.middleware(async (ctx) => {
        const current = await ctx.current();
        const user = current && (await load(current.user.pid));
        return user && isLocked(user) ? locked() : null;
      }),
  };
}
