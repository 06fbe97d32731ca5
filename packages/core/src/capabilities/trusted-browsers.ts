/** Browsers that are not asked for the second factor for a while, because it was given in them before. @module */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs } from "./capability.ts";

export interface TrustedBrowser {
  /** Public handle, random, at least 128 bits; what a list shows. Opens nothing. */
  readonly id: string;
  /** SHA-256 of the secret in the browser's cookie, as base64url text; the secret has at least 128 random bits. */
  readonly keyHash: string;
  readonly pid: string;
  /** The user's epoch when it was made. Dead under another: after a change of password or of a factor every browser is asked again. */
  readonly epoch: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** User-Agent, at most 256 characters. */
  readonly userAgent: string;
  /** The network that it came from, as in the list of sign-ins. */
  readonly network: string;
}

/** Live: `now` is before `expiresAt`, and the user exists and is of the browser's epoch. */
export interface TrustedBrowserOperations {
  /** Stores it, only while there is such a user of its epoch, and never over one of the same id or key. Answers whether it was stored. */
  addTrustedBrowser(browser: TrustedBrowser): Promise<boolean>;
  /** The live one of this user with this key. */
  findTrustedBrowser(pid: string, keyHash: string, now: Date): Promise<TrustedBrowser | null>;
  /** The live ones of this user, the newest first; at most 100. */
  listTrustedBrowsers(pid: string, now: Date): Promise<readonly TrustedBrowser[]>;
  /** Ends the one of `pid` that has this public `id`, live or not. `false` for a stranger's or an unknown one. */
  endTrustedBrowser(pid: string, id: string): Promise<boolean>;
  /** Ends all of the user's, live or not. Answers how many. */
  endTrustedBrowsers(pid: string): Promise<number>;
}

export type TrustedBrowserServerStorer = Needs<User, TrustedBrowserOperations>;

export const trustedBrowsers: Capability<User, TrustedBrowserOperations> = defineCapability<User, TrustedBrowserOperations>(
  "trusted-browsers",
  {
    user: {},
    operations: {
      addTrustedBrowser: true,
      findTrustedBrowser: true,
      listTrustedBrowsers: true,
      endTrustedBrowser: true,
      endTrustedBrowsers: true,
    },
  },
);
