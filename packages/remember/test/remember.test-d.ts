/** What must not compile: the module remember with a storer that cannot remember. @module */
import { remember } from "@castellan/remember";
import { castellan, type RememberingServerStorer, type RememberOperations, type ServerStorer, type SessionAdapter } from "castellan";

declare const sessions: SessionAdapter;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions };

declare const whole: RememberingServerStorer;
castellan({ ...options, storer: whole, modules: { remember: remember() } });

declare const plain: ServerStorer;
castellan({
  ...options,
  storer: plain,
  modules: {
    // @ts-expect-error: the storer lacks addRememberSeries and what goes with it
    remember: remember(),
  },
});

/** Series that can be replaced only in two steps would sign two browsers in with one secret. */
declare const clumsy: ServerStorer & Omit<RememberOperations, "rotateRememberSeries">;
castellan({
  ...options,
  storer: clumsy,
  modules: {
    // @ts-expect-error: the storer lacks rotateRememberSeries
    remember: remember(),
  },
});

// @ts-expect-error: a length of time has a unit: days(14)
remember({ lasts: 14 });
