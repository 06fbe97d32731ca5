/** Sign-ins: rows under their user, and leads from the keys that browsers bring. @module */
import type { ExpireOperations, SignIn, SignInOperations } from "@castellan/core";
import { millisecondsOf } from "../codec.ts";
import { type AttemptRow, attemptRow, isOver, type SignInRow, signInEnds, signInRow, type UserRow, userRow } from "../rows.ts";
import { remove, removeAll, type View } from "../store.ts";
import { noteEnd, putLead, putRow, rowOf, type Table } from "../table.ts";
import { type EtcdUser, userOf } from "./users.ts";

/** How many sign-ins a list holds at most. */
const LONGEST_LIST = 100;

/** How many leads are remembered. A lead never leads elsewhere, so one that is remembered saves a look-up and proves nothing: the row itself is looked at each time. */
const MOST_REMEMBERED = 10_000;

const isExpired = (signIn: SignIn, now: Date): boolean => isOver(signIn.idleEndsAt, now) || isOver(signIn.endsAt, now);

function signInOf({ key: _, ...signIn }: SignInRow): SignIn {
  return signIn;
}

/** A row and its user, seen at one moment. */
interface Seen {
  readonly place: string;
  readonly row: SignInRow;
  readonly user: UserRow | null;
  readonly attempts: AttemptRow | null;
}

const isLive = ({ row, user }: Seen, now: Date): boolean => !isExpired(row, now) && user?.epoch === row.epoch;

/** To be handed out, the user is read with the lock. What decides must not: guesses that are counted would make it lose. */
type Reads = "for-the-answer" | "to-decide";

export function signInOperations(table: Table): SignInOperations<EtcdUser> & ExpireOperations {
  const { store, keys } = table;
  const leads = new Map<string, string>();

  const rememberLead = (key: string, lead: string): void => {
    const [oldest] = leads.keys();
    if (leads.size >= MOST_REMEMBERED && oldest !== undefined) leads.delete(oldest);
    leads.set(key, lead);
  };
  const seen = async (view: Pick<View, "get">, key: string, lead: string, reads: Reads): Promise<Seen | null> => {
    const { row: place, user, attempts } = keys.placeOf(lead);
    const [rowEntry, userEntry, attemptsEntry] = await view.get(place, user, ...(reads === "for-the-answer" ? [attempts] : []));
    const row = rowOf(signInRow, rowEntry);
    return row?.key === key ? { place, row, user: rowOf(userRow, userEntry), attempts: rowOf(attemptRow, attemptsEntry) } : null;
  };
  /** What stands under `key`: in one look where the lead is remembered, else in two. */
  const under = async (view: Pick<View, "get">, key: string, reads: Reads = "to-decide"): Promise<Seen | null> => {
    const remembered = leads.get(key);
    const found = remembered === undefined ? null : await seen(view, key, remembered, reads);
    if (found) return found;
    leads.delete(key);
    const [lead] = await view.get(keys.signIn(key));
    if (!lead) return null;
    const now = await seen(view, key, lead.value, reads);
    if (now) rememberLead(key, lead.value);
    return now;
  };

  return {
    createSignIn: (key, signIn) =>
      store.decide(keys.signIn(key), async (view) => {
        const [lead, place] = [keys.signIn(key), keys.signInOf(signIn.pid, signIn.id)];
        const [userEntry, leadEntry, taken] = await view.get(keys.user(signIn.pid), lead, place);
        if (taken || rowOf(userRow, userEntry)?.epoch !== signIn.epoch) return false;
        // A lead to what has been ended is nobody's.
        if (leadEntry && (await seen(view, key, leadEntry.value, "to-decide"))) return false;
        view.change(
          putRow(place, signInRow, { ...signIn, key }),
          putLead(table, lead, place),
          noteEnd(table, place, signInEnds(signIn), [lead]),
        );
        return true;
      }),
    async findSignIn(key, now) {
      millisecondsOf(now);
      const found = await under(store, key, "for-the-answer");
      return found?.user && isLive(found, now) ? { user: userOf(found.user, found.attempts), signIn: signInOf(found.row) } : null;
    },
    touchSignIn: (key, seenAt, idleEndsAt) =>
      store.decide(keys.signIn(key), async (view) => {
        const found = await under(view, key);
        // `seenAt` is the caller's now: what was dead by then stays dead.
        if (!found || !isLive(found, seenAt)) return;
        const { place, row } = found;
        const next = { ...row, seenAt, idleEndsAt: new Date(Math.min(millisecondsOf(idleEndsAt), row.endsAt.getTime())) };
        view.change(putRow(place, signInRow, next));
        if (signInEnds(next) < signInEnds(row)) view.change(noteEnd(table, place, signInEnds(next), [keys.signIn(key)]));
      }),
    replaceSignIn: (key, { key: nextKey, level, factors, epoch }, now) =>
      store.decide(keys.signIn(key), async (view) => {
        const found = await under(view, key);
        if (!found || !isLive(found, now) || found.user?.epoch !== epoch) return false;
        const { place, row } = found;
        const [lead, nextLead] = [keys.signIn(key), keys.signIn(nextKey)];
        view.change(putRow(place, signInRow, { ...row, key: nextKey, level, factors }));
        if (nextKey === key) return true;
        const [leadEntry] = await view.get(nextLead);
        if (leadEntry && (await seen(view, nextKey, leadEntry.value, "to-decide"))) return false;
        view.change(remove(lead), putLead(table, nextLead, place), noteEnd(table, place, signInEnds(row), [nextLead]));
        return true;
      }),
    takeExpiredSignIn: (key, now) =>
      store.decide(keys.signIn(key), async (view) => {
        const found = await under(view, key);
        if (!found || !isExpired(found.row, now) || found.user?.epoch !== found.row.epoch) return null;
        view.change(remove(found.place), remove(keys.signIn(key)));
        return signInOf(found.row);
      }),
    endSignIn: (key) =>
      store.decide(keys.signIn(key), async (view) => {
        const found = await under(view, key);
        if (!found) return false;
        view.change(remove(found.place), remove(keys.signIn(key)));
        return true;
      }),
    async endSignInOf(pid, id) {
      const removed = await store.change([], remove(keys.signInOf(pid, id)));
      return (removed?.[0] ?? 0) > 0;
    },
    async endSignIns(pid, exceptKey) {
      const spared = exceptKey === null ? null : await under(store, exceptKey);
      const removed = await store.change([], ...removeAll(keys.signInsOf(pid), spared?.row.pid === pid ? spared.place : null));
      return (removed ?? []).reduce((sum, count) => sum + count, 0);
    },
    async listSignIns(pid, now) {
      const [entry] = await store.get(keys.user(pid));
      const user = rowOf(userRow, entry);
      if (!user) return [];
      return (await store.listAll(keys.signInsOf(pid)))
        .flatMap((listed) => rowOf(signInRow, listed) ?? [])
        .filter((row) => row.epoch === user.epoch && !isExpired(row, now))
        .sort((one, other) => other.seenAt.getTime() - one.seenAt.getTime())
        .slice(0, LONGEST_LIST)
        .map(signInOf);
    },
  };
}
