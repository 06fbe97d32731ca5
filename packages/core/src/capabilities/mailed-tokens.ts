/** What the capabilities with mailed links have in common. @module */

/** One mailed link, as it is stored. Neither part of the token opens anything. */
export interface MailedToken {
  /** 128 random bits as base64url text. */
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
