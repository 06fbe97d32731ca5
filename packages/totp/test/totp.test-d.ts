/** What must not compile: TOTP with a storer that keeps no secrets or no steps. @module */
import { type TotpOptions, totp } from "@castellan/totp";
import { twofactor } from "@castellan/twofactor";
import {
  type ChallengeOperations,
  castellan,
  type RecoveryCodeOperations,
  type ServerStorer,
  type SessionAdapter,
  type TotpOperations,
  type TotpUser,
} from "castellan";

declare const sessions: SessionAdapter;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions };

type Base = ChallengeOperations & RecoveryCodeOperations;
declare const whole: ServerStorer<TotpUser> & TotpOperations & Base;
const gate = castellan({ ...options, storer: whole, modules: { twofactor: twofactor(), totp: totp({ issuer: "Example" }) } });
declare const user: TotpUser;
gate.totp.isSetUp(user) satisfies boolean;

declare const forgetful: ServerStorer<TotpUser> & Omit<TotpOperations, "acceptTotpStep"> & Base;
castellan({
  ...options,
  storer: forgetful,
  modules: {
    twofactor: twofactor(),
    // @ts-expect-error: the storer lacks acceptTotpStep: a code could be used twice
    totp: totp(),
  },
});

declare const blind: ServerStorer & TotpOperations & Base;
castellan({
  ...options,
  storer: blind,
  modules: {
    twofactor: twofactor(),
    // @ts-expect-error: the storer's users lack totpEnabledAt: nobody would be asked for a code
    totp: totp(),
  },
});

// @ts-expect-error: nobody offers a longer code: apps do not know it
({ digits: 8 }) satisfies TotpOptions;
