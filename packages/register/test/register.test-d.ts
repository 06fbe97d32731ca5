/** What must not compile: the module register with a storer that cannot make users, and fields that hold secrets. @module */
import { register } from "@castellan/register";
import {
  type ArbitraryUser,
  type AuthableUser,
  type AuthOperations,
  type CreateOperations,
  castellan,
  flagField,
  type ServerStorer,
  type SessionAdapter,
  secretField,
  textField,
} from "castellan";

declare const sessions: SessionAdapter;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions };

declare const whole: ServerStorer<AuthableUser & ArbitraryUser> & AuthOperations & CreateOperations;
castellan({ ...options, storer: whole, modules: { register: register({ fields: { name: textField({ label: "name" }) } }) } });

/** Everything but the operation that makes a user. */
declare const closed: ServerStorer<AuthableUser & ArbitraryUser> & AuthOperations;
castellan({
  ...options,
  storer: closed,
  modules: {
    // @ts-expect-error: the storer lacks createUser
    register: register(),
  },
});

/** Users that are loaded without what they registered with. */
declare const bare: ServerStorer<AuthableUser> & AuthOperations & CreateOperations;
castellan({
  ...options,
  storer: bare,
  modules: {
    // @ts-expect-error: the storer's users lack email and profile
    register: register(),
  },
});

/** Users that can be made, and no password for them. */
declare const wordless: ServerStorer<ArbitraryUser> & CreateOperations;
castellan({
  ...options,
  storer: wordless,
  modules: {
    // @ts-expect-error: the storer's users lack passwordHash, and it cannot change one
    register: register(),
  },
});

// @ts-expect-error: a profile never holds a secret
register({ fields: { pin: secretField({ label: "pin", autocomplete: "off" }) } });

// @ts-expect-error: a profile is made of texts
register({ fields: { news: flagField({ label: "news" }) } });
