/** The channels of core, with what travels through them. Modules bring their own. @module */

import type { SignIn } from "./capabilities/server-storer.ts";
import { defineChannel } from "./channels.ts";
import type { Intent, Proof } from "./doors/proof.ts";
import type { Context } from "./http/context.ts";
import type { Subject } from "./subjects.ts";
import type { User } from "./users.ts";

/** A secret is about to be checked, or was. `ctx` is `null` when a script asks. */
export interface AttemptEvent {
  readonly subject: Subject;
  /** For example `"password"`. */
  readonly method: string;
  readonly ctx: Context | null;
  /** What attempts are counted by: the subject, or the owner's known browser on its own. */
  readonly budget: string;
}

export interface LoginEvent {
  readonly user: User;
  readonly ctx: Context;
  readonly proof: Proof;
  /** The second proof, where one was asked for. */
  readonly second: Proof | null;
  readonly intent: Intent;
  /** Which module led here: `"auth"`, `"register"`, `"oauth2"`, … */
  readonly via: string;
  /** The id of this browser if this user has signed in here before; `null` otherwise. */
  readonly knownBrowser: string | null;
}

export interface UserEvent {
  readonly user: User;
  readonly ctx: Context | null;
}

/** Somebody wants an account. */
export interface RegisterRequest {
  readonly login: string;
  readonly profile: Readonly<Record<string, string>>;
  readonly ctx: Context | null;
}

export interface ChangePasswordEvent extends UserEvent {
  /** `"user"`: with the old password; `"reset"`: with a mailed token; `"system"`: by the application. */
  readonly by: "user" | "reset" | "system";
}

/** Around every check of a password, code or token. Guards may refuse before it; `record` runs after a right one. */
export const attempt = defineChannel<AttemptEvent>("attempt");
/** A check went wrong, for a known or an unknown subject. Only `notify`. */
export const attemptFailed = defineChannel<AttemptEvent>("attemptFailed");
/** Around every sign-in. The event type of half sign-ins is {@link LoginEvent} too, with the method `"remember"`. */
export const login = defineChannel<LoginEvent>("login");
/** A fresh proof inside a session. */
export const stepUp = defineChannel<UserEvent & { readonly proof: Proof }>("stepUp");
/** Around a sign-out by the person. */
export const logout = defineChannel<UserEvent & { readonly signIn: SignIn }>("logout");
/** Somebody gives this browser up: signs out, or asks to though nobody is signed in here. Only `record`: what a module keeps here in a cookie of its own goes. */
export const leaveBrowser = defineChannel<{ readonly ctx: Context }>("leaveBrowser");
/** Around a registration. Guards may close it. A `record` handler that throws does not unmake the account: whatever it does must be repeatable. */
export const register = defineChannel<RegisterRequest, UserEvent>("register");
export const changePassword = defineChannel<ChangePasswordEvent>("changePassword");
/** A user was loaded to answer who is signed in. Only `notify`; runs on every request that asks, so keep it short. */
export const loadUser = defineChannel<{ readonly user: User }>("loadUser");
/** A link to choose a new password was asked for. `user` is `null` where nobody was found: do the same work for both. */
export const startRecovery = defineChannel<{ readonly user: User | null; readonly ctx: Context | null }>("startRecovery");
/** A new password was chosen by a mailed link. */
export const finishRecovery = defineChannel<UserEvent & { readonly address: string }>("finishRecovery");
/** Sign-ins of a user were ended by their owner or an administrator. Whatever brings one back (a remembered browser) ends too. */
export const revoke = defineChannel<{ readonly pid: string; readonly which: "all" | "one" | "others"; readonly ctx: Context | null }>(
  "revoke",
);
export const disable = defineChannel<{ readonly pid: string }>("disable");
export const enable = defineChannel<{ readonly pid: string }>("enable");
