/** What must not compile: the module expire with a storer that does not notice ends. @module */
import { expire } from "@castellan/expire";
import { castellan, type ExpiringServerStorer, type ServerStorer, type SessionAdapter } from "castellan";
import type { Request } from "express";

declare const sessions: SessionAdapter;
declare const req: Request;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions };

declare const whole: ExpiringServerStorer;
const gate = castellan({ ...options, storer: whole, modules: { expire: expire() } });
gate.expire.endsAt(req) satisfies Promise<Date | null>;

declare const plain: ServerStorer;
castellan({
  ...options,
  storer: plain,
  modules: {
    // @ts-expect-error: the storer lacks takeExpiredSignIn
    expire: expire(),
  },
});

// @ts-expect-error: a length of time has a unit: hours(1)
expire({ idle: 3600 });
