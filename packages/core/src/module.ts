/** Modules, and what core gives them. @module */
import type { Request } from "express";
import type { Capability } from "./capabilities/capability.ts";
import type { Challenge } from "./capabilities/challenging.ts";
import type { ServerStorer } from "./capabilities/server-storer.ts";
import type { Channel, Subscription } from "./channels.ts";
import type { NewChallenge, PendingLogin } from "./doors/challenge.ts";
import type { Intent, Outcome, Proof, Verdict } from "./doors/proof.ts";
import type { LoginEvent } from "./events.ts";
import type { PasswordHasher } from "./hasher.ts";
import type { Context } from "./http/context.ts";
import type { Answer, FieldSet, ValuesOf } from "./http/fields.ts";
import type { Handler, Method } from "./http/router.ts";
import type { Identifier } from "./identifier.ts";
import type { KeyRing } from "./keys.ts";
import type { Admission, Limit, LimitedBy } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { Problem } from "./pages/view.ts";
import type { Random } from "./random.ts";
import type { Reply } from "./replies.ts";
import type { Subject } from "./subjects.ts";
import type { Texts } from "./texts.ts";
import type { Clock, Duration } from "./time.ts";
import type { TokenMaker } from "./tokens.ts";
import type { User } from "./users.ts";

/** A feature. `S` is the storer that it needs; `Api` is what an application gets as `gate.NAME`. */
export interface Module<in S extends ServerStorer = never, out Api = unknown> {
  readonly name: string;
  /** What it needs of the storer, as values: must say what `S` says. */
  readonly requires: readonly Capability[];
  /** The reason words that it answers with, each with a text `reason.WORD`. */
  readonly reasons: readonly string[];
  /** Its English texts. */
  readonly texts: Texts;
  /** Registers routes and handlers. Called once, when the gate is made, in the order of `modules`. */
  readonly start: (core: Core<S>) => Api;
}

export type ApiOf<M> = M extends Module<never, infer Api> ? Api : never;

/** What core offers to a module. */
export interface Core<out S extends ServerStorer = ServerStorer> {
  readonly storer: S;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: KeyRing;
  readonly tokens: TokenMaker;
  readonly hasher: PasswordHasher;
  readonly identifier: Identifier;
  readonly logger: Logger;

  /** Answers `method path`, with `path` below the mount. */
  route(method: Method, path: string, handler: Handler): void;
  /** The application's path of a path below the mount, for replies. */
  path(path: string): string;
  /** The absolute URL of a path below the mount, from `rootUrl`, for mails. */
  url(path: string): string;
  /** Subscribes to a channel; the module's guards come behind its own `rank`. */
  on<Before, After>(channel: Channel<Before, After>): Subscription<Before, After>;
  /** For a module's own channels. */
  emit: {
    /** Runs the guards and challenges; answers the first reply. */
    before<Before>(channel: Channel<Before, unknown>, event: Before): Promise<Reply | null>;
    /** Runs the records, then tells whoever listens. */
    after<After>(channel: Channel<unknown, After>, event: After): Promise<void>;
  };

  /** Declares a limit of this module, named `module/what`; the application may change its figures. */
  limit(what: string, by: LimitedBy, max: number, per: Duration): Limit;
  /** Counts one use, before the thing is done. */
  use(limit: Limit, who: string): Promise<Admission>;
  takeBack(limit: Limit, who: string): Promise<void>;

  /** The context of a request, for services that an application calls from its own handlers. */
  contextOf(req: Request): Context;
  /** Resolves when the storer is ready. Routes wait for it by themselves; services that a script calls must. */
  ready(): Promise<void>;
  /** Whether the application uses a module under this name. Known once all modules have started. */
  isLoaded(name: string): boolean;
  /** Reads the declared fields of the request's body. */
  read<const Fields extends FieldSet>(fields: Fields, ctx: Context): Promise<Answer<ValuesOf<Fields>>>;

  /** Whom a typed login means. One query, whoever it is. */
  subject(login: string): Promise<Subject>;
  /** The door around every check of a secret. */
  attempt(ctx: Context | null, subject: Subject, method: string, check: () => Promise<boolean>): Promise<Verdict>;
  /** One hash, whoever it is. To be called inside `attempt`. */
  checkPassword(subject: Subject, password: string): Promise<boolean>;
  /** What is wrong with a new password, as a problem of `field`. */
  problemOfPassword(field: string, password: string, login: string): Promise<Problem | null>;
  /** The door around every sign-in: answers where to go, or why not. */
  login(ctx: Context, proof: Proof, intent: Intent, via: string): Promise<Reply>;
  /** The same, for a service that answers for itself. */
  signIn(ctx: Context, proof: Proof, intent: Intent, via: string): Promise<Outcome<User>>;
  /** What a request wants to happen after the sign-in: `redir` if it is one of ours, else `otherwise`. */
  intent(ctx: Context, otherwise: string, remember: boolean): Intent;
  logout(ctx: Context): Promise<Reply | null>;
  stepUp(ctx: Context, proof: Proof): Promise<Outcome<User>>;
  establishHalf(ctx: Context, proof: Proof, intent: Intent): Promise<User | null>;
  changePassword(ctx: Context | null, pid: string, passwords: { readonly from: string; readonly to: string }): Promise<Outcome<User>>;

  /** For second factors: see the channel `login`, phase `challenge`. */
  readonly challenges: {
    /** Says that `method` counts as a second factor. */
    counts(method: string): void;
    pend(event: LoginEvent, path: string, limits: { readonly tries: number; readonly lasts: Duration }): Promise<Reply>;
    pending(ctx: Context): Promise<PendingLogin | null>;
    /** Spends one try of the pending login; `null` when there is none left. Before every look at a code. */
    tryPending(ctx: Context): Promise<PendingLogin | null>;
    complete(ctx: Context, proof: Proof): Promise<Reply>;
    make(ctx: Context, challenge: NewChallenge): Promise<string>;
    find(ctx: Context, purpose: string): Promise<Challenge | null>;
    admitTry(ctx: Context, purpose: string): Promise<Challenge | null>;
    consume(ctx: Context, purpose: string): Promise<Challenge | null>;
  };
}

/** Makes a module; the compiler holds `requires` and `start` together through `S`. */
export const defineModule = <S extends ServerStorer, Api>(module: Module<S, Api>): Module<S, Api> => module;
