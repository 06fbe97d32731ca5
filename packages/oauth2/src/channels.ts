/** The channels of this module. @module */
import { type Context, defineChannel, type Identity, type User } from "@castellan/core";

/** Somebody came back from a provider, and it went wrong there or on the way. */
export interface FailedEvent {
  readonly provider: string;
  /** One of the module's reasons, for example `"oauth2_denied"`. */
  readonly reason: string;
  readonly ctx: Context;
}

export interface IdentityEvent {
  readonly user: User;
  readonly identity: Pick<Identity, "provider" | "issuer" | "subject" | "email">;
  readonly ctx: Context | null;
}

/** A sign-in by a provider failed. A guard may answer in the place of our page. */
export const oauth2Failed = defineChannel<FailedEvent>("oauth2Failed");
/** An identity is to become a user's, or has. Guards may refuse. A new account's first identity does not come by here: see the channel `register`. */
export const linkIdentity = defineChannel<IdentityEvent>("linkIdentity");
/** An identity is to be taken from a user, or was. Guards may refuse. */
export const unlinkIdentity = defineChannel<IdentityEvent>("unlinkIdentity");
