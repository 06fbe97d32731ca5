/** Whom an attempt is about: a known user, or a login that nobody has. Both have one budget of tries, so that limits never tell which exist. @module */
import type { ServerStorer } from "./capabilities/server-storer.ts";
import type { Identifier } from "./identifier.ts";
import type { KeyRing } from "./keys.ts";
import type { User } from "./users.ts";

export type Subject<U extends User = User> =
  | { readonly kind: "known"; readonly key: string; readonly user: U }
  | { readonly kind: "unknown"; readonly key: string };

export const subjectOfUser = <U extends User>(user: U): Subject<U> => ({ kind: "known", key: `pid:${user.pid}`, user });

/** What attempts from a browser in which the user has signed in before are counted by first. */
export const browserBudget = (subject: Subject, browser: string): string => `${subject.key}:browser:${browser}`;

/** Finds out whom a typed login means. Always asks the storer once, whatever was typed. */
export async function findSubject<U extends User>(
  storer: ServerStorer<U>,
  keys: KeyRing,
  identifier: Identifier,
  typed: string,
): Promise<Subject<U>> {
  const login = identifier.normalize(typed);
  // What can be nobody's login is looked up all the same: one query for everybody. No login has a space in front.
  const user = await storer.findByLogin(login ?? " ");
  if (user && login !== null) return subjectOfUser(user);
  return { kind: "unknown", key: `login:${keys.mac("unknown login", login ?? typed)}` };
}
