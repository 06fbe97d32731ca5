/** The indexes, which decide what is unique and find whatever is asked for, and the version of the layout. @module */
import { ConfigError, days } from "@castellan/core";
import type { IndexDescription } from "mongodb";
import type { CollectionName, Collections } from "./collections.ts";

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
  sign_ins: [unique("key", { key: 1 }), plain("user", { pid: 1, seenAt: -1 }), expiry("idleEndsAt")],
  challenges: [plain("id", { id: 1 }), plain("session", { sessionKey: 1 }), plain("user", { pid: 1, purpose: 1 }), expiry("expiresAt")],
  counters: [expiry("resetsAt")],
  sessions: [expiry("expiresAt")],
  series: [plain("user", { pid: 1 }), expiry("expiresAt")],
  trusted_browsers: [unique("key", { keyHash: 1 }), plain("user", { pid: 1, createdAt: -1 }), expiry("expiresAt")],
  mails: [plain("due", { dueAt: 1 })],
  flows: [expiry("expiresAt")],
  meta: [],
};

/** Makes what is missing. Any number of processes may do so at once. */
export async function prepare(collections: Collections): Promise<void> {
  const { meta } = collections;
  await meta.updateOne({ _id: "layout" }, { $setOnInsert: { version: LAYOUT } }, { upsert: true });
  const layout = await meta.findOne({ _id: "layout" });
  if (layout && layout.version > LAYOUT) {
    throw new ConfigError([
      `storer-mongodb: the database is of layout ${layout.version}, this version knows ${LAYOUT}: install a newer version of @castellan/storer-mongodb`,
    ]);
  }
  for (const [name, indexes] of Object.entries(INDEXES)) {
    // A union of collections has no method in common but by this look at one of them.
    const rows = collections[name as CollectionName] as Collections["meta"];
    if (indexes.length > 0) await rows.createIndexes([...indexes]);
  }
}
