/** What one gate is made of, put together once. Shared by the doors, the HTTP layer and the modules; private to core. @module */
import { type Capability, text, wholeNumber } from "./capabilities/capability.ts";
import type { ServerStorer } from "./capabilities/server-storer.ts";
import type { Bus } from "./channels.ts";
import { Unavailable } from "./errors.ts";
import { loadUser } from "./events.ts";
import type { PasswordHasher } from "./hasher.ts";
import type { Context } from "./http/context.ts";
import type { CsrfTokens } from "./http/csrf.ts";
import type { KnownBrowsers } from "./http/known-browsers.ts";
import type { StepUpScreen } from "./http/requirements.ts";
import type { Sessions } from "./http/sessions.ts";
import type { Identifier } from "./identifier.ts";
import type { KeyRing } from "./keys.ts";
import type { Limit, Limiter } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { PostOffice } from "./mail/post-office.ts";
import type { PasswordPolicy } from "./passwords.ts";
import type { Random } from "./random.ts";
import type { Current, SignInLifetime } from "./sign-ins.ts";
import type { Localize, Texts } from "./texts.ts";
import type { Clock } from "./time.ts";
import type { TokenMaker } from "./tokens.ts";
import type { User } from "./users.ts";

/** May say who is signed in after all (a remembered browser). */
export type WhenNobody = (ctx: Context, deadKey: string | null) => Promise<Current | null>;

export interface Engine<U extends User = User> {
  readonly storer: ServerStorer<U>;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: KeyRing;
  readonly tokens: TokenMaker;
  readonly csrfTokens: CsrfTokens;
  readonly hasher: PasswordHasher;
  readonly passwordPolicy: PasswordPolicy;
  readonly identifier: Identifier;
  readonly sessions: Sessions;
  /** Modules may change it while the gate is made. */
  lifetime: SignInLifetime;
  readonly browsers: KnownBrowsers;
  readonly mails: PostOffice;
  /** Asked in turn when a request comes from nobody, with the key of a sign-in that is dead, if it brought one. */
  readonly whenNobody: readonly WhenNobody[];
  /** Session keys of the application that survive sign-in and sign-out. */
  readonly keep: readonly string[];
  readonly bus: Bus;
  readonly limiter: Limiter;
  readonly limits: { readonly attemptByNetwork: Limit; readonly attemptBySubject: Limit };
  readonly logger: Logger;
  /** Says it the first time only. */
  readonly warnOnce: (message: string) => void;
  readonly texts: Texts;
  readonly localize: Localize | null;
  readonly locales: readonly [string, ...string[]];
  readonly secure: boolean;
  /** Words that this application is known by, which make poor passwords. */
  readonly words: readonly string[];
  /** Methods that count as a second factor, each with who has it. */
  readonly secondFactors: ReadonlyMap<string, (user: User) => boolean>;
  /** Where a proof is given afresh, in the order of modules. */
  readonly screens: readonly StepUpScreen[];
  readonly cookieName: (name: string) => string;
  /** Throws when a loaded user lacks a field that some module needs. */
  readonly checkUser: (user: User) => void;
  /** Tells whoever listens that a user was loaded. */
  readonly loaded: (user: User) => Promise<void> | undefined;
}

/** What every user has, whatever else is in use. */
const everybody = { name: "server", user: { pid: text, login: text, epoch: wholeNumber } };

/** Checks a loaded user against every capability in use: a forgotten column must not make a lock fail open. */
export function userChecker(capabilities: readonly Capability[]): (user: User) => void {
  const checks = [everybody, ...capabilities].flatMap(({ name, user }) =>
    Object.entries(user).map(([field, check]) => ({ name, field, check })),
  );
  return (user) => {
    for (const { name, field, check } of checks) {
      const value: unknown = Reflect.get(user, field);
      if (check.accepts(value)) continue;
      const kind = value === undefined ? "nothing" : `a value of type ${value === null ? "null" : typeof value}`;
      throw new Unavailable(`the storer gave a user whose field \`${field}\` is ${kind}; capability "${name}" needs ${check.expected}`);
    }
  };
}

/** Costs nothing on a request as long as nobody listens. */
export const loadedNotifier =
  (bus: Bus) =>
  (user: User): Promise<void> | undefined =>
    bus.hears(loadUser) ? bus.notify(loadUser, { user }) : undefined;
