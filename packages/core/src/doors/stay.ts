/** How a browser stays signed in when the account's epoch moves on: a new sign-in takes the place of the one that died. @module */
import type { FactorProof } from "../capabilities/server-storer.ts";
import type { Engine } from "../engine.ts";
import type { Context } from "../http/context.ts";
import { newSignIn, signInKey } from "../sign-ins.ts";
import type { User } from "../users.ts";

/**
 * Gives this browser a new sign-in under the epoch of `user`, with the rights of the old one and the proofs that `factors` makes of its proofs, unless it was signed out in the meantime. To be called by a
 * door that has asked `ctx.current()` before the epoch moved on: after that nobody would be signed in here.
 */
export async function staySignedIn<U extends User>(
  engine: Engine<U>,
  ctx: Context<U>,
  user: U,
  factors: (before: readonly FactorProof[]) => readonly FactorProof[],
): Promise<void> {
  const { storer, clock, lifetime, random } = engine;
  const [current, before] = [await ctx.current(), ctx.sessionId];
  if (current?.user.pid !== user.pid || before === null) return;
  if (!(await storer.endSignIn(signInKey(before)))) {
    ctx.becomes(null);
    return ctx.dropSession();
  }
  const session = await ctx.renewSession();
  session.put("since", clock.now().toISOString());
  await session.save();
  const { level, network, userAgent } = current.signIn;
  const given = { user, level, factors: factors(current.signIn.factors), network, userAgent };
  const signIn = newSignIn(given, lifetime, clock.now(), random);
  const made = await storer.createSignIn(signInKey(session.id), signIn);
  ctx.becomes(made ? { user, signIn } : null);
}
