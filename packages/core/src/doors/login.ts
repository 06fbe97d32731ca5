/** The doors that let somebody in: full, or half by a remember-me cookie. Every sign-in of a visitor begins here. @module */

import type { Level } from "../capabilities/server-storer.ts";
import type { Engine } from "../engine.ts";
import { type LoginEvent, login as loginChannel } from "../events.ts";
import type { Context } from "../http/context.ts";
import { type Reply, refuse } from "../replies.ts";
import { type Current, newSignIn, signInKey } from "../sign-ins.ts";
import type { User } from "../users.ts";
import { refusalOfDisabled } from "./disabled.ts";
import { endHeld } from "./held.ts";
import { type Intent, type Outcome, Proof } from "./proof.ts";

/** The secret was right, but the account changed before the sign-in was made (another password, another epoch). */
const changedMeanwhile = (): Reply => refuse(401, "account_changed");

/** Loads the user of a proof afresh; `null` when the account moved on since. */
export async function userOfProof<U extends User>(engine: Engine<U>, proof: Proof): Promise<U | null> {
  if (!Proof.isGenuine(proof)) throw new TypeError("a proof comes from the door `attempt` and from nowhere else");
  const user = await engine.storer.load(proof.pid);
  if (!user) return null;
  engine.checkUser(user);
  return user.epoch === proof.epoch ? user : null;
}

/**
 * Around every sign-in, whichever module proved who it is. Loads the user afresh, compares epochs, runs the guards, then the challenges (a second factor
 * answers here with a pending login), then makes the sign-in: new session id, one row. A `record` handler that throws takes it back; so does a row of which nobody knows whether it was written.
 */
export async function login<U extends User>(
  engine: Engine<U>,
  ctx: Context<U>,
  proof: Proof,
  intent: Intent,
  via: string,
): Promise<Outcome<U>> {
  const user = await userOfProof(engine, proof);
  if (!user) return { refused: changedMeanwhile() };
  const knownBrowser = engine.browsers.idFor(ctx, user.pid);
  const event: LoginEvent = { user, ctx, proof, second: null, intent, via, knownBrowser };
  const refused = (await guards(engine, event)) ?? (await engine.bus.before(loginChannel, event, ["challenge"]));
  return refused ? { refused } : establish(engine, event, user, "full");
}

/** The guards alone: run again when a second factor was given. */
export async function guards(engine: Engine, event: LoginEvent): Promise<Reply | null> {
  return refusalOfDisabled(engine, event.user) ?? (await engine.bus.before(loginChannel, event, ["guard"]));
}

/**
 * Half a sign-in: a remember-me cookie vouches for the browser. No challenge is asked; a guard that refuses leaves an anonymous visitor. Without `lasting`, for this request only: nothing is
 * stored and the browser gets no cookie.
 */
export async function establishHalf<U extends User>(
  engine: Engine<U>,
  ctx: Context<U>,
  proof: Proof,
  intent: Intent,
  lasting = true,
): Promise<Current<U> | null> {
  const user = await userOfProof(engine, proof);
  if (!user) return null;
  const knownBrowser = engine.browsers.idFor(ctx, user.pid);
  const event: LoginEvent = { user, ctx, proof, second: null, intent, via: proof.method, knownBrowser };
  if (await guards(engine, event)) return null;
  if (!lasting) {
    const { network, userAgent } = ctx;
    const given = { user, level: "half", factors: [{ method: proof.method, at: proof.at }], network, userAgent } as const;
    return { user, signIn: newSignIn(given, engine.lifetime, engine.clock.now(), engine.random) };
  }
  const outcome = await establish(engine, event, user, "half");
  return "ok" in outcome ? ctx.current() : null;
}

/** Makes the session and the row. Refused when the epoch moved on: the row is made only under the user's own. */
export async function establish<U extends User>(engine: Engine<U>, event: LoginEvent, user: U, level: Level): Promise<Outcome<U>> {
  const { storer, bus, lifetime, clock, random } = engine;
  const { proof, second } = event;
  const ctx = event.ctx as Context<U>; // the event was made from this very context
  await endHeld(engine, ctx);
  const session = await ctx.renewSession();
  session.put("since", clock.now().toISOString());
  // First the session, then the row: killed in between, the browser holds the id of a session in which nobody is signed in.
  await session.save();
  const factors = [proof, ...(second ? [second] : [])].map(({ method, at }) => ({ method, at }));
  const { network, userAgent } = ctx;
  const signIn = newSignIn({ user, level, factors, network, userAgent }, lifetime, clock.now(), random);
  const key = signInKey(session.id);
  try {
    if (!(await storer.createSignIn(key, signIn))) {
      await ctx.dropSession();
      return { refused: changedMeanwhile() };
    }
    ctx.becomes({ user, signIn });
    await bus.record(loginChannel, event);
  } catch (error) {
    await takeBack(engine, ctx, key);
    throw error;
  }
  if (level === "full") engine.browsers.learn(ctx, user.pid);
  await bus.notify(loginChannel, event);
  return { ok: user };
}

async function takeBack<U extends User>({ storer }: Engine<U>, ctx: Context<U>, key: string): Promise<void> {
  ctx.becomes(null);
  try {
    await storer.endSignIn(key);
  } finally {
    // Also when the row could not be ended: without the id it opens nothing.
    await ctx.dropSession();
  }
}
