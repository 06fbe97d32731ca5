/** Locks accounts for a while after too many tries. Logins that nobody has are locked alike, so that a lock never tells who exists. @module */
import {
  type AttemptEvent,
  attempt,
  browserBudget,
  ConfigError,
  type Context,
  type Core,
  type Duration,
  days,
  defineChannel,
  defineModule,
  finishRecovery,
  hours,
  isDuration,
  type LockableUser,
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
  subjectOfUser,
  type User,
} from "@castellan/core";
import type { RequestHandler } from "express";
import { lockedMail, unlockView } from "./pages.ts";
import { lockTexts } from "./texts.ts";

export { lockedMail, unlockView } from "./pages.ts";

export interface LockOptions {
  /** How many attempts are admitted within `window`. A browser in which the user has signed in before has as many of its own. @default 5 */
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

/** In plain JavaScript a figure may be a text, and a lock that never begins does not show. */
function checkFigures({ after, window, lasts, longest, forgets, linkLasts }: Required<LockOptions>): void {
  const problems = Object.entries({ window, lasts, longest, forgets, linkLasts })
    .filter(([, duration]) => !isDuration(duration))
    .map(([name]) => `lock: \`${name}\` must be a duration, for example minutes(15)`);
  if (!Number.isInteger(after) || after < 1) problems.push("lock: `after` must be a whole number of at least 1");
  if (problems.length > 0) throw new ConfigError(problems);
}

function start(core: Core<LockModuleStorer>, settings: Required<LockOptions>): LockApi {
  checkFigures(settings);
  const { storer, clock } = core;
  const policy: LockPolicy = settings;
  const isLocked = ({ lockedUntil }: LockableUser): boolean => lockedUntil !== null && lockedUntil > clock.now();

  /** Every user that core hands out was loaded by this storer, and its fields were checked: no further query. */
  const lockableOf = (user: User): LockableUser => user as LockableUser;
  const isLockedByAdministrator = (user: LockableUser): boolean => isLocked(user) && user.lockedBy === "administrator";

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

  /** Which budget an attempt was taken from, should it turn out well. */
  const takenFrom = new WeakMap<AttemptEvent, string>();

  const admit = async (event: AttemptEvent): Promise<Reply | null> => {
    const { subject, budget } = event;
    // A known browser has a budget of its own, and when that is used up the one that it shares with all others: only there a lock begins that is told of, and that ends by its link.
    for (const one of new Set([budget, subject.key])) {
      const admission = await storer.admitAttempt(one, policy, clock.now());
      if (admission.admitted) {
        takenFrom.set(event, one);
        return null;
      }
      if (admission.lockedNow && one === subject.key) await startedLock(event, admission.lockedUntil);
    }
    return locked();
  };

  core.on(attempt).before(
    "guard",
    (event) => {
      const { subject, method } = event;
      if (UNCOUNTED.has(method)) return null;
      // Whatever browser it is: an administrator means everybody.
      if (subject.kind === "known" && isLockedByAdministrator(lockableOf(subject.user))) return locked();
      return admit(event);
    },
    { rank: rank.locked },
  );
  // Not all of them: whoever knows the password could guess a second factor without end, with the right password between the guesses.
  core.on(attempt).after("record", async (event) => {
    const budget = takenFrom.get(event);
    if (budget !== undefined) await storer.takeBackAttempt(budget, clock.now());
  });

  core.on(login).before(
    "guard",
    ({ user, knownBrowser }) => {
      const current = lockableOf(user);
      if (!isLocked(current)) return null;
      return current.lockedBy === "attempts" && knownBrowser !== null ? null : locked();
    },
    { rank: rank.locked },
  );
  core.on(login).after("record", async ({ user, ctx, knownBrowser }) => {
    if ((await ctx.current())?.signIn.level !== "full") return;
    const subject = subjectOfUser(user);
    await storer.clearAttempts(subject.key, clock.now());
    if (knownBrowser !== null) await storer.clearAttempts(browserBudget(subject, knownBrowser), clock.now());
  });

  const unlock = async (pid: string): Promise<boolean> => {
    const wasThere = await storer.unlockUser(pid);
    if (wasThere) await core.emit.after(unlockChannel, { pid });
    return wasThere;
  };

  // Whoever chose a new password by the mailbox has proved more than the lock asks for. An administrator's lock stays.
  core.on(finishRecovery).after("record", async ({ user }) => {
    const current = lockableOf(user);
    if (isLockedByAdministrator(current)) return;
    if (isLocked(current)) await unlock(user.pid);
    // No lock has ended, so nobody is told of one.
    else await storer.clearAttempts(subjectOfUser(user).key, clock.now());
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
      await core.emit.after(lockChannel, { user: await storer.load(pid), until, ctx: null });
      return true;
    },
    unlock,
    isLocked,
    middleware: () =>
      core.middleware(async (ctx) => {
        const current = await ctx.current();
        return current && isLocked(lockableOf(current.user)) ? locked() : null;
      }),
  };
}
