/** The door to a change of second factors: whatever was signed in without the new one, or with the old one, ends. @module */
import type { Engine } from "../engine.ts";
import { revoke as revokeChannel } from "../events.ts";
import type { Context } from "../http/context.ts";
import { refuse } from "../replies.ts";
import { signInKey, withFactor } from "../sign-ins.ts";
import type { User } from "../users.ts";
import { completeLogin, noPendingLogin, takePendingLogin } from "./challenge.ts";
import { type Intent, type Outcome, Proof } from "./proof.ts";
import { staySignedIn } from "./stay.ts";

/** What is to happen to a user's factors. */
export interface FactorChange {
  readonly user: User;
  /** For example `"totp"`: added where there is a `proof` of it, else removed. */
  readonly method: string;
  /** The proof that the new factor works; `null` to remove one. */
  readonly proof: Proof | null;
  /** The storer's operation: one atomic step that advances the epoch. Answers the new one, or `null` when nothing changed. */
  readonly change: (epoch: number) => Promise<number | null>;
}

/** The user as changed, and what the login was wanted for that waited for this factor. */
export interface FactorOutcome<U extends User> {
  readonly user: U;
  readonly intent: Intent | null;
}

/**
 * Adds or removes a second factor. The epoch advances with the change, so that every other sign-in, every login under way and every mailed link ends at once. Whoever is signed in here in full stays so under a
 * new session id. Whoever waits for a factor to be set up (a pending login of the same user) gets in by it, through the guards.
 */
export async function changeFactors<U extends User>(
  engine: Engine<U>,
  ctx: Context<U>,
  given: FactorChange,
): Promise<Outcome<FactorOutcome<U>>> {
  const { proof, method, user } = given;
  if (proof !== null && !(Proof.isGenuine(proof) && proof.method === method && proof.pid === user.pid && proof.epoch === user.epoch)) {
    throw new TypeError(`the proof is not one of "${method}" and of this user: it comes from the door \`attempt\``);
  }
  const current = await ctx.current();
  if (current) return change(engine, ctx, given, current.user.pid === user.pid && current.signIn.level === "full");
  return proof === null ? { refused: refuse(401, "login_required") } : enrol(engine, ctx, given, proof);
}

async function change<U extends User>(
  engine: Engine<U>,
  ctx: Context<U>,
  { user, method, proof, change: run }: FactorChange,
  isAllowed: boolean,
): Promise<Outcome<FactorOutcome<U>>> {
  if (!isAllowed) return { refused: refuse(403, "full_login_required") };
  const changed = await changedUser(engine, user.pid, await run(user.epoch));
  if (!changed) return { refused: refuse(409, "account_changed") };
  await staySignedIn(engine, ctx, changed, (before) => {
    const others = before.filter((factor) => factor.method !== method);
    return proof ? withFactor(others, { method, at: proof.at }) : others;
  });
  await removeDead(engine, user, ctx.sessionId ? signInKey(ctx.sessionId) : null);
  await tell(engine, ctx, user);
  return { ok: { user: changed, intent: null } };
}

/** Of parallel calls one takes the pending login. It is gone before the factor is there: killed in between, nothing has changed, and the person begins again. */
async function enrol<U extends User>(
  engine: Engine<U>,
  ctx: Context<U>,
  { user, change: run }: FactorChange,
  proof: Proof,
): Promise<Outcome<FactorOutcome<U>>> {
  const pending = await takePendingLogin(engine, ctx);
  if (!pending || pending.user.pid !== user.pid) return { refused: noPendingLogin() };
  const changed = await changedUser(engine, user.pid, await run(user.epoch));
  if (!changed) return { refused: refuse(409, "account_changed") };
  await removeDead(engine, user, null);
  await tell(engine, null, user);
  const outcome = await completeLogin(engine, ctx, { ...pending, user: changed }, new Proof(changed, proof.method, proof.at));
  return "refused" in outcome ? outcome : { ok: { user: changed, intent: pending.intent } };
}

/** The rows of sign-ins that ended with the epoch. They open nothing any more: where they cannot be removed now, the change stands all the same. */
async function removeDead({ storer, logger }: Engine, { pid }: User, exceptKey: string | null): Promise<void> {
  await storer.endSignIns(pid, exceptKey).catch((error: unknown) => logger.warn("dead sign-ins could not be removed", { pid, error }));
}

async function changedUser<U extends User>(engine: Engine<U>, pid: string, epoch: number | null): Promise<U | null> {
  const user = epoch === null ? null : await engine.storer.load(pid);
  if (user) engine.checkUser(user);
  return user;
}

/** Remembered browsers end with the sign-ins. */
async function tell(engine: Engine, ctx: Context | null, { pid }: User): Promise<void> {
  const event = { pid, ctx, which: "others" } as const;
  await engine.bus.record(revokeChannel, event);
  await engine.bus.notify(revokeChannel, event);
}
