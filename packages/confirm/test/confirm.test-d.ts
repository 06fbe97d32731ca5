/** What must not compile: the module confirm with a storer that cannot confirm or keeps no mails. @module */
import { type ConfirmOptions, confirm } from "@castellan/confirm";
import {
  type ConfirmableUser,
  type ConfirmOperations,
  castellan,
  days,
  type MailQueueOperations,
  type ServerStorer,
  type SessionAdapter,
  type User,
} from "castellan";

declare const sessions: SessionAdapter;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions, mail: { from: { address: "no-reply@app.example.com" } } };

declare const whole: ServerStorer<ConfirmableUser> & ConfirmOperations & MailQueueOperations;
const gate = castellan({ ...options, storer: whole, modules: { confirm: confirm({ policy: "allow-limited", lasts: days(2) }) } });
declare const user: ConfirmableUser;
gate.confirm.send(user) satisfies Promise<void>;
gate.confirm.isConfirmed(user) satisfies boolean;

/** Users with an address, and nothing that keeps a mail until it is sent. */
declare const forgetful: ServerStorer<ConfirmableUser> & ConfirmOperations;
castellan({
  ...options,
  storer: forgetful,
  modules: {
    // @ts-expect-error: the storer lacks queueMail, claimMails, removeMail and postponeMail
    confirm: confirm(),
  },
});

/** A mail queue, and no links. */
declare const linkless: ServerStorer<ConfirmableUser> & MailQueueOperations;
castellan({
  ...options,
  storer: linkless,
  modules: {
    // @ts-expect-error: the storer lacks startConfirmation, finishConfirmation and confirmUser
    confirm: confirm(),
  },
});

/** A flag says that an address was proved, not when. */
declare const flagged: ServerStorer<User & { readonly email: string; readonly confirmed: boolean }> &
  ConfirmOperations &
  MailQueueOperations;
castellan({
  ...options,
  storer: flagged,
  modules: {
    // @ts-expect-error: the storer's users lack confirmedAt
    confirm: confirm(),
  },
});

/** `undefined` is a forgotten column; an account must not be open for that. */
declare const loose: ServerStorer<User & { readonly email: string | null; readonly confirmedAt: Date | undefined }> &
  ConfirmOperations &
  MailQueueOperations;
castellan({
  ...options,
  storer: loose,
  modules: {
    // @ts-expect-error: null is for an address that is not proved, undefined for nothing
    confirm: confirm(),
  },
});

// @ts-expect-error: a policy that nobody wrote
({ policy: "allow" }) satisfies ConfirmOptions;

// @ts-expect-error: without the module there is no such service
castellan({ ...options, storer: whole, modules: {} }).confirm;
