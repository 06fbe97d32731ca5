/** The doors for second factors: a pending login waits in a row of the storer until its challenge is answered. @module */
import { meets } from "../capabilities/capability.ts";
import { type Challenge, type ChallengeOperations, challenging } from "../capabilities/challenging.ts";
import type { Engine } from "../engine.ts";
import { ConfigError } from "../errors.ts";
import type { LoginEvent } from "../events.ts";
import type { Context } from "../http/context.ts";
import type { JsonValue } from "../http/sessions.ts";
import { randomText } from "../random.ts";
import { type Reply, redirect, refuse } from "../replies.ts";
import { after, type Duration } from "../time.ts";
import type { User } from "../users.ts";
import { challengeKey, endHeld } from "./held.ts";
import { establish, guards } from "./login.ts";
import { type Intent, type Outcome, Proof } from "./proof.ts";

const PENDING = "pending";
/** The session key of the purposes that challenges were made for. */
const PURPOSES = "pending purposes";
/** The purpose of pending logins. */
export const LOGIN = "login";
const ID_BYTES = 16;

export interface PendingLogin<U extends User = User> {
  readonly challengeId: string;
  readonly user: U;
  readonly intent: Intent;
  /** How the first factor was given. */
  readonly method: string;
  readonly via: string;
  /** How often a second factor may still be tried. */
  readonly triesLeft: number;
  readonly expiresAt: Date;
  /** When the first factor was given. */
  readonly provedAt: Date;
}

/** What a pending login keeps in its row. No secret. */
interface Kept {
  readonly intent: Intent;
  readonly method: string;
  readonly at: string;
  readonly via: string;
}

function operations(storer: unknown): ChallengeOperations {
  if (!meets(storer as Engine["storer"], challenging)) {
    throw new ConfigError([`a second factor needs a storer with the capability "challenging": add its operations`]);
  }
  return storer as ChallengeOperations; // `meets` has just looked for each of them
}

export interface NewChallenge {
  readonly user: User;
  readonly purpose: string;
  readonly destination?: string;
  /** What comes back with the answer: sealed or hashed where it is secret. */
  readonly data?: string;
  readonly tries: number;
  readonly lasts: Duration;
}

/** Makes a challenge of this browser session; the old one of the same purpose ends. Answers its id. */
export async function makeChallenge(engine: Engine, ctx: Context, given: NewChallenge): Promise<string> {
  const now = engine.clock.now();
  return store(engine, ctx, {
    purpose: given.purpose,
    pid: given.user.pid,
    epoch: given.user.epoch,
    destination: given.destination ?? "",
    data: given.data ?? "",
    triesLeft: given.tries,
    createdAt: now,
    expiresAt: after(now, given.lasts),
  });
}

async function store(engine: Engine, ctx: Context, challenge: Omit<Challenge, "id" | "sessionKey">): Promise<string> {
  const session = await ctx.openSession();
  const id = randomText(engine.random, ID_BYTES);
  const { purpose } = challenge;
  await operations(engine.storer).createChallenge({ ...challenge, id, sessionKey: challengeKey(session.id) });
  session.put(`${PENDING}:${purpose}`, id);
  session.put(PURPOSES, [...new Set([...purposesIn(session.get(PURPOSES)), purpose])]);
  await session.save();
  return id;
}

const purposesIn = (value: JsonValue | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((purpose) => typeof purpose === "string") : [];

/**
 * Takes what waits in this browser session out of it, but for a login: to be put into the session that takes its place, for the same person. Each is taken once, with the tries that it has left.
 */
export async function takeWaiting(engine: Engine, ctx: Context): Promise<readonly Challenge[]> {
  if (!meets(engine.storer, challenging) || ctx.sessionId === null) return [];
  const taken: Challenge[] = [];
  for (const purpose of purposesIn(await ctx.session.get(PURPOSES))) {
    const challenge = purpose === LOGIN ? null : await withChallenge(engine, ctx, purpose, "consumeChallenge");
    if (challenge) taken.push(challenge);
  }
  return taken;
}

/** Lets what was taken wait on, in the session that this browser has now. */
export async function putWaiting(engine: Engine, ctx: Context, challenges: readonly Challenge[]): Promise<void> {
  for (const { id: _, sessionKey: __, ...challenge } of challenges) await store(engine, ctx, challenge);
}

type Step = "findChallenge" | "admitTry" | "consumeChallenge";

/** Runs one of the atomic operations on this browser's challenge for `purpose`. `null` when there is none alive. */
export async function withChallenge(engine: Engine, ctx: Context, purpose: string, step: Step): Promise<Challenge | null> {
  const id = ctx.sessionId;
  if (id === null) return null;
  const challengeId = await ctx.session.get(`${PENDING}:${purpose}`);
  if (typeof challengeId !== "string") return null;
  const challenge = await operations(engine.storer)[step](challengeId, challengeKey(id), engine.clock.now());
  return challenge?.purpose === purpose ? challenge : null;
}

/** For a `challenge` handler of the channel `login`: keeps the login pending and sends the person to `path` below the mount. */
export async function pendLogin(
  engine: Engine,
  event: LoginEvent,
  path: string,
  limits: { readonly tries: number; readonly lasts: Duration },
): Promise<Reply> {
  const { user, ctx, intent, proof, via } = event;
  const kept: Kept = { intent, method: proof.method, at: proof.at.toISOString(), via };
  // Whoever was signed in here is not any more: a half-done login must not be mixed with somebody else's session.
  await endHeld(engine, ctx);
  ctx.becomes(null);
  await ctx.renewSession();
  await makeChallenge(engine, ctx, { user, purpose: LOGIN, data: JSON.stringify(kept), ...limits });
  return redirect(path, { reason: "second_factor_required" });
}

/** The login that waits in this browser session. */
export async function pendingLogin<U extends User>(
  engine: Engine<U>,
  ctx: Context<U>,
  step: Step = "findChallenge",
): Promise<PendingLogin<U> | null> {
  const challenge = await withChallenge(engine, ctx, LOGIN, step);
  const user = challenge ? await engine.storer.load(challenge.pid) : null;
  if (user) engine.checkUser(user);
  if (!challenge || user?.epoch !== challenge.epoch) return null;
  const { intent, method, via, at } = keptIn(challenge);
  const { id: challengeId, triesLeft, expiresAt } = challenge;
  return { challengeId, user, intent, method, via, triesLeft, expiresAt, provedAt: new Date(at) };
}

/** Ends the login that waits here and answers it; of any number of parallel calls one gets it. */
export const takePendingLogin = <U extends User>(engine: Engine<U>, ctx: Context<U>): Promise<PendingLogin<U> | null> =>
  pendingLogin(engine, ctx, "consumeChallenge");

// `pendLogin` wrote it, and the row is bound to our purpose.
const keptIn = (challenge: Challenge): Kept => JSON.parse(challenge.data) as Kept;

/** No pending login here, or it is over: begin again. */
export const noPendingLogin = (): Reply => refuse(401, "login_expired");

/**
 * A second factor was given: consumes the pending login (of parallel calls one wins), **runs the guards again**, then makes the sign-in. Where to go and whether to remember come from
 * the pending login.
 */
export async function completeChallenge<U extends User>(
  engine: Engine<U>,
  ctx: Context<U>,
  proof: Proof,
): Promise<Outcome<{ readonly user: U; readonly intent: Intent }>> {
  if (!Proof.isGenuine(proof)) throw new TypeError("a proof comes from the door `attempt` and from nowhere else");
  if (!engine.secondFactors.has(proof.method)) {
    throw new TypeError(
      `"${proof.method}" does not count as a second factor: say challenges.counts("${proof.method}", …) when the module starts`,
    );
  }
  const pending = await takePendingLogin(engine, ctx);
  if (!pending || proof.pid !== pending.user.pid || proof.epoch !== pending.user.epoch) return { refused: noPendingLogin() };
  return completeLogin(engine, ctx, pending, proof);
}

/** What both ways out of a pending login end in: a second factor that was given, or one that was just set up. */
export async function completeLogin<U extends User>(
  engine: Engine<U>,
  ctx: Context<U>,
  pending: PendingLogin<U>,
  second: Proof,
): Promise<Outcome<{ readonly user: U; readonly intent: Intent }>> {
  const { user, intent, method, via, provedAt } = pending;
  const knownBrowser = engine.browsers.idFor(ctx, user.pid);
  const event: LoginEvent = { user, ctx, proof: new Proof(user, method, provedAt), second, intent, via, knownBrowser };
  const refused = await guards(engine, event);
  if (refused) return { refused };
  const outcome = await establish(engine, event, user, "full");
  return "ok" in outcome ? { ok: { user, intent } } : outcome;
}
