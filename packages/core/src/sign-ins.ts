/** Who is signed in: what the sign-in row says, and how long it may say so. @module */
import type { FactorProof, Level, SignIn } from "./capabilities/server-storer.ts";
import { digest } from "./keys.ts";
import { type Random, randomText } from "./random.ts";
import { after, type Duration } from "./time.ts";
import type { User } from "./users.ts";

/** A signed-in visitor. */
export interface Current<out U extends User = User> {
  readonly user: U;
  readonly signIn: SignIn;
}

export interface SignInLifetime {
  /** How long a sign-in may go unused. */
  readonly idle: Duration;
  /** How long a sign-in may last at all. */
  readonly absolute: Duration;
  /** How exact `seenAt` is: a used sign-in is written at most this often. */
  readonly refresh: Duration;
}

/** What the storer finds a sign-in by: the session id itself is never stored. */
export const signInKey = (sessionId: string): string => digest("sign-in", sessionId);

const LONGEST_USER_AGENT = 256;

export interface NewSignIn {
  readonly user: User;
  readonly level: Level;
  readonly factors: readonly FactorProof[];
  readonly network: string;
  readonly userAgent: string;
}

export const newSignIn = (given: NewSignIn, lifetime: SignInLifetime, now: Date, random: Random): SignIn => ({
  id: randomText(random, 16),
  pid: given.user.pid,
  epoch: given.user.epoch,
  level: given.level,
  factors: given.factors,
  createdAt: now,
  seenAt: now,
  idleEndsAt: earlier(after(now, lifetime.idle), after(now, lifetime.absolute)),
  endsAt: after(now, lifetime.absolute),
  userAgent: given.userAgent.slice(0, LONGEST_USER_AGENT),
  network: given.network,
});

/** When a sign-in that was used at `now` is written next, if it is due. */
export function refreshed(
  signIn: SignIn,
  lifetime: SignInLifetime,
  now: Date,
): { readonly seenAt: Date; readonly idleEndsAt: Date } | null {
  if (now.getTime() - signIn.seenAt.getTime() < lifetime.refresh) return null;
  return { seenAt: now, idleEndsAt: earlier(after(now, lifetime.idle), signIn.endsAt) };
}

const earlier = (one: Date, other: Date): Date => (one < other ? one : other);

/** The proofs of a sign-in after `proof` was given anew: one entry for each method, the newest. */
export const withFactor = (factors: readonly FactorProof[], proof: FactorProof): readonly FactorProof[] => [
  ...factors.filter(({ method }) => method !== proof.method),
  proof,
];
