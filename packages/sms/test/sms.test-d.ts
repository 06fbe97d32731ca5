/** What must not compile: the module sms with a storer that cannot keep numbers or codes, without countries, or with a sender of nobody. @module */
import { type SmsOptions, sms, twilioSender } from "@castellan/sms";
import { twofactor } from "@castellan/twofactor";
import {
  type ChallengeOperations,
  castellan,
  minutes,
  type RecoveryCodeOperations,
  type ServerStorer,
  type SessionAdapter,
  type SmsOperations,
  type SmsUser,
  type User,
} from "castellan";

declare const sessions: SessionAdapter;
const sender = twilioSender({ accountSid: "AC…", authToken: "…", from: "+15005550006" });
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions, sms: sender };

type Whole = ServerStorer<SmsUser> & SmsOperations & ChallengeOperations & RecoveryCodeOperations;
declare const whole: Whole;
const gate = castellan({
  ...options,
  storer: whole,
  modules: { twofactor: twofactor(), sms: sms({ countries: ["CH"], lasts: minutes(3), numberFor: ({ login }) => login }) },
});
declare const user: SmsUser;
gate.sms.numberOf(user) satisfies string | null;

/** Users with a number, and nothing that turns it on. */
declare const still: ServerStorer<SmsUser> & ChallengeOperations;
castellan({
  ...options,
  storer: still,
  modules: {
    // @ts-expect-error: the storer lacks enableSms and disableSms
    sms: sms({ countries: ["CH"] }),
  },
});

/** Numbers, and nothing that keeps a code until it is typed. */
declare const forgetful: ServerStorer<SmsUser> & SmsOperations;
castellan({
  ...options,
  storer: forgetful,
  modules: {
    // @ts-expect-error: the storer lacks createChallenge and its companions
    sms: sms({ countries: ["CH"] }),
  },
});

/** `undefined` is a forgotten column; nobody is to get in without a second factor for that. */
declare const loose: ServerStorer<User & { readonly smsNumber: string | undefined }> & SmsOperations & ChallengeOperations;
castellan({
  ...options,
  storer: loose,
  modules: {
    // @ts-expect-error: null is for no number, undefined for nothing
    sms: sms({ countries: ["CH"] }),
  },
});

// @ts-expect-error: where numbers may be from must be said
sms();
// @ts-expect-error: as above
({}) satisfies SmsOptions;
// @ts-expect-error: some countries or all of them, not both
({ countries: ["CH"], dangerouslyAllowAllCountries: true }) satisfies SmsOptions;
({ dangerouslyAllowAllCountries: true }) satisfies SmsOptions;

// @ts-expect-error: nobody sends
twilioSender({ accountSid: "AC…", authToken: "…" });
// @ts-expect-error: two send
twilioSender({ accountSid: "AC…", authToken: "…", from: "+15005550006", messagingServiceSid: "MG…" });

// @ts-expect-error: without the module there is no such service
castellan({ ...options, storer: whole, modules: { twofactor: twofactor() } }).sms;
