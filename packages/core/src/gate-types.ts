/** What an application holds in its hands. @module */
import type { Request, RequestHandler } from "express";
import type { ServerStorer, SignIn } from "./capabilities/server-storer.ts";
import type { Channel, Subscription } from "./channels.ts";
import type { Which } from "./doors/logout.ts";
import type { Outcome } from "./doors/proof.ts";
import type { Session } from "./http/sessions.ts";
import type { Mailbox } from "./messages.ts";
import type { ApiOf } from "./module.ts";
import type { PageData } from "./options.ts";
import type { Flash } from "./pages/view.ts";
import type { Duration } from "./time.ts";
import type { User } from "./users.ts";

export interface RequireOptions {
  /** `"half"` lets a remembered browser pass too; `"full"` wants a proof given in this session. @default "half" */
  readonly level?: "half" | "full";
  /** Whether a second factor must have been given in this session. @default false */
  readonly twoFactored?: boolean;
  /** The methods of which one must have been given in this session, for example `["totp"]`; in place of `twoFactored`. @default any will do */
  readonly factors?: readonly string[];
  /** How fresh the newest proof must be, among those that `factors` or `twoFactored` ask for. @default any age */
  readonly within?: Duration;
  /**
   * What an intruder sees. `"redirect"`: the screen where the missing proof is given, and back afterwards (a JSON client gets 401, or 403 with the screen in `location`). `"unauthorized"`: 401 or 403.
   * `"notFound"`: 404.
   * @default "redirect"
   */
  readonly respond?: "redirect" | "unauthorized" | "notFound";
  /**
   * For what is posted: where its form is, so that people come back to it after a proof, and which fields are to be shown again: see `gate.preserved(req)`. Never name a secret. The post itself is not
   * replayed. @default none
   */
  readonly form?: { readonly at: string; readonly preserve?: readonly string[] };
}

/** A mail of the application itself. */
export interface OwnMail {
  readonly to: Mailbox;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
}

export interface Description {
  readonly modules: readonly string[];
  readonly routes: readonly string[];
  readonly channels: readonly { readonly channel: string; readonly plan: readonly string[] }[];
  readonly reasons: Readonly<Record<string, readonly string[]>>;
  readonly limits: readonly { readonly name: string; readonly by: string; readonly max: number; readonly perSeconds: number }[];
  /** Whether limits hold over all processes. */
  readonly limitsShared: boolean;
}

export interface GateBase<U extends User> {
  /** Middleware: who is this? To be mounted before everything that asks. Asks no store by itself. */
  clientState(): RequestHandler;
  /** The routes of all modules. To be mounted at `mount`. */
  readonly router: RequestHandler;
  /** Middleware: layer 2 of the protection against forged requests, for the application's own forms. Behind its body parser. */
  csrf(): RequestHandler;
  /** Middleware: lets only signed-in visitors pass. */
  require(options?: RequireOptions): RequestHandler;
  /** The user that `require()` let in. Throws where no `require()` ran. */
  user(req: Request): U;
  /** Who is signed in, or `null`. */
  currentUser(req: Request): Promise<U | null>;
  /** How they are signed in, or `null`. */
  currentSignIn(req: Request): Promise<SignIn | null>;
  /** Whether somebody is signed in who gave a proof in this session. An anonymous visitor is not. */
  isFullyAuthed(req: Request): Promise<boolean>;
  /** Whether somebody is signed in who gave a second factor in this session. */
  isTwoFactored(req: Request): Promise<boolean>;
  /** The browser's session, loaded; what the application may use where `req.session` cannot be looked at at once. */
  session(req: Request): Promise<Session>;
  /** A token for a form that {@link csrf} checks. The same as `req.csrfToken()` where this gate is the only one. Ask before you answer: it may set a cookie. */
  csrfToken(req: Request): string;
  /** What somebody had typed into the form of this page before a proof was asked for (`require({ form })`), to be shown again. Once, and to that person only. */
  preserved(req: Request): Promise<Readonly<Record<string, string>>>;
  /** The message that was left for this page. Shown once. */
  flash(req: Request): Flash | null;
  /** Adds data to every page of the suite, and to what a JSON client gets in its place; not to answers that only lead on. A handler's own data wins. */
  pageData(provide: PageData): void;
  /** Whether this is the user's password. Counts as an attempt (limits, lock), with the network of `req` if given. */
  verifyPassword(pid: string, password: string, req?: Request): Promise<boolean>;
  /** A new password with the old one; ends every other sign-in. With `req`, that browser stays signed in. */
  changePassword(pid: string, passwords: { readonly from: string; readonly to: string }, req?: Request): Promise<Outcome<U>>;
  /** A new password without the old one, for administrators and scripts. Rules apply; ends every sign-in. `null` for no such user. */
  updatePassword(pid: string, password: string): Promise<Outcome<U> | null>;
  /** The live sign-ins of a user, the most recently seen first. */
  signIns(pid: string): Promise<readonly SignIn[]>;
  /** Ends one, the other or all sign-ins of a user; answers how many. */
  endSignIns(pid: string, which: "all" | { readonly id: string } | { readonly exceptThatOf: Request }): Promise<number>;
  /** Puts a user out, at once and until {@link enable}. Answers whether there is such a user. */
  disable(pid: string): Promise<boolean>;
  enable(pid: string): Promise<boolean>;
  /** Delivers the queued mails that are due, and answers how many left the queue. Also done by itself after a mail was queued, and by a timer. */
  deliverMails(): Promise<number>;
  /** Sends a mail of the application with the sender and subject prefix of the option `mail`: through the queue where the storer has one, else at once. */
  email(mail: OwnMail): Promise<void>;
  /** Subscribes to a channel; application guards come behind those of the modules. */
  on<Before, After>(channel: Channel<Before, After>): Subscription<Before, After>;
  /** Routes, channels with their plan, reasons and limits, as plain data. */
  describe(): Description;
  /** Resolves when the storer is ready. Requests wait for it by themselves. */
  ready(): Promise<void>;
  /** Lets go of everything: timers, workers, connections. */
  close(): Promise<void>;
  /** Removes expired rows; answers how many. Also run by a timer. */
  sweep(now?: Date): Promise<number>;
}

export type { Which };

/** The gate, with the services of its modules under their names. */
export type Gate<U extends User, M> = GateBase<U> & { readonly [Name in keyof M]: ApiOf<M[Name]> };

export type UserOf<S extends ServerStorer> = S extends ServerStorer<infer U> ? U : User;
