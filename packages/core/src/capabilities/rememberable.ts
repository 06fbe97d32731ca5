/** Browsers that are remembered: series of secrets that rotate. @module */
import type { Duration } from "../time.ts";
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs } from "./capability.ts";
import type { TokenProof } from "./mailed-tokens.ts";

/** One remembered browser. */
export interface RememberSeries {
  /** 128 random bits as base64url text: what stays the same over all rotations. */
  readonly selector: string;
  /** SHA-256 of the current secret, as base64url text. */
  readonly verifierHash: string;
  readonly pid: string;
  /** The user's epoch when it was made. Dead under another. */
  readonly epoch: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** User-Agent, at most 256 characters, for a list of remembered browsers. */
  readonly userAgent: string;
}

/**
 * `rotated`: the current secret, which is now replaced. `grace`: the secret before it, while `now` is before the last rotation and the grace after it: a parallel request of the same browser; nothing
 * changes. `stolen`: any other secret of a live series, which ends with it.
 */
export type Rotation =
  | { readonly kind: "rotated"; readonly pid: string; readonly epoch: number; readonly expiresAt: Date }
  | { readonly kind: "grace"; readonly pid: string; readonly epoch: number }
  | { readonly kind: "stolen"; readonly pid: string };

export interface RememberOperations {
  /** Stores a new series, only while there is such a user of `series.epoch`, and never over one of the same selector. Answers whether it was stored. */
  addRememberSeries(series: RememberSeries): Promise<boolean>;
  /**
   * Puts `next` in place of the secret that `proof` brings, in one atomic step: of any number of parallel calls with the current secret one rotates, the others are in grace. `null` when there is no live series:
   * unknown, at or past `expiresAt`, or of another epoch than its user. `expiresAt` does not move. A storer may take a statement for each of the three outcomes, if each decides by itself; most calls are over
   * with the first.
   */
  rotateRememberSeries(proof: TokenProof, next: string, grace: Duration, now: Date): Promise<Rotation | null>;
  /** Ends one series, live or not. Answers whether there was one. */
  endRememberSeries(selector: string): Promise<boolean>;
  /** Ends all series of a user, except the one with the selector `except` if given; answers how many. */
  endRememberSeriesOf(pid: string, except: string | null): Promise<number>;
}

export type RememberingServerStorer = Needs<User, RememberOperations>;

export const rememberable: Capability<User, RememberOperations> = defineCapability<User, RememberOperations>("rememberable", {
  user: {},
  operations: { addRememberSeries: true, rotateRememberSeries: true, endRememberSeries: true, endRememberSeriesOf: true },
});
