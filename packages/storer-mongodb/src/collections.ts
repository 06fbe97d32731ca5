/** The collections, and what the operations on them have in common. @module */
import { type Duration, Unavailable } from "@castellan/core";
import type { Collection, CollectionOptions, Db, MatchKeysAndValues, UpdateFilter } from "mongodb";
import type {
  ChallengeRow,
  CounterRow,
  FlowRow,
  LinksRow,
  MailRow,
  MetaRow,
  SeriesRow,
  SessionRow,
  SignInRow,
  StrangerRow,
  TrustedBrowserRow,
  UserRow,
} from "./rows.ts";
import { is, isNumber } from "./values.ts";

interface Rows {
  readonly users: UserRow;
  readonly strangers: StrangerRow;
  readonly links: LinksRow;
  readonly sign_ins: SignInRow;
  readonly challenges: ChallengeRow;
  readonly counters: CounterRow;
  readonly sessions: SessionRow;
  readonly series: SeriesRow;
  readonly trusted_browsers: TrustedBrowserRow;
  readonly mails: MailRow;
  readonly flows: FlowRow;
  readonly meta: MetaRow;
}

export type CollectionName = keyof Rows;

export type Collections = { readonly [Name in CollectionName]: Collection<Rows[Name]> };

/**
 * How every command is run, whatever the client or the address say. What is acknowledged is in the journals of a majority. What is read is what the conditions of writes are decided by, on the same
 * server: a majority's older view would still show what was just refused.
 */
const settingsFor = (timeout: Duration): CollectionOptions => ({
  writeConcern: { w: "majority", journal: true, wtimeoutMS: timeout },
  readConcern: { level: "local" },
  readPreference: "primary",
  promoteValues: true,
  promoteLongs: true,
  useBigInt64: false,
  raw: false,
  ignoreUndefined: false,
  serializeFunctions: false,
});

export function collectionsOf(database: Db, prefix: string, timeout: Duration): Collections {
  const settings = settingsFor(timeout);
  const of = <Name extends CollectionName>(name: Name): Collection<Rows[Name]> =>
    database.collection<Rows[Name]>(`${prefix}_${name}`, settings);
  return {
    users: of("users"),
    strangers: of("strangers"),
    links: of("links"),
    sign_ins: of("sign_ins"),
    challenges: of("challenges"),
    counters: of("counters"),
    sessions: of("sessions"),
    series: of("series"),
    trusted_browsers: of("trusted_browsers"),
    mails: of("mails"),
    flows: of("flows"),
    meta: of("meta"),
  };
}

const DUPLICATE_KEY = 11000;

const isTaken = (error: unknown): boolean => typeof error === "object" && error !== null && "code" in error && error.code === DUPLICATE_KEY;

/** What `write` answers, or `null` where a unique index says that somebody else has it. */
export async function unlessTaken<T>(write: () => Promise<T>): Promise<T | null> {
  try {
    return await write();
  } catch (error) {
    if (isTaken(error)) return null;
    throw error;
  }
}

/** Of two upserts of one document at the same time, the second may find it taken: then it is there, and the same command replaces it. */
export async function untilWritten<T>(write: () => Promise<T>): Promise<T> {
  return (await unlessTaken(write)) ?? (await write());
}

/** How often one document may change between a refusal and the look at why. */
export const TRIES = 20;

export const contended = (): Unavailable => new Unavailable("MongoDB: a document changes without end", { reason: "busy", retryAfter: 1 });

/** An update of a user that advances the epoch: what dies with it and lies in the user's document goes in the same step. */
export const advancing = (changes: MatchKeysAndValues<UserRow> = {}): UpdateFilter<UserRow> => ({
  $inc: { epoch: 1 },
  $set: { oneTimePasswords: [], ...changes },
});

/** What an operation answers of an update that may have advanced the epoch. */
export const EPOCH = { returnDocument: "after", projection: { epoch: 1 } } as const;

/** Whether there is such a user, of this very epoch: what a row in another collection lives by. */
export async function isOfEpoch({ users }: Collections, pid: string, epoch: number): Promise<boolean> {
  return (await users.findOne({ _id: is(pid), epoch: isNumber(epoch) }, { projection: { _id: 1 } })) !== null;
}
