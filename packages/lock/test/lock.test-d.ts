/** What must not compile: the module lock with a storer that cannot lock. @module */
import { type LockModuleStorer, lock } from "@castellan/lock";
import {
  castellan,
  type LockableUser,
  type LockOperations,
  type MailQueueOperations,
  type ServerStorer,
  type SessionAdapter,
  type User,
} from "castellan";

declare const sessions: SessionAdapter;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions, mail: { from: { address: "a@example.com" } } };

declare const whole: LockModuleStorer;
const gate = castellan({ ...options, storer: whole, modules: { lock: lock({ after: 3 }) } });
gate.lock.lock("pid") satisfies Promise<boolean>;

/** Users who say when they are locked, and no way to count. */
declare const uncounting: ServerStorer<LockableUser> & MailQueueOperations;
castellan({
  ...options,
  storer: uncounting,
  modules: {
    // @ts-expect-error: the storer lacks admitAttempt and what goes with it
    lock: lock(),
  },
});

/** The operations, but users that are loaded without their lock. */
declare const forgetful: ServerStorer<User> & LockOperations & MailQueueOperations;
castellan({
  ...options,
  storer: forgetful,
  modules: {
    // @ts-expect-error: the storer's users lack lockedUntil and lockedBy, so that a lock would fail open
    lock: lock(),
  },
});

/** A lock without mails could be ended by nobody but time. */
declare const mailless: ServerStorer<LockableUser> & LockOperations;
castellan({
  ...options,
  storer: mailless,
  modules: {
    // @ts-expect-error: the storer lacks queueMail and what goes with it
    lock: lock(),
  },
});

// @ts-expect-error: a length of time has a unit: minutes(5)
lock({ lasts: 5 });
