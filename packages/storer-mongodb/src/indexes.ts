/** The indexes, which decide what is unique and find whatever is asked for, and the version of the layout. @module */
import { ConfigError, days } from "@castellan/core";
import type { Collection, Db, IndexDescription } from "mongodb";
import type { CollectionName, Collections } from "./collections.ts";

/** MongoDB 4.4, as a number: updates by pipelines, and deletions by a named index. */
const OLDEST = 404;

/** Of the documents as this package writes them. Counts up when another one could not read them. */
const LAYOUT = 1;

/**
 * How long after its end a document goes by itself, in seconds. Nothing depends on it: every operation asks the caller's clock. So long, because the server goes by its own, and because what has
 * expired may yet be asked for: a sign-in whose end is to be noticed.
 */
const GOES_AFTER = days(1) / 1_000;

const plain = (name: string, key: Record<string, 1 | -1>): IndexDescription => ({ name, key });
const unique = (name: string, key: Record<string, 1>): IndexDescription => ({ name, key, unique: true });
const expiry = (field: string): IndexDescription => ({ name: "expiry", key: { [field]: 1 }, expireAfterSeconds: GOES_AFTER });

/** Besides `_id`, which every collection is looked up by. */
export const INDEXES: { readonly [Name in CollectionName]: readonly IndexDescription[] } = {
  users: [
    unique("login", { login: 1 }),
    // Partial: users without an identity would all have the same one, none.
    { ...unique("identity", { "identities.key": 1 }), partialFilterExpression: { "identities.key": { $exists: true } } },
    // For `sweep`, and never a TTL index: the user would go.
    { ...plain("attempts", { "attempts.endsAt": 1 }), sparse: true },
  ],
  strangers: [expiry("attempts.endsAt")],
  links: [plain("selector", { "tokens.selector": 1 }), expiry("expiresAt")],
  sign_ins: [unique("key", { key: 1 }), plain("user", { pid: 1 }), expiry("idleEndsAt")],
  challenges: [plain("id", { id: 1 }), plain("session", { sessionKey: 1 }), plain("user", { pid: 1, purpose: 1 }), expiry("expiresAt")],
  counters: [expiry("resetsAt")],
  sessions: [expiry("expiresAt")],
  series: [plain("user", { pid: 1 }), expiry("expiresAt")],
  trusted_browsers: [unique("key", { keyHash: 1 }), plain("user", { pid: 1, createdAt: -1 }), expiry("expiresAt")],
  mails: [plain("due", { dueAt: 1 })],
  flows: [expiry("expiresAt")],
  meta: [],
};

/** What the answer to an order of indexes means: there is another one of the name, or the documents that are there do not allow it. */
const MISFITS = new Set([85, 86, 11_000]);

const isMisfit = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "number" && MISFITS.has(error.code);

async function makeIndexes(collections: Collections, name: CollectionName): Promise<void> {
  const indexes = INDEXES[name];
  if (indexes.length === 0) return;
  // Each is of its own type; what is called here all of them have.
  const rows = collections[name] as unknown as Collection;
  try {
    await rows.createIndexes([...indexes]);
  } catch (error) {
    if (!isMisfit(error)) throw error;
    throw new ConfigError([
      `storer-mongodb: the collection ${rows.collectionName} has an index of one of these names that is another, or documents that do not fit one: ${indexes.map((index) => index.name).join(", ")}. Drop that index, or choose another \`prefix\``,
    ]);
  }
}

/** Makes what is missing. Any number of processes may do so at once. */
export async function prepare(database: Db, collections: Collections): Promise<void> {
  const { version } = await database.command({ buildInfo: 1 });
  const [major = 0, minor = 0] = String(version).split(".", 2).map(Number);
  if (major * 100 + minor < OLDEST) {
    throw new ConfigError([`storer-mongodb: the server is MongoDB ${major}.${minor}: it must be 4.4 or newer`]);
  }
  const { meta } = collections;
  await meta.updateOne({ _id: "layout" }, { $setOnInsert: { version: LAYOUT } }, { upsert: true });
  const layout = await meta.findOne({ _id: "layout" });
  if (layout && layout.version > LAYOUT) {
    throw new ConfigError([
      `storer-mongodb: the database is of layout ${layout.version}, this version knows ${LAYOUT}: install a newer version of @castellan/storer-mongodb`,
    ]);
  }
  // The compiler sees to it that these are all of them, and no other.
  const names = Object.keys(INDEXES) as CollectionName[];
  await Promise.all(names.map((name) => makeIndexes(collections, name)));
}
