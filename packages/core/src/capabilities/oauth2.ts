/**
 * Users who sign in with others: which identities at which providers are theirs, and the flows that wait for somebody to come back from a provider. @module
 *
 * An identity is an issuer and a subject. An address is none: a provider may give it to somebody else tomorrow. An identity of a user who is gone is nobody's, whether its row is still there or not.
 */
import type { User } from "../users.ts";
import { type Capability, defineCapability, type Needs, nullableText, textRecord } from "./capability.ts";
import type { ArbitraryUser, NewUser } from "./creating.ts";

/** Users who may come from a provider: made without a password, with what the provider said of them. */
export interface OAuth2User extends User {
  readonly email: string | null;
  readonly profile: ArbitraryUser["profile"];
}

export interface NewIdentity {
  /** Who vouches: the `iss` of OpenID Connect, or the provider's own name for one that has none. At most 512 characters, compared as text. */
  readonly issuer: string;
  /** Whom they vouch for: the `sub`, or the id at the provider, which is never given out twice. At most 255 characters, compared as text. */
  readonly subject: string;
  /** The application's name of the provider that it came by, for example `"google"`. */
  readonly provider: string;
  /** What the provider last called the person, to tell identities apart in a list; proves nothing. `null` for nothing. */
  readonly email: string | null;
  /** The provider's tokens, sealed by the key ring; at most 16,384 characters. `null` where none are kept. */
  readonly tokens: string | null;
  readonly linkedAt: Date;
}

export interface Identity extends NewIdentity {
  readonly pid: string;
}

/** Somebody was sent to a provider, or stands at a later step of the same way. */
export interface OAuth2Flow {
  /** SHA-256 of the handle that goes round (the `state`), as base64url text; never used for a second flow. */
  readonly key: string;
  /** SHA-256 of the secret in the browser's cookie, as base64url text. */
  readonly browserKey: string;
  /** What it waits for, for example `"callback/google"`. A flow is worthless for another purpose. */
  readonly purpose: string;
  /** What the one who began it wants back, sealed; at most 32,768 characters. */
  readonly data: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

export interface OAuth2Operations {
  /**
   * Makes a user of epoch 0 together with an identity, in one atomic step: both or neither. Answers `false`, and changes nothing, when the login, the pid or the identity is taken: of any number of parallel
   * calls with one login, or with one identity, exactly one answers `true`.
   */
  createUserWithIdentity(user: NewUser, identity: NewIdentity): Promise<boolean>;
  /** The identity, if it is a living user's. */
  findIdentity(issuer: string, subject: string): Promise<Identity | null>;
  /** The identities of a user, the oldest first; at most 100. */
  listIdentities(pid: string): Promise<readonly Identity[]>;
  /**
   * Gives an identity that is nobody's to a user, only while the user is of `epoch`, in one atomic step: of any number of parallel calls for one identity exactly one answers `true`. `false`, and nothing
   * changed, when it is somebody's, this user's too.
   */
  linkIdentity(pid: string, epoch: number, identity: NewIdentity): Promise<boolean>;
  /**
   * Takes an identity from a user and advances the epoch, in one atomic step: only while the user is of `epoch`, and only if another way in is left, which is another identity or, where
   * `passwordCounts`, a password. Of any number of parallel calls one gets the new epoch; whatever the order, the last way in stays. `null` when nothing changed.
   */
  unlinkIdentity(pid: string, epoch: number, issuer: string, subject: string, passwordCounts: boolean): Promise<number | null>;
  /** Notes what the provider said at a sign-in, only while the identity is this user's: the rest stays as it is. Answers whether it was. */
  noteIdentity(pid: string, said: Pick<NewIdentity, "issuer" | "subject" | "provider" | "email" | "tokens">): Promise<boolean>;
  /** Puts tokens in the place of `from`, only while the identity is this user's and those are still what is stored. Answers whether they were replaced. */
  replaceTokens(pid: string, issuer: string, subject: string, from: string | null, to: string | null): Promise<boolean>;

  /** Stores a flow. */
  startFlow(flow: OAuth2Flow): Promise<void>;
  /** The live flow `key` of this browser and purpose. Live: not taken, and `now` before `expiresAt`. It stays as it is. */
  findFlow(key: string, browserKey: string, purpose: string, now: Date): Promise<OAuth2Flow | null>;
  /** Removes the live flow of this browser and purpose and answers it; of any number of parallel calls exactly one gets it, the others `null`. Anybody else's call changes nothing. */
  takeFlow(key: string, browserKey: string, purpose: string, now: Date): Promise<OAuth2Flow | null>;
}

export type OAuth2ServerStorer = Needs<OAuth2User, OAuth2Operations>;

export const oauth2able: Capability<OAuth2User, OAuth2Operations> = defineCapability<OAuth2User, OAuth2Operations>("oauth2", {
  user: { email: nullableText, profile: textRecord },
  operations: {
    createUserWithIdentity: true,
    findIdentity: true,
    listIdentities: true,
    linkIdentity: true,
    unlinkIdentity: true,
    noteIdentity: true,
    replaceTokens: true,
    startFlow: true,
    findFlow: true,
    takeFlow: true,
  },
});
