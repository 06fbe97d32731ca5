/** All capabilities together: what a storer offers that is fit for every module. @module */
import type { AuthableUser, AuthOperations } from "./authable.ts";
import type { ChallengeOperations } from "./challenging.ts";
import type { ConfirmableUser, ConfirmOperations } from "./confirmable.ts";
import type { CountOperations } from "./counting.ts";
import type { ArbitraryUser, CreateOperations } from "./creating.ts";
import type { DisableableUser, DisableOperations } from "./disableable.ts";
import type { ExpireOperations } from "./expirable.ts";
import type { LockableUser, LockOperations } from "./lockable.ts";
import type { MailQueueOperations } from "./mail-queueing.ts";
import type { OAuth2Operations, OAuth2User } from "./oauth2.ts";
import type { OneTimePasswordOperations } from "./one-time-passwords.ts";
import type { RecoverableUserWithSecondaryEmails, RecoverOperations, SecondaryEmailOperations } from "./recoverable.ts";
import type { RecoveryCodeOperations } from "./recovery-codes.ts";
import type { RememberOperations } from "./rememberable.ts";
import type { ServerStorer } from "./server-storer.ts";
import type { SessionOperations } from "./session-keeping.ts";
import type { SmsOperations, SmsUser } from "./sms.ts";
import type { TotpOperations, TotpUser } from "./totp.ts";
import type { TrustedBrowserOperations } from "./trusted-browsers.ts";

/** A user with the fields of every capability. */
export interface EveryUser
  extends AuthableUser,
    ArbitraryUser,
    DisableableUser,
    ConfirmableUser,
    LockableUser,
    RecoverableUserWithSecondaryEmails,
    TotpUser,
    SmsUser,
    OAuth2User {
  readonly email: string | null;
}

/** The compiler insists on every field. */
const FIELDS: { readonly [Field in keyof EveryUser]: true } = {
  pid: true,
  login: true,
  epoch: true,
  passwordHash: true,
  email: true,
  profile: true,
  disabledAt: true,
  confirmedAt: true,
  lockedUntil: true,
  lockedBy: true,
  secondaryEmails: true,
  totpEnabledAt: true,
  smsNumber: true,
};

/** The names of all fields of an {@link EveryUser}: the `userFields` of a storer whose look-ups answer such users. */
export const everyUserFields: readonly string[] = Object.keys(FIELDS);

/** The operations of every capability but those that every storer has. */
export interface EveryOperation
  extends AuthOperations,
    CreateOperations,
    DisableOperations,
    CountOperations,
    ChallengeOperations,
    SessionOperations,
    ConfirmOperations,
    RecoverOperations,
    SecondaryEmailOperations,
    LockOperations,
    RememberOperations,
    ExpireOperations,
    MailQueueOperations,
    TotpOperations,
    SmsOperations,
    RecoveryCodeOperations,
    TrustedBrowserOperations,
    OneTimePasswordOperations,
    OAuth2Operations {}

/** A storer that is fit for every module, and for the rows of express-session. */
export interface EveryStorer<out U extends EveryUser = EveryUser> extends ServerStorer<U>, EveryOperation {}
