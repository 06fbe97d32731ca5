/** Sign-ins. @module */
import type { ExpireOperations, SignIn, SignInOperations } from "@castellan/core";
import { deleteWhere, isOver, type Operation, type Tables } from "./tables.ts";
import { type TableUser, userOf } from "./users.ts";

/** How many sign-ins a list holds at most. */
const LONGEST_LIST = 100;

export const isExpiredSignIn = (signIn: SignIn, now: Date): boolean => isOver(signIn.idleEndsAt, now) || isOver(signIn.endsAt, now);

export function signInOperations(tables: Tables, operation: Operation): SignInOperations<TableUser> & ExpireOperations {
  const { users, signIns } = tables;
  const isLive = (signIn: SignIn, now: Date) => !isExpiredSignIn(signIn, now) && users.get(signIn.pid)?.epoch === signIn.epoch;
  const liveUnder = (key: string, now: Date) => {
    const signIn = signIns.get(key);
    return signIn && isLive(signIn, now) ? signIn : null;
  };

  return {
    createSignIn: operation("createSignIn", (key, signIn) => {
      if (users.get(signIn.pid)?.epoch !== signIn.epoch) return false;
      signIns.set(key, signIn);
      return true;
    }),
    findSignIn: operation("findSignIn", (key, now) => {
      const signIn = liveUnder(key, now);
      const user = signIn && users.get(signIn.pid);
      return user ? { user: userOf(tables, user), signIn } : null;
    }),
    touchSignIn: operation("touchSignIn", (key, seenAt, idleEndsAt) => {
      // `seenAt` is the caller's now: what was dead by then stays dead.
      const signIn = liveUnder(key, seenAt);
      if (signIn) signIns.set(key, { ...signIn, seenAt, idleEndsAt });
    }),
    replaceSignIn: operation("replaceSignIn", (key, { key: nextKey, ...changes }, now) => {
      const signIn = liveUnder(key, now);
      if (!signIn || users.get(signIn.pid)?.epoch !== changes.epoch) return false;
      signIns.delete(key);
      signIns.set(nextKey, { ...signIn, ...changes });
      return true;
    }),
    takeExpiredSignIn: operation("takeExpiredSignIn", (key, now) => {
      const signIn = signIns.get(key);
      if (!signIn || !isExpiredSignIn(signIn, now) || users.get(signIn.pid)?.epoch !== signIn.epoch) return null;
      signIns.delete(key);
      return signIn;
    }),
    endSignIn: operation("endSignIn", (key) => signIns.delete(key)),
    endSignInOf: operation("endSignInOf", (pid, id) => deleteWhere(signIns, (row) => row.pid === pid && row.id === id) > 0),
    endSignIns: operation("endSignIns", (pid, exceptKey) => deleteWhere(signIns, (row, key) => row.pid === pid && key !== exceptKey)),
    listSignIns: operation("listSignIns", (pid, now) =>
      [...signIns.values()]
        .filter((signIn) => signIn.pid === pid && isLive(signIn, now))
        .sort((one, other) => other.seenAt.getTime() - one.seenAt.getTime())
        .slice(0, LONGEST_LIST),
    ),
  };
}
