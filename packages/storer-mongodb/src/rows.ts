/** The documents as they lie in the database. What is not said here is not stored. @module */
import type { FactorProof, Level, NewIdentity, NewTotp } from "@castellan/core";

/** What was counted for one subject, and its lock. What is missing was never counted. */
export interface Attempts {
  readonly used: number;
  readonly windowEndsAt?: Date;
  /** How many locks have followed each other. */
  readonly locks?: number;
  readonly forgetsAt?: Date;
  readonly lock: { readonly at: Date; readonly until: Date; readonly by: "attempts" | "administrator" } | null;
  /** From when on all of this says nothing any more. */
  readonly endsAt: Date;
}

export interface IdentityPart extends Pick<NewIdentity, "issuer" | "subject" | "linkedAt"> {
  /** SHA-256 of issuer and subject: short enough for an index, and unique over all users. */
  readonly key: string;
  /** What the provider said last, which is replaced as a whole. */
  readonly said: Pick<NewIdentity, "provider" | "email" | "tokens">;
}

/** Everything of a user that must be decided together, in one document. What dies with the epoch and lies here is removed by what advances it. */
export interface UserRow {
  /** The pid. */
  readonly _id: string;
  readonly login: string;
  readonly email: string | null;
  readonly passwordHash: string | null;
  /** Pairs: a name may hold a dot or a dollar. */
  readonly profile: readonly (readonly [name: string, value: string])[];
  readonly epoch: number;
  readonly createdAt: Date;
  readonly disabledAt: Date | null;
  readonly confirmedAt: Date | null;
  readonly secondaryEmails: readonly string[];
  readonly totp: NewTotp | null;
  readonly smsNumber: string | null;
  readonly recoveryCodes: readonly string[];
  readonly oneTimePasswords: readonly string[];
  readonly identities: readonly IdentityPart[];
  /** Of the subject `pid:` and the pid; in the same document, so that every look-up of a user has the lock. */
  readonly attempts?: Attempts;
}

/** The attempts of a subject that is no user: they cost what a user's do, and lock nobody out. */
export interface StrangerRow {
  /** The subject. */
  readonly _id: string;
  readonly attempts?: Attempts;
}

export type Purpose = "confirm" | "recover" | "unlock";

export interface LinkPart {
  readonly selector: string;
  readonly verifierHash: string;
  readonly destination: string;
}

/** The links of one request. */
export interface LinksRow {
  /** Purpose and pid: what is asked for again takes its place. */
  readonly _id: string;
  readonly purpose: Purpose;
  readonly pid: string;
  readonly epoch: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly tokens: readonly LinkPart[];
}

export interface SignInRow {
  /** The public id, which stays when the key changes. */
  readonly _id: string;
  readonly key: string;
  readonly pid: string;
  readonly epoch: number;
  readonly level: Level;
  readonly factors: readonly FactorProof[];
  readonly createdAt: Date;
  readonly seenAt: Date;
  /** Never later than `endsAt`. */
  readonly idleEndsAt: Date;
  readonly endsAt: Date;
  readonly userAgent: string;
  readonly network: string;
}

export interface ChallengeRow {
  /** Browser session and purpose: there is one of each. */
  readonly _id: string;
  readonly id: string;
  readonly purpose: string;
  readonly pid: string;
  readonly epoch: number;
  readonly sessionKey: string;
  readonly destination: string;
  readonly data: string;
  readonly triesLeft: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface CounterRow {
  readonly _id: string;
  readonly used: number;
  readonly resetsAt: Date;
}

export interface SessionRow {
  readonly _id: string;
  readonly data: string;
  readonly expiresAt: Date;
}

export interface SeriesRow {
  /** The selector. */
  readonly _id: string;
  readonly verifierHash: string;
  readonly previousHash: string | null;
  readonly rotatedAt: Date | null;
  readonly pid: string;
  readonly epoch: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly userAgent: string;
}

export interface TrustedBrowserRow {
  readonly _id: string;
  readonly keyHash: string;
  readonly pid: string;
  readonly epoch: number;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly userAgent: string;
  readonly network: string;
}

export interface MailRow {
  readonly _id: string;
  readonly payload: string;
  readonly attempts: number;
  readonly createdAt: Date;
  readonly dueAt: Date;
}

export interface FlowRow {
  readonly _id: string;
  readonly browserKey: string;
  readonly purpose: string;
  readonly data: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface MetaRow {
  readonly _id: "layout";
  readonly version: number;
}
