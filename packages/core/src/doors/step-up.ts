/** The door for a fresh proof inside a session. @module */
import type { ServerStorer } from "../capabilities/server-storer.ts";
import type { Engine } from "../engine.ts";
import { stepUp as stepUpChannel } from "../events.ts";
import type { Context } from "../http/context.ts";
import { refuse } from "../replies.ts";
import { signInKey, withFactor } from "../sign-ins.ts";
import type { User } from "../users.ts";
import { putWaiting, takeWaiting } from "./challenge.ts";
import { userOfProof } from "./login.ts";
import type { Outcome, Proof } from "./proof.ts";

/**
 * A new session id, and a newer time stamp on that factor. Only for whoever is signed in here, and in full: half a sign-in becomes a whole one through the
 * login door alone, which asks for the second factor.
 */
export async function stepUp<U extends User>(engine: Engine<U>, ctx: Context<U>, proof: Proof): Promise<Outcome<U>> {
  const { bus, clock } = engine;
  const [user, current, before] = [await userOfProof(engine, proof), await ctx.current(), ctx.sessionId];
  if (!user || !current || before === null || current.user.pid !== user.pid) return { refused: refuse(401, "login_required") };
  if (current.signIn.level !== "full") return { refused: refuse(403, "full_login_required") };
  const event = { user, ctx, proof };
  const refused = await bus.before(stepUpChannel, event, ["guard"]);
  if (refused) return { refused };
  const factors = withFactor(current.signIn.factors, { method: proof.method, at: proof.at });
  // What this person has begun here, a set-up or a mailed proof, goes on: it was they who gave the proof.
  const waiting = await takeWaiting(engine, ctx);
  const session = await ctx.renewSession();
  session.put("since", clock.now().toISOString());
  await session.save();
  const next = { key: signInKey(session.id), level: "full", factors, epoch: proof.epoch } as const;
  if (!(await replaced(engine, signInKey(before), next))) {
    ctx.becomes(null);
    await ctx.dropSession();
    return { refused: refuse(401, "login_required") };
  }
  await putWaiting(engine, ctx, waiting);
  ctx.becomes({ user, signIn: { ...current.signIn, level: "full", factors, epoch: proof.epoch } });
  await bus.record(stepUpChannel, event);
  await bus.notify(stepUpChannel, event);
  return { ok: user };
}

type NextSignIn = Parameters<ServerStorer["replaceSignIn"]>[1];

/**
 * Gives the sign-in its new key. By now the browser holds the new session id and no other, so a connection that broke for a moment is worth a second try. Where that fails too, nobody is signed in here: the
 * row is ended if that can be done, under whichever key it is, and what went wrong is thrown on.
 */
async function replaced<U extends User>({ storer, clock }: Engine<U>, before: string, next: NextSignIn): Promise<boolean> {
  const replace = (): Promise<boolean> => storer.replaceSignIn(before, next, clock.now());
  try {
    return await replace();
  } catch {
    try {
      // The first one may have done its work before it failed.
      return (await replace()) || (await storer.findSignIn(next.key, clock.now())) !== null;
    } catch (error) {
      for (const key of [before, next.key]) await storer.endSignIn(key).catch(() => false);
      throw error;
    }
  }
}
