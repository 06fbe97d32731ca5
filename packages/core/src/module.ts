/** Modules, and what core gives them. @module */
import type { Request, RequestHandler } from "express";
import type { Capability } from "./capabilities/capability.ts";
import type { Challenge } from "./capabilities/challenging.ts";
import type { MailedToken, TokenProof } from "./capabilities/mailed-tokens.ts";
import type { ServerStorer } from "./capabilities/server-storer.ts";
import type { Channel, Subscription } from "./channels.ts";
import type { NewChallenge, PendingLogin } from "./doors/challenge.ts";
import type { FactorChange, FactorOutcome } from "./doors/factors.ts";
import type { Which } from "./doors/logout.ts";
import type { Intent, Outcome, Proof, Verdict } from "./doors/proof.ts";
import type { WhenNobody } from "./engine.ts";
import type { LoginEvent } from "./events.ts";
import type { RequireOptions } from "./gate-types.ts";
import type { PasswordHasher } from "./hasher.ts";
import type { Context } from "./http/context.ts";
import type { Answer, FieldSet, ValuesOf } from "./http/fields.ts";
import type { StepUpScreen } from "./http/requirements.ts";
import type { Handler, Method, RouteTraits } from "./http/router.ts";
import type { Identifier } from "./identifier.ts";
import type { KeyRing } from "./keys.ts";
import type { Admission, Limit, LimitedBy } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { MailView } from "./mail/mail-view.ts";
import type { Mailbox, SmsSender } from "./messages.ts";
import type { SlotFill } from "./pages/slots.ts";
import type { Problem } from "./pages/view.ts";
import type { Random } from "./random.ts";
import type { Reply } from "./replies.ts";
import type { Shared } from "./shared.ts";
import type { Current, SignInLifetime } from "./sign-ins.ts";
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
  /** Names of modules that must be in use too. @default none */
  readonly needs?: readonly string[];
  /** The reason words that it answers with, each with a text `reason.WORD`. */
  readonly reasons: readonly string[];
  /** Its English texts. */
  readonly texts: Texts;
  /** Registers routes and handlers. Called once, when the gate is made, in the order of `modules`. */
  readonly start: (core: Core<S>) => Api;
}

export type ApiOf<M> = M extends Module<never, infer Api> ? Api : never;

/** A token that is mailed. */
export interface MailedLink {
  /** The absolute address to mail. */
  readonly url: string;
  /** What to store. */
  readonly row: MailedToken;
}

/** How a module that proves addresses takes over from a registration. */
export interface MailProof {
  /** The answer to every registration, new or not. */
  readonly answer: (ctx: Context) => Reply;
  /** The login is taken: tells its owner. */
  readonly taken: (user: User, ctx: Context | null) => Promise<void>;
}

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
  route(method: Method, path: string, handler: Handler, options?: RouteTraits): void;
  /** Adds to a place of other modules' pages, for example `"sign-in"` or `"register"`: what there is to show, for people and for JSON clients. */
  fillSlot<Data extends object>(slot: string, fill: SlotFill<Data>): void;
  /** The application's path of a path below the mount, for replies. */
  path(path: string): string;
  /** The absolute URL of a path below the mount, from `rootUrl`, for mails. */
  url(path: string): string;
  /** The absolute URL of a path below the mount, from `rootUrl`, for others who send browsers back here. */
  address(path: string): string;
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
  /** Sets how long sign-ins last; what is left out stays. */
  setLifetime(lifetime: Partial<SignInLifetime>): void;
  /** Is asked when a request comes from nobody; in the order of modules, until one answers. `"first"`: before those, wherever the module stands. */
  whenNobody(ask: WhenNobody, place?: "first" | "last"): void;
  /** The id of this browser if `user` has signed in here before; `null` for a stranger's. */
  knownBrowser(ctx: Context, user: User): string | null;
  /**
   * Queues a mail, in the locale of `ctx`. `to` is `null` for nobody: call it all the same where nobody may see who has an account. Needs the capability "mail-queueing".
   */
  mail<Data>(view: MailView<Data>, data: NoInfer<Data>, to: Mailbox | null, ctx: Context | null): Promise<void>;

  /** Queues a mail to the user's own address; does nothing where the user has none, or the application sends no mails. */
  tell<Data>(view: MailView<Data>, data: NoInfer<Data>, user: User, ctx: Context | null): Promise<void>;
  /** Whom a mail to this user goes to, by the user's field `email`; `null` for none. */
  mailbox(user: User): Mailbox | null;
  /** Whether mails can be sent: the option `mail` is given and the storer keeps a queue. */
  readonly sendsMail: boolean;
  /** The landing of mailed links at `path` below the mount: see `links`. */
  readonly links: {
    /** Answers a GET that has the token in its address by the same address without it; `null` where it has none. */
    land(ctx: Context, path: string): Reply | null;
    /** The token itself, for the hidden field of the form that spends it. */
    text(ctx: Context, path: string): string | null;
    /** The stored form of the token that the form of `path` sent, or that `land` took away; `null` for none or one of the wrong form. */
    proof(ctx: Context, path: string, purpose: string): TokenProof | null;
    /** A new token, the address that spends it, and its row. */
    make(user: User, path: string, purpose: string, destination: string, lasts: Duration): MailedLink;
    /** The same for nobody: where nobody may see who has an account, do the same work. */
    makeForNobody(path: string, purpose: string, destination: string, lasts: Duration): MailedLink;
    forget(ctx: Context): void;
  };
  /**
   * Asks for what `gate.require()` asks for; `null` when it is fulfilled. With the `fields` of the form that GET shows at the same path, people come back to it after a proof, and it shows again what may
   * be preserved.
   */
  mustBe(ctx: Context, options: RequireOptions, fields?: FieldSet): Promise<Reply | null>;
  /** Names a screen where a proof is given afresh: asked in the order of modules, the first that can help is taken. */
  stepUpScreen(screen: StepUpScreen): void;
  /** What several modules of this gate use together; made by whoever asks first. */
  shared<T>(key: Shared<T>): T;
  /** Sends text messages. `sms.problem` says why it cannot, if it cannot: make it a {@link ConfigError}. */
  readonly sms: SmsSender;
  /** What people know the application as: the option `applicationName`, else the host of `rootUrl`. */
  readonly applicationName: string;
  /**
   * For a module that proves addresses before anybody gets in: what a registration answers, be the login new or taken. At most one.
   */
  provesMail(proof: MailProof): void;
  /** What {@link provesMail} was given; `null` where no module proves addresses. */
  readonly mailProof: MailProof | null;

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
  /** Half a sign-in for a remembered browser; not `lasting`: for this request only. `null` when a guard stands against it. */
  establishHalf(ctx: Context, proof: Proof, intent: Intent, lasting?: boolean): Promise<Current | null>;
  /** A middleware for the application: goes on when `work` answers nothing. */
  middleware(work: (ctx: Context) => Promise<Reply | null>): RequestHandler;
  /** Ends one, the other or all sign-ins of a user. */
  revoke(pid: string, which: Which): Promise<number>;
  /** The door to a new password by a mailed link. `null` stands for a token of the wrong form. */
  finishReset(ctx: Context | null, proof: TokenProof | null, to: string): Promise<Outcome<User>>;
  changePassword(ctx: Context | null, pid: string, passwords: { readonly from: string; readonly to: string }): Promise<Outcome<User>>;
  /** The door to a change of second factors: ends every other sign-in, and lets in whoever waits for a factor to be set up. */
  changeFactors(ctx: Context, change: FactorChange): Promise<Outcome<FactorOutcome<User>>>;

  /** For second factors: see the channel `login`, phase `challenge`. */
  readonly challenges: {
    /** Says that `method` counts as a second factor, and who has it. What stands in for a factor (a recovery code) is nobody's factor: `() => false`. */
    counts(method: string, isSetUp: (user: User) => boolean): void;
    /** Whether the user has a second factor, whichever module brings it. Ask it where a new way in is made: a session of the first factor alone must not make one. */
    hasFactor(user: User): boolean;
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
