/** What must not compile: the module recover with a storer that cannot recover. @module */
import { type RecoverOptions, recover } from "@castellan/recover";
import {
  type AuthableUser,
  type AuthOperations,
  castellan,
  type MailQueueOperations,
  minutes,
  type RecoverableUser,
  type RecoverOperations,
  type ServerStorer,
  type SessionAdapter,
  type User,
} from "castellan";

declare const sessions: SessionAdapter;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions, mail: { from: { address: "no-reply@app.example.com" } } };

declare const whole: ServerStorer<AuthableUser & RecoverableUser> & AuthOperations & RecoverOperations & MailQueueOperations;
const gate = castellan({ ...options, storer: whole, modules: { recover: recover({ signIn: true, lasts: minutes(20) }) } });
declare const user: User;
gate.recover.send(user) satisfies Promise<number>;

/** Users with an address and a password, and nothing that makes or spends a link. */
declare const linkless: ServerStorer<AuthableUser & RecoverableUser> & AuthOperations & MailQueueOperations;
castellan({
  ...options,
  storer: linkless,
  modules: {
    // @ts-expect-error: the storer lacks startRecovery, findRecovery and finishRecovery
    recover: recover(),
  },
});

/** Links, and nobody who keeps the mails. */
declare const forgetful: ServerStorer<AuthableUser & RecoverableUser> & AuthOperations & RecoverOperations;
castellan({
  ...options,
  storer: forgetful,
  modules: {
    // @ts-expect-error: the storer lacks queueMail, claimMails, removeMail and postponeMail
    recover: recover(),
  },
});

/** Users whom no mail can reach. */
declare const addressless: ServerStorer<AuthableUser> & AuthOperations & RecoverOperations & MailQueueOperations;
castellan({
  ...options,
  storer: addressless,
  modules: {
    // @ts-expect-error: the storer's users lack email
    recover: recover(),
  },
});

/** Two steps that are one here: whoever finds a token and spends it later lets two in. */
declare const twoSteps: ServerStorer<AuthableUser & RecoverableUser> &
  AuthOperations &
  MailQueueOperations &
  Omit<RecoverOperations, "finishRecovery"> & { finishRecovery(selector: string): Promise<boolean> };
castellan({
  ...options,
  storer: twoSteps,
  modules: {
    // @ts-expect-error: finishRecovery takes the proof and the new hash, and answers whose it was
    recover: recover(),
  },
});

// @ts-expect-error: a number that does not say its unit
({ lasts: 3600 }) satisfies RecoverOptions;

// @ts-expect-error: without the module there is no such service
castellan({ ...options, storer: whole, modules: {} }).recover;
