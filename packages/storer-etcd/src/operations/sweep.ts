/** Removing what is over: `sweep` goes by the notes that each row was given, and looks at the row itself. @module */
import { type Codec, loaded, millisecondsOf, stored, texts } from "../codec.ts";
import {
  attemptRow,
  challengeRow,
  counterRow,
  flowRow,
  linksRow,
  seriesRow,
  sessionRow,
  signInEnds,
  signInRow,
  spentAt,
  trustedRow,
} from "../rows.ts";
import { type Entry, put, remove } from "../store.ts";
import type { Table } from "../table.ts";

type Ends = (entry: Entry) => number;

const endsBy =
  <T>(codec: Codec<T>, endsOf: (row: T) => number): Ends =>
  ({ value }) =>
    endsOf(loaded(codec, value));

const expires = ({ expiresAt }: { readonly expiresAt: Date }): number => expiresAt.getTime();

/** When a row is over, by its kind. */
const ENDS: ReadonlyMap<string, Ends> = new Map([
  ["sign-ins", endsBy(signInRow, signInEnds)],
  ["challenges", endsBy(challengeRow, expires)],
  ["links", endsBy(linksRow, (links) => Math.max(...links.map(expires)))],
  ["attempts", endsBy(attemptRow, spentAt)],
  ["remembered", endsBy(seriesRow, expires)],
  ["trusted", endsBy(trustedRow, expires)],
  ["count", endsBy(counterRow, ({ resetsAt }) => resetsAt.getTime())],
  ["session", endsBy(sessionRow, expires)],
  ["flow", endsBy(flowRow, expires)],
]);

/** Leads of a row that go in one transaction: with the row and its note they are fewer than etcd takes. */
const LEADS_AT_ONCE = 100;

/** How many notes are worked on at once. */
const AT_ONCE = 16;

/** Of notes whose row is gone or was given more time there may be many: so many are looked at in one sweep. */
const MOST_NOTES = 20_000;

export function sweepOperation(table: Table): (now: Date, limit: number) => Promise<number> {
  const { store, keys } = table;

  /** Settles one note. Answers whether a row was removed for it. */
  const settle = ({ key: note, value }: Entry, now: number): Promise<boolean> =>
    store.decide(note, async (view) => {
      const { row, kind, later } = keys.noted(note);
      const leads = loaded(texts, value).map((lead) => keys.placeOf(lead).row);
      const rest = leads.splice(LEADS_AT_ONCE);
      const [noteEntry, entry, ...leadEntries] = await view.get(note, row, ...leads);
      if (!noteEntry) return false;
      const ends = entry && ENDS.get(kind)?.(entry);
      if (typeof ends === "number" && ends > now) {
        // Another note of that moment may know further leads.
        const [there] = await view.get(later(ends));
        const all = new Set([...loaded(texts, value), ...(there ? loaded(texts, there.value) : [])]);
        view.change(remove(note), put(later(ends), stored(texts, [...all])));
        return false;
      }
      // A lead that another row has taken meanwhile is not ours any more.
      const own = leadEntries.filter((lead) => lead?.value === keys.leadTo(row));
      view.change(...own.flatMap((lead) => (lead ? remove(lead.key) : [])));
      // The note stays due until the last lead is gone, and the row with it.
      if (rest.length > 0) view.change(put(note, stored(texts, rest.map(keys.leadTo))));
      else view.change(remove(note), remove(row));
      return rest.length === 0 && entry !== null;
    });

  return async (now, limit) => {
    const at = millisecondsOf(now);
    let [swept, looked] = [0, 0];
    while (swept < limit && looked < MOST_NOTES) {
      const notes = await store.between(keys.dueUntil(at), Math.min(AT_ONCE, limit - swept));
      if (notes.length === 0) break;
      looked += notes.length;
      swept += (await Promise.all(notes.map((note) => settle(note, at)))).filter(Boolean).length;
    }
    return swept;
  };
}
