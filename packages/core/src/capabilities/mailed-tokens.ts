/**
 * What the capabilities with mailed links have in common. @module
 *
 * A link is live while `now` is before `expiresAt`, its user exists and is of its `epoch`, and no newer link has taken its place. It is worthless for another purpose than its own, under another
 * verifier, and for another user. Whatever a link is spent on is what makes it dead: a storer need not remove its row at once.
 *
 * A `pid` that nobody has is accepted, so that a request about nobody costs what any other does; such a link is never live.
 */

/** One mailed link, as it is stored. Neither part of the token opens anything. */
export interface MailedToken {
  /** 128 random bits as base64url text, never used for a second link. */
  readonly selector: string;
  /** SHA-256 of purpose and verifier, as base64url text. */
  readonly verifierHash: string;
  readonly pid: string;
  /** The user's epoch when it was made. Dead under another: after a change of password every link that was mailed before is void. */
  readonly epoch: number;
  /** The address that it was mailed to. */
  readonly destination: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** What a link brings back. */
export type TokenProof = Pick<MailedToken, "selector" | "verifierHash">;
