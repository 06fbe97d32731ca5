/** What the operations have in common: reading a row, writing one, and noting when it will be over. @module */
import type { Codec } from "./codec.ts";
import { loaded, stored, texts } from "./codec.ts";
import type { Keys } from "./keys.ts";
import { type UserRow, userRow } from "./rows.ts";
import { type Change, type Entry, put, type Store, type View } from "./store.ts";

export interface Table {
  readonly store: Store;
  readonly keys: Keys;
}

/** The row of an entry; `null` for none. */
export const rowOf = <T>(codec: Codec<T>, entry: Entry | null | undefined): T | null => (entry ? loaded(codec, entry.value) : null);

export const putRow = <T>(key: string, codec: Codec<T>, row: T): Change => put(key, stored(codec, row));

/** A lead to `row`. */
export const putLead = ({ keys }: Table, lead: string, row: string): Change => put(lead, keys.leadTo(row));

/**
 * Notes when a row will be over, for `sweep`, and which leads go with it. A row that is given more time is not noted anew, so that a change is one key: when the note is due, `sweep` looks at the row and moves the note. So every row
 * has a note that is due no later than the row was over when it was made.
 */
export const noteEnd = ({ keys }: Table, row: string, ends: number, leads: readonly string[] = [], mark: string | null = null): Change =>
  put(keys.due(ends, row, mark), stored(texts, leads.map(keys.leadTo)));

/** Replaces the fields of a user that `changes` names, in one transaction. Answers the user as they then are; `null` when nothing changed. */
export function changeUser(
  { store, keys }: Table,
  pid: string,
  changes: (user: UserRow) => Partial<UserRow> | null,
): Promise<UserRow | null> {
  const key = keys.user(pid);
  return store.decide(key, (view) => changeUserIn(view, key, changes));
}

/** The same as a part of a transaction. */
export async function changeUserIn(view: View, key: string, changes: (user: UserRow) => Partial<UserRow> | null): Promise<UserRow | null> {
  const [entry] = await view.get(key);
  const user = rowOf(userRow, entry);
  const changed = user && changes(user);
  if (!changed) return null;
  const next = { ...user, ...changed };
  view.change(putRow(key, userRow, next));
  return next;
}
