/** The door around every check of a secret: limits first, then the check. @module */
import type { Engine } from "../engine.ts";
import { attempt as attemptChannel, attemptFailed } from "../events.ts";
import type { Context } from "../http/context.ts";
import type { Limit } from "../limits.ts";
import { type RefusalReply, refuse } from "../replies.ts";
import { browserBudget, type Subject } from "../subjects.ts";
import type { User } from "../users.ts";
import { refusalOfDisabled } from "./disabled.ts";
import { Proof, type Verdict } from "./proof.ts";

/**
 * Counts the attempt, then checks, for known and unknown subjects alike: first the limits by network and by subject (a refused one is answered with 429 and never
 * reaches `check`), then the guards of the channel `attempt` (the lock), then `check`. Only a right secret of a known user makes a proof. A right one takes its count in the
 * network back, and clears the subject's for this method. When `check` throws, the count stays: it was an attempt.
 */
export async function attempt(
  engine: Engine,
  ctx: Context | null,
  subject: Subject<User>,
  method: string,
  check: () => Promise<boolean>,
): Promise<Verdict> {
  const { limits, limiter, bus, clock, logger } = engine;
  const budget = budgetOf(engine, ctx, subject);
  // Each method has a budget of its own: whoever knows the password could otherwise buy new guesses of the second factor with it.
  const tries = `${method}:${budget}`;
  const counted: { readonly limit: Limit; readonly who: string }[] = [{ limit: limits.attemptBySubject, who: tries }];
  if (ctx) counted.unshift({ limit: limits.attemptByNetwork, who: ctx.network });
  for (const { limit, who } of counted) {
    const admission = await limiter.use(limit, who);
    if (!admission.admitted) return { refused: throttled(admission.retryAfter) };
  }
  const event = { subject, method, ctx, budget };
  const refused = await bus.before(attemptChannel, event, ["guard"]);
  if (refused) return { refused };
  const right = await check();
  if (!right || subject.kind === "unknown") {
    await bus.notify(attemptFailed, event);
    return { refused: refuse(401, "invalid_credentials") };
  }
  const refusedToo = refusalOfDisabled(engine, subject.user);
  if (refusedToo) return { refused: refusedToo };
  await bus.record(attemptChannel, event);
  // The secret was right, and may be spent: counts that cannot be taken back now do not make it wrong.
  await limiter
    .forget(limits.attemptBySubject, tries)
    .then(() => (ctx ? limiter.takeBack(limits.attemptByNetwork, ctx.network) : undefined))
    .catch((error: unknown) => logger.warn("the count of an attempt could not be taken back", { error }));
  await bus.notify(attemptChannel, event);
  return { ok: new Proof(subject.user, method, clock.now()) };
}

/** A browser in which the owner has signed in before has a budget of its own, so that strangers cannot shut the owner out. */
function budgetOf({ browsers }: Engine, ctx: Context | null, subject: Subject<User>): string {
  const browser = ctx && subject.kind === "known" ? browsers.idFor(ctx, subject.user.pid) : null;
  return browser === null ? subject.key : browserBudget(subject, browser);
}

/** Too many, for now (RFC 6585, section 4). */
export const throttled = (retryAfter: number): RefusalReply => refuse(429, "too_many_attempts", { retryAfter });
