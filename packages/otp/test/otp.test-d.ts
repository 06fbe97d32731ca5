/** What must not compile: one-time passwords with a storer that keeps none. @module */
import { type OtpOptions, otp } from "@castellan/otp";
import { castellan, hours, type OneTimePasswordOperations, type ServerStorer, type SessionAdapter } from "castellan";

declare const sessions: SessionAdapter;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions };

declare const whole: ServerStorer & OneTimePasswordOperations;
const gate = castellan({ ...options, storer: whole, modules: { otp: otp({ most: 3, recent: hours(1) }) } });
gate.otp.count("pid") satisfies Promise<number>;
gate.otp.clear("pid") satisfies Promise<number>;

declare const forgetful: ServerStorer & Omit<OneTimePasswordOperations, "consumeOneTimePassword">;
castellan({
  ...options,
  storer: forgetful,
  modules: {
    // @ts-expect-error: the storer lacks consumeOneTimePassword
    otp: otp(),
  },
});

// @ts-expect-error: fifteen of what?
({ recent: 15 }) satisfies OtpOptions;

// @ts-expect-error: without the module there is no such service
castellan({ ...options, storer: whole, modules: {} }).otp;
