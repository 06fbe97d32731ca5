/** What must not compile: second factors with a storer that keeps no recovery codes or no waiting logins. @module */
import { type TwoFactorOptions, twofactor } from "@castellan/twofactor";
import {
  type ChallengeOperations,
  castellan,
  minutes,
  type RecoveryCodeOperations,
  type ServerStorer,
  type SessionAdapter,
  type TrustedBrowser,
  type User,
} from "castellan";

declare const sessions: SessionAdapter;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions };

declare const whole: ServerStorer & ChallengeOperations & RecoveryCodeOperations;
const gate = castellan({ ...options, storer: whole, modules: { twofactor: twofactor({ required: (user) => user.login === "root" }) } });
declare const user: User;
gate.twofactor.methodsOf(user) satisfies readonly string[];
gate.twofactor.recoveryCodesLeft("pid") satisfies Promise<number>;
gate.twofactor.trustedBrowsers("pid") satisfies Promise<readonly TrustedBrowser[]>;
gate.twofactor.reset("pid") satisfies Promise<boolean>;

declare const codeless: ServerStorer & ChallengeOperations;
castellan({
  ...options,
  storer: codeless,
  modules: {
    // @ts-expect-error: the storer lacks replaceRecoveryCodes, consumeRecoveryCode and countRecoveryCodes
    twofactor: twofactor(),
  },
});

declare const impatient: ServerStorer & RecoveryCodeOperations;
castellan({
  ...options,
  storer: impatient,
  modules: {
    // @ts-expect-error: the storer lacks createChallenge and its companions
    twofactor: twofactor(),
  },
});

// @ts-expect-error: thirty milliseconds, or days?
({ trust: 30 }) satisfies TwoFactorOptions;

({ trust: null, lasts: minutes(5) }) satisfies TwoFactorOptions;

// @ts-expect-error: without the module there is no such service
castellan({ ...options, storer: whole, modules: {} }).twofactor;
