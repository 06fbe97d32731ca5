/** What every second factor goes through: who is asked for a code, what an answer leads to, who may add or remove one. @module */
import {
  type Context,
  type Core,
  days,
  type FactorChange,
  type FactorOutcome,
  type Field,
  flagField,
  type Outcome,
  type PendingLogin,
  type Proof,
  page,
  type Reply,
  redirect,
  refuse,
  subjectOfUser,
  type TextField,
  textField,
  type User,
} from "@castellan/core";
import { addFactor, removeFactor } from "./channels.ts";
import { detour } from "./detour.ts";
import type { EmailAuthorization } from "./email-authorization.ts";
import type { FactorDesk, SecondFactor } from "./factors.ts";
import { factorAddedMail, factorFailedMail, factorRemovedMail } from "./mails.ts";
import { factorAddedView } from "./pages.ts";
import { RECOVERY, type RecoveryCodes } from "./recovery-codes.ts";
import type { TwoFactorSettings } from "./settings.ts";

/** Who is asked for a code: a login that waits, or somebody signed in in full who is to prove it again. */
export type Asked =
  | { readonly kind: "login"; readonly user: User; readonly pending: PendingLogin }
  | { readonly kind: "again"; readonly user: User };

export interface Answering {
  /** The method of the proof. */
  readonly method: string;
  /** Whether the answer is right. Runs inside the door `attempt`, at most once. */
  readonly check: (user: User) => Promise<boolean>;
  /** Shows the form again, with what is wrong. */
  readonly again: (reply: Reply) => Reply;
  /** The name of the field that the answer came in. @default "code" */
  readonly field?: string;
  /** Why it was not right, asked after `check`. @default "code_invalid" */
  readonly whyNot?: () => string;
  /** Runs once the answer was right, before anybody is let in. */
  readonly accepted?: (user: User) => Promise<void>;
}

/** Who may change factors here. */
export type Changing = { readonly ok: User } | { readonly refused: Reply };

export interface FactorFlows {
  /** Who is to give a code here; a reply for everybody else. A login that waits comes first, whoever else is signed in. */
  asked(ctx: Context): Promise<{ readonly ok: Asked } | { readonly refused: Reply }>;
  /** The fields of a form for codes, with the box to trust this browser where the application offers that. */
  answerFields<F extends Readonly<Record<string, Field>>>(asked: Asked, fields: F): F & Readonly<Record<string, Field>>;
  /** Checks an answer through the door `attempt`, then lets the waiting login in, or steps up. */
  answer(ctx: Context, asked: Asked, options: Answering): Promise<Reply>;
  /** Whoever may set up a factor here: signed in in full, recently and with a factor if there is one; or a login that waits for the first one. */
  adding(ctx: Context): Promise<Changing>;
  /** Turns a factor on, that `proof` shows to work, and shows recovery codes with the first one. `enable` is one step of the storer. */
  add(
    ctx: Context,
    given: {
      readonly user: User;
      readonly proof: Proof;
      readonly enable: (epoch: number, recoveryCodes: readonly string[] | null) => Promise<number | null>;
    },
  ): Promise<Reply>;
  /** Whoever may remove this factor here: signed in in full, with a second factor given recently. */
  removing(ctx: Context, factor: SecondFactor): Promise<Changing>;
  /** Turns it off, after the guards. */
  remove(ctx: Context, user: User, factor: SecondFactor): Promise<Reply>;
}

/** A field for a code that comes from a device. */
export const codeField = (label: string): TextField & { readonly required: true } =>
  textField({ label, autocomplete: "one-time-code", inputmode: "numeric", preserve: false });

export interface FlowParts {
  readonly core: Core;
  readonly desk: FactorDesk;
  readonly settings: TwoFactorSettings;
  readonly codes: RecoveryCodes;
  readonly email: EmailAuthorization | null;
}

export function factorFlows({ core, desk, settings, codes, email }: FlowParts): FactorFlows {
  const { recent, trust, isRequired } = settings;
  const failedMails = core.limit("mail/failed", "subject", 1, settings.failedMailEvery);
  const failures = core.limit("mail/failures", "subject", settings.tries, days(1));

  const expired = (ctx: Context): Reply =>
    ctx.json ? refuse(401, "login_expired") : redirect(core.path("/login"), { reason: "login_expired", flash: "failure" });

  /**
   * Somebody knows the password and does not have the factor: its owner is told when the tries of a login are used up, and when many were wrong in a day, however many logins they were spread over. The login
   * that waits is left to its end: nothing can be tried with it any more, and a right answer of a request at the same time still finds it.
   */
  const tellOfFailure = async (ctx: Context, user: User, triesLeft: number): Promise<void> => {
    const { key } = subjectOfUser(user);
    const few = (await core.use(failures, key)).admitted;
    if (few && triesLeft > 0) return;
    const { admitted } = await core.use(failedMails, key);
    if (admitted) await core.tell(factorFailedMail, { network: ctx.network }, user, ctx);
  };

  /** Once the storer has made the change its owner is told, whatever fails after it; and a failure to tell undoes nothing. */
  const changeAndTell = async (
    ctx: Context,
    given: FactorChange,
    tell: (user: User) => Promise<void>,
  ): Promise<Outcome<FactorOutcome<User>>> => {
    let isMade = false;
    const change = async (epoch: number): Promise<number | null> => {
      const next = await given.change(epoch);
      isMade = next !== null;
      return next;
    };
    const tellOnce = (user: User): Promise<void> =>
      tell(user).catch((error: unknown) => core.logger.error("a change of factors could not be told", { error, method: given.method }));
    try {
      const outcome = await core.changeFactors(ctx, { ...given, change });
      if ("ok" in outcome) await tellOnce(outcome.ok.user);
      return outcome;
    } catch (error) {
      if (isMade) await tellOnce(given.user);
      throw error;
    }
  };

  const asked: FactorFlows["asked"] = async (ctx) => {
    const pending = await core.challenges.pending(ctx);
    if (pending) {
      if (pending.triesLeft < 1) return { refused: expired(ctx) };
      // Without a factor there is nothing to ask for: it waits for one to be set up.
      if (desk.of(pending.user).length === 0) return { refused: detour(core, ctx, "/2fa/enrol", "factor_needed") };
      return { ok: { kind: "login", user: pending.user, pending } };
    }
    const current = await ctx.current();
    if (!current) return { refused: expired(ctx) };
    const refused = await core.mustBe(ctx, { level: "full" });
    return refused ? { refused } : { ok: { kind: "again", user: current.user } };
  };

  const adding: FactorFlows["adding"] = async (ctx) => {
    const pending = await core.challenges.pending(ctx);
    if (pending) {
      const [factor] = desk.of(pending.user);
      if (factor) return { refused: detour(core, ctx, factor.paths.validate, "second_factor_required") };
    }
    const refused = pending ? null : await core.mustBe(ctx, { level: "full", within: recent });
    const user = pending?.user ?? (await ctx.current())?.user;
    if (refused || !user) return { refused: refused ?? expired(ctx) };
    if (!pending && desk.of(user).length > 0) {
      const missing = await core.mustBe(ctx, { twoFactored: true, within: recent });
      if (missing) return { refused: missing };
    }
    const unauthorised = await email?.isMissing(ctx, user);
    return unauthorised ? { refused: unauthorised } : { ok: user };
  };

  return {
    asked,
    adding,

    answerFields: (who, fields) =>
      trust !== null && who.kind === "login" ? { ...fields, trust: flagField({ label: "twofactor.trust", preserve: true }) } : fields,

    // Also what a factor's own check would let through: whoever does not have it cannot give it.
    async answer(ctx, who, { method, check, again, field = "code", whyNot = () => "code_invalid", accepted }) {
      const mine = desk.of(who.user);
      // A recovery code stands in for a factor: where there is none any more it proves nothing.
      const hasIt = method === RECOVERY ? mine.length > 0 : mine.some((factor) => factor.method === method);
      if (!hasIt) return refuse(409, "factor_not_set_up");
      const tried = who.kind === "login" ? await core.challenges.tryPending(ctx) : null;
      // No try left, or another request was quicker.
      if (who.kind === "login" && tried?.user.pid !== who.user.pid) return expired(ctx);
      const user = tried?.user ?? who.user;
      const verdict = await core.attempt(ctx, subjectOfUser(user), method, () => check(user));
      if ("refused" in verdict) {
        const { refused } = verdict;
        const wasWrong = refused.kind === "refusal" && refused.reason === "invalid_credentials";
        if (!wasWrong) return again(refused);
        if (tried) await tellOfFailure(ctx, user, tried.triesLeft);
        if (tried?.triesLeft === 0) return expired(ctx);
        const reason = whyNot();
        return again(refuse(401, reason, { problems: [{ field, reason }] }));
      }
      // The answer was right and is spent: whatever else goes wrong, its owner gets in.
      await accepted?.(user).catch((error: unknown) => core.logger.error("what follows a right answer failed", { error, method }));
      if (who.kind === "login") return core.challenges.complete(ctx, verdict.ok);
      const outcome = await core.stepUp(ctx, verdict.ok);
      return "refused" in outcome ? outcome.refused : redirect(ctx.redir ?? core.path("/2fa"), { reason: "factor_given" });
    },

    async add(ctx, { user, proof, enable }) {
      const { method } = proof;
      const refused = await core.emit.before(addFactor, { user, method, ctx });
      if (refused) return refused;
      const needsCodes = desk.of(user).length === 0 || (await codes.left(user)) === 0;
      const fresh = needsCodes ? codes.make() : null;
      const change = (epoch: number) => enable(epoch, fresh?.hashes ?? null);
      const label = desk.all.find((factor) => factor.method === method)?.label ?? method;
      const outcome = await changeAndTell(ctx, { user, method, proof, change }, async (changed) => {
        await core.emit.after(addFactor, { user: changed, method, ctx });
        await core.tell(factorAddedMail, { factor: ctx.t(label) }, changed, ctx);
      });
      if ("refused" in outcome) return outcome.refused;
      const { intent } = outcome.ok;
      const next = intent?.to ?? ctx.redir ?? core.path("/2fa");
      return page(factorAddedView, { factor: label, codes: fresh?.shown ?? null, next }, { reason: "factor_added" });
    },

    async removing(ctx, factor) {
      const refused = await core.mustBe(ctx, { level: "full", twoFactored: true, within: recent });
      const current = await ctx.current();
      if (refused || !current) return { refused: refused ?? expired(ctx) };
      const { user } = current;
      if (!factor.isSetUp(user)) return { refused: refuse(409, "factor_not_set_up") };
      const isLast = desk.of(user).length === 1;
      return isLast && (await isRequired(user)) ? { refused: refuse(409, "last_factor") } : { ok: user };
    },

    async remove(ctx, user, factor) {
      const { method, label } = factor;
      const refused = await core.emit.before(removeFactor, { user, method, ctx });
      if (refused) return refused;
      const outcome = await changeAndTell(ctx, { user, method, proof: null, change: () => factor.disable(user) }, async (changed) => {
        await core.emit.after(removeFactor, { user: changed, method, ctx });
        await core.tell(factorRemovedMail, { factor: ctx.t(label) }, changed, ctx);
      });
      if ("refused" in outcome) return outcome.refused;
      return redirect(core.path("/2fa"), { reason: "factor_removed" });
    },
  };
}
