/** What must not compile: the module auth with a storer that cannot keep passwords. @module */
import { auth, type Credentials } from "@castellan/auth";
import {
  type AuthableUser,
  type AuthOperations,
  castellan,
  type Outcome,
  type ServerStorer,
  type SessionAdapter,
  type User,
} from "castellan";

declare const sessions: SessionAdapter;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions };

declare const whole: ServerStorer<AuthableUser> & AuthOperations;
const gate = castellan({ ...options, storer: whole, modules: { auth: auth({ afterLogin: "/account" }) } });
gate.auth.authenticate({ login: "", password: "" }) satisfies Promise<Outcome<User>>;

/** Users with a password, and no operation that changes one. */
declare const fixed: ServerStorer<AuthableUser>;
castellan({
  ...options,
  storer: fixed,
  modules: {
    // @ts-expect-error: the storer lacks changePasswordHash, setPasswordHash and upgradePasswordHash
    auth: auth(),
  },
});

/** The operations, but users that are loaded without their hash. */
declare const forgetful: ServerStorer<User> & AuthOperations;
castellan({
  ...options,
  storer: forgetful,
  modules: {
    // @ts-expect-error: the storer's users lack passwordHash
    auth: auth(),
  },
});

/** A hash of which the storer does not say what stands for none. */
declare const loose: ServerStorer<User & { readonly passwordHash: string | undefined }> & AuthOperations;
castellan({
  ...options,
  storer: loose,
  modules: {
    // @ts-expect-error: undefined means that somebody forgot the column; null is for a user without a password
    auth: auth(),
  },
});

// @ts-expect-error: there is no such option
auth({ afterlogin: "/" });

// @ts-expect-error: a login without a password is no credentials
({ login: "ann@example.com" }) satisfies Credentials;

// @ts-expect-error: a gate without the module has no such service
castellan({ ...options, storer: whole, modules: {} }).auth;
