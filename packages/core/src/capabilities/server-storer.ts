/**
 * What every storer has: looking users up, and the rows that say who is signed in. All that the author of a
 * backend must read first; every other capability adds to it. @module
 *
 * Contract of every operation, of this and of the other capabilities:
 * - It answers `null` or `false` for what is expected ("not found", "already used", "too late"), and rejects only
 *   when the world failed. A failure is never "not found".
 * - Whatever decides "once" or "at most" is atomic: one statement, or one short transaction whose first write decides.
 * - It receives and returns copies. A user that was handed out never changes.
 * - `now` is the caller's clock. A storer never asks its own, nor the database's.
 * - Writes touch only the fields that they are about.
 */
import type { User } from "../users.ts";
import { type Capability, defineCapability } from "./capability.ts";

/** How a person proved who they are, and when. */
export interface FactorProof {
  /** For example `"password"`, `"totp"`, `"sms"`, `"webauthn"`, `"oauth2"`, `"remember"`. */
  readonly method: string;
  readonly at: Date;
}

/** How much of a sign-in there is: `half` when only a remember-me cookie vouches for it. */
export type Level = "full" | "half";

/** One browser (or client) in which a user is signed in. */
export interface SignIn {
  /** Public handle, random, at least 128 bits; what a list of sessions shows. Opens nothing. */
  readonly id: string;
  readonly pid: string;
  /** The user's epoch that this sign-in was made under. */
  readonly epoch: number;
  readonly level: Level;
  readonly factors: readonly FactorProof[];
  readonly createdAt: Date;
  /** The last use, to within the refresh interval. */
  readonly seenAt: Date;
  /** Dead from this moment on unless used before: the idle limit. Never later than `endsAt`. */
  readonly idleEndsAt: Date;
  /** Dead from this moment on: the absolute limit. */
  readonly endsAt: Date;
  /** The browser's own description (User-Agent), at most 256 characters, for the list of sessions. */
  readonly userAgent: string;
  /** The network that it came from (an IPv4 address or an IPv6 /64), for the list of sessions. */
  readonly network: string;
}

/**
 * The rows that say who is signed in. `key` is a SHA-256 of the session id that the browser holds, as base64url text:
 * a dump of the table opens nothing.
 */
export interface SignInOperations<out U extends User = User> {
  /**
   * Makes the row, but only if the user exists and is still of `signIn.epoch`, in one atomic step: a password that
   * changed between check and sign-in refuses the sign-in. `key` and `signIn.id` are fresh random values; one that is taken is not overwritten.
   * Answers whether the row was made.
   */
  createSignIn(key: string, signIn: SignIn): Promise<boolean>;
  /**
   * The live sign-in under `key` and its user, in one look-up. Live: the user exists, epochs are equal,
   * and `now` is before both `idleEndsAt` and `endsAt`. Otherwise `null`.
   */
  findSignIn(key: string, now: Date): Promise<{ readonly user: U; readonly signIn: SignIn } | null>;
  /**
   * Moves `seenAt` and `idleEndsAt` (never past `endsAt`) of a sign-in that is live at `seenAt`; makes nothing, revives nothing. Called at most once per refresh interval.
   */
  touchSignIn(key: string, seenAt: Date, idleEndsAt: Date): Promise<void>;
  /**
   * Gives a live sign-in a new key, level and factors, keeping `id`, `createdAt` and `endsAt`. Of parallel calls with one `key`, one
   * answers `true`. Only while user and row are of `epoch`: one of an earlier epoch is dead and stays so.
   */
  replaceSignIn(
    key: string,
    next: { readonly key: string; readonly level: Level; readonly factors: readonly FactorProof[]; readonly epoch: number },
    now: Date,
  ): Promise<boolean>;
  /** Ends the sign-in under `key`. Answers whether there was one. */
  endSignIn(key: string): Promise<boolean>;
  /** Ends the sign-in of `pid` that has this public `id`. `false` for a stranger's or an unknown one. */
  endSignInOf(pid: string, id: string): Promise<boolean>;
  /** Ends all sign-ins of `pid`, except the one under `exceptKey` if given. Answers how many ended. */
  endSignIns(pid: string, exceptKey: string | null): Promise<number>;
  /** The live sign-ins of `pid`, the most recently seen first; at most 100. */
  listSignIns(pid: string, now: Date): Promise<readonly SignIn[]>;
}

/** The database adapter of an application. Modules need more of it: see the other files of this folder. */
export interface ServerStorer<out U extends User = User> extends SignInOperations<U> {
  /** The user fields that `load`, `findByLogin` and `findSignIn` fill in, so that a forgotten column is found at start-up. */
  readonly userFields: readonly string[];
  /** The user of this `pid`. */
  load(pid: string): Promise<U | null>;
  /** The user whose login equals the given text, which core has normalised. */
  findByLogin(login: string): Promise<U | null>;
  /** Advances the user's epoch, which ends whatever was made under the old one. Answers the new epoch, or `null` for no user. */
  advanceEpoch(pid: string): Promise<number | null>;
  /**
   * Removes rows that have expired, at most `limit` of them, and answers how many. Nothing may depend on it for its
   * safety: every operation checks expiry itself.
   */
  sweep(now: Date, limit: number): Promise<number>;
  /** Makes the storer ready: connections, schema. Called once, before anything else. */
  ready?(): Promise<void>;
  /** Lets go of connections. Operations under way may finish; later ones reject. */
  close?(): Promise<void>;
}

/** What core itself needs of every storer. */
export const serverStorer: Capability<User, Omit<ServerStorer, "userFields" | "ready" | "close">> = defineCapability<
  User,
  Omit<ServerStorer, "userFields" | "ready" | "close">
>("server", {
  user: {},
  operations: {
    load: true,
    findByLogin: true,
    advanceEpoch: true,
    sweep: true,
    createSignIn: true,
    findSignIn: true,
    touchSignIn: true,
    replaceSignIn: true,
    endSignIn: true,
    endSignInOf: true,
    endSignIns: true,
    listSignIns: true,
  },
});
