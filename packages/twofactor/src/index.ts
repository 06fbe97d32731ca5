/** What second factors share: logins that wait, recovery codes, trusted browsers, and the demand for a factor. @module */
import {
  attempt,
  type ChallengeOperations,
  type Core,
  challenging,
  days,
  defineModule,
  hours,
  type Limit,
  type LoginEvent,
  login,
  type Module,
  type Needs,
  page,
  type RecoveryCodeOperations,
  type Reply,
  rank,
  recoveryCodes,
  redirect,
  refuse,
  type Subject,
  type TrustedBrowser,
  Unavailable,
  type User,
} from "@castellan/core";
import { removeFactor } from "./channels.ts";
import { detour } from "./detour.ts";
import { emailAuthorization } from "./email-authorization.ts";
import { factorDesk, type SecondFactor } from "./factors.ts";
import { factorFlows } from "./flows.ts";
import { chooseView, enrolView, overviewView, type Way } from "./pages.ts";
import { RECOVERY, RECOVERY_PATH, recoveryCodesOf, recoveryRoutes } from "./recovery-codes.ts";
import { settingsFrom, type TwoFactorOptions, type TwoFactorSettings } from "./settings.ts";
import { twoFactorReasons, twoFactorTexts } from "./texts.ts";
import { trustOf } from "./trust.ts";

export { addFactor, type FactorEvent, removeFactor, useRecoveryCode } from "./channels.ts";
export { FactorDesk, factorDesk, type SecondFactor } from "./factors.ts";
export { type Answering, type Asked, type Changing, codeField, type FactorFlows } from "./flows.ts";
export * from "./mails.ts";
export * from "./pages.ts";
export type { TwoFactorOptions } from "./settings.ts";

/** What an application can do without the routes. */
export interface TwoFactorApi {
  /** The methods of the factors that the user has, the strongest first. */
  methodsOf(user: User): readonly string[];
  /** How many recovery codes the user has left. */
  recoveryCodesLeft(pid: string): Promise<number>;
  /** The browsers that are not asked for the second factor, the newest first. */
  trustedBrowsers(pid: string): Promise<readonly TrustedBrowser[]>;
  /** Asks in that browser again. Answers whether there was one. */
  endTrustedBrowser(pid: string, id: string): Promise<boolean>;
  /** Asks in every browser again. Answers how many there were. */
  endTrustedBrowsers(pid: string): Promise<number>;
  /**
   * For an administrator, when phone and codes are lost: removes every factor and ends every sign-in. No guard is asked; the channel `removeFactor` hears of each. Whether it is the right person who asks is
   * for the caller to find out. Answers whether there was a factor.
   */
  reset(pid: string): Promise<boolean>;
}

export type TwoFactorModuleStorer = Needs<User, ChallengeOperations & RecoveryCodeOperations>;

/** The module: `/2fa`, where people see and choose their factors, and what all factors share. The factors come with modules of their own. */
export function twofactor(options: TwoFactorOptions = {}): Module<TwoFactorModuleStorer, TwoFactorApi> {
  return defineModule({
    name: "twofactor",
    requires: [challenging, recoveryCodes],
    reasons: twoFactorReasons,
    texts: twoFactorTexts,
    start: (core: Core<TwoFactorModuleStorer>) => start(core, settingsFrom(options)),
  });
}

function start(core: Core<TwoFactorModuleStorer>, settings: TwoFactorSettings): TwoFactorApi {
  const { storer } = core;
  const desk = factorDesk(core);
  const codes = recoveryCodesOf(core);
  const trust = trustOf(core, settings);
  // The mail is asked for by whoever may add a factor but for the mail.
  const email = emailAuthorization(core, settings, (ctx) => withoutMail.adding(ctx));
  const parts = { core, desk, settings, codes };
  const withoutMail = factorFlows({ ...parts, email: null });
  desk.open(email ? factorFlows({ ...parts, email }) : withoutMail);
  recoveryRoutes(core, desk, codes, settings);
  limitGuesses(core, settings);

  const pend = async (event: LoginEvent): Promise<Reply | null> => {
    const { user, ctx } = event;
    const [strongest] = desk.of(user);
    if (!strongest) {
      if (!(await settings.isRequired(user))) return null;
      await core.challenges.pend(event, "/2fa/enrol", { tries: settings.tries, lasts: settings.enrolmentLasts });
      return redirect(core.path("/2fa/enrol"), { reason: "factor_needed", flash: "failure" });
    }
    if (await trust.holds(ctx, user)) return null;
    const reply = await core.challenges.pend(event, strongest.paths.validate, settings);
    const problem = await strongest.offer(ctx, user);
    return problem === null ? reply : redirect(core.path(strongest.paths.validate), { reason: problem, flash: "failure" });
  };
  core.on(login).before("challenge", pend);

  core.stepUpScreen((user, methods) => {
    const mine = desk.of(user).filter(({ method }) => methods?.has(method) ?? true);
    const [strongest] = mine;
    if (strongest) return strongest.paths.validate;
    if (methods === null) return null;
    if (methods.has(RECOVERY) && desk.of(user).length > 0) return RECOVERY_PATH;
    // Nothing that could be given: it is to be set up.
    return desk.all.some(({ method }) => methods.has(method)) ? "/2fa" : null;
  });

  core.route("GET", "/2fa", async (ctx): Promise<Reply> => {
    const pending = await core.challenges.pending(ctx);
    if (pending) return redirect(core.path(desk.of(pending.user).length === 0 ? "/2fa/enrol" : "/2fa/choose"));
    const [refused, current] = [await core.mustBe(ctx, { level: "full" }), await ctx.current()];
    if (refused || !current) return refused ?? redirect(core.path("/login"));
    const { user } = current;
    const trusted = await trust.list(user.pid);
    return page(overviewView, {
      factors: desk.all.map((factor) => stateOf(factor, user)),
      recoveryCodesLeft: desk.of(user).length === 0 ? null : await codes.left(user),
      trustedBrowsers: trusted.map(({ id, userAgent, network, createdAt, expiresAt }) => ({
        id,
        userAgent,
        network,
        since: createdAt.toISOString(),
        until: expiresAt.toISOString(),
      })),
    });
  });

  core.route("GET", "/2fa/choose", async (ctx): Promise<Reply> => {
    const asked = await desk.flows.asked(ctx);
    if ("refused" in asked) return asked.refused;
    const ways = desk.of(asked.ok.user).map(({ method, label, paths }): Way => ({ method, label, path: paths.validate }));
    if (ways.length === 0) return detour(core, ctx, "/2fa", "factor_needed");
    return page(chooseView, { ways: [...ways, { method: RECOVERY, label: "twofactor.recovery.name", path: RECOVERY_PATH }] });
  });

  core.route("GET", "/2fa/enrol", async (ctx): Promise<Reply> => {
    const may = await desk.flows.adding(ctx);
    if ("refused" in may) return may.refused;
    return page(enrolView, { ways: desk.all.map(({ method, label, paths }) => ({ method, label, path: paths.setup })) });
  });

  return {
    methodsOf: (user) => desk.of(user).map(({ method }) => method),
    recoveryCodesLeft: async (pid) => {
      await core.ready();
      return storer.countRecoveryCodes(pid);
    },
    trustedBrowsers: async (pid) => {
      await core.ready();
      return trust.list(pid);
    },
    endTrustedBrowser: async (pid, id) => {
      await core.ready();
      return trust.end(pid, id);
    },
    endTrustedBrowsers: async (pid) => {
      await core.ready();
      return trust.endAll(pid);
    },
    async reset(pid) {
      await core.ready();
      let hadAny = false;
      for (const { method, isSetUp, disable } of desk.all) {
        // The epoch may move on at the same time: then it is looked at again.
        for (let [user, round] = [await storer.load(pid), 0]; user && isSetUp(user); user = await storer.load(pid)) {
          round += 1;
          if (round > MOST_ROUNDS) throw new Unavailable(`the factor "${method}" could not be removed: the account keeps changing`);
          if ((await disable(user)) === null) continue;
          hadAny = true;
          await core.emit.after(removeFactor, { user: (await storer.load(pid)) ?? user, method, ctx: null });
        }
      }
      if (hadAny) await core.revoke(pid, "all");
      return hadAny;
    },
  };
}

const MOST_ROUNDS = 10;

function stateOf({ method, label, paths, isSetUp, detail }: SecondFactor, user: User) {
  const has = isSetUp(user);
  return { method, label, path: has ? paths.remove : paths.setup, isSetUp: has, detail: has ? detail(user) : null };
}

/**
 * Counts guesses of second factors, over all logins that wait: whoever begins a new login gets no new tries. A right one is taken back. The second limit ends with the epoch, so with a new password: it is
 * whoever knows the old one that guesses.
 */
function limitGuesses(core: Core, { tries }: TwoFactorSettings): void {
  const desk = factorDesk(core);
  const hourly = core.limit("guess", "subject", 2 * tries, hours(1));
  const together = core.limit("guess/subject", "subject", 4 * tries, hours(1));
  const total = core.limit("guess/total", "subject", 100, days(30));
  const isGuess = (method: string): boolean => method === RECOVERY || desk.all.some((factor) => factor.method === method);
  type Known = Extract<Subject, { kind: "known" }>;
  // Nobody can guess a recovery code: it stays the way in for the owner whom others have locked out, and is counted apart.
  const guessesOf = (method: string, { key, user }: Known, budget: string): readonly (readonly [Limit, string])[] =>
    method === RECOVERY
      ? [[hourly, `recovery ${budget}`]]
      : [
          [hourly, budget],
          // Whoever knew the password before there was a factor may have several browsers with a budget of their own.
          [together, key],
          [total, `${budget}:${user.epoch}`],
        ];
  core.on(attempt).before(
    "guard",
    async ({ subject, method, budget }) => {
      if (!isGuess(method) || subject.kind === "unknown") return null;
      for (const [limit, who] of guessesOf(method, subject, budget)) {
        const admission = await core.use(limit, who);
        if (!admission.admitted) return refuse(429, "too_many_attempts", admission);
      }
      return null;
    },
    // Before the lock: what is turned away here is no attempt there.
    { rank: rank.locked - 1 },
  );
  core.on(attempt).after("record", async ({ subject, method, budget }) => {
    if (!isGuess(method) || subject.kind === "unknown") return;
    try {
      for (const [limit, who] of guessesOf(method, subject, budget)) await core.takeBack(limit, who);
    } catch (error) {
      // The answer was right, and is spent.
      core.logger.warn("the count of an answer could not be taken back", { error });
    }
  });
}
