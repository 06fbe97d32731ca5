/**
 * Pending logins and challenges: what stands between a first factor and a sign-in, or waits for a code. They are rows and not values in a session, which
 * is last-writer-wins and could be replayed. @module
 */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs } from "./capability.ts";

/** One wait for one answer: of one user, in one browser session, for one purpose and one destination. */
export interface Challenge {
  /** Random, at least 128 bits, as base64url text; the session holds it. */
  readonly id: string;
  /** What it is for, for example `"login"` or `"totp/setup"`. An answer for one purpose is worthless for another. */
  readonly purpose: string;
  readonly pid: string;
  /** The user's epoch when it was made. Dead under another. */
  readonly epoch: number;
  /** SHA-256 of the browser session that it belongs to, as base64url text. */
  readonly sessionKey: string;
  /** Where the code went (a number, an address), or `""`. */
  readonly destination: string;
  /** What the one who made it wants back, as text: sealed or hashed where it is secret. At most 4,096 characters. */
  readonly data: string;
  /** How often an answer may still be tried. */
  readonly triesLeft: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface ChallengeOperations {
  /** Stores the challenge and, in the same step, ends those of the same `sessionKey` and `purpose`: a new one voids the old. */
  createChallenge(challenge: Challenge): Promise<void>;
  /**
   * The live challenge `id` of this browser session. Live: not consumed, `now` before `expiresAt`, and the user exists and is of the challenge's epoch.
   */
  findChallenge(id: string, sessionKey: string, now: Date): Promise<Challenge | null>;
  /**
   * Spends one try and answers the challenge as it then is, in one atomic step: of any number of parallel calls exactly `triesLeft` get it, the others `null`.
   * To be called before the answer is looked at.
   */
  admitTry(id: string, sessionKey: string, now: Date): Promise<Challenge | null>;
  /** Removes the live challenge and answers it; of any number of parallel calls exactly one gets it, the others `null`. */
  consumeChallenge(id: string, sessionKey: string, now: Date): Promise<Challenge | null>;
  /** Ends every challenge of this browser session. */
  endChallengesOfSession(sessionKey: string): Promise<void>;
  /** Ends every challenge of this user, of this purpose only if one is given. */
  endChallengesOf(pid: string, purpose: string | null): Promise<void>;
}

export type ChallengingServerStorer = Needs<User, ChallengeOperations>;

export const challenging: Capability<User, ChallengeOperations> = defineCapability<User, ChallengeOperations>("challenging", {
  user: {},
  operations: {
    createChallenge: true,
    findChallenge: true,
    admitTry: true,
    consumeChallenge: true,
    endChallengesOfSession: true,
    endChallengesOf: true,
  },
});
