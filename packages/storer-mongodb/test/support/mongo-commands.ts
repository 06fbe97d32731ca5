/** The commands of the stand-in. Each runs without a break, but for those over many documents, which others may come in between of, as on a real server. @module */
import { setImmediate } from "node:timers/promises";
import { Long, ObjectId } from "bson";
import { Aggregator, find } from "mingo";
import { Collection, CommandError, copyOf, type IndexSpec, type UpdateSpec } from "./mongo-collection.ts";
import type { Fields } from "./mongo-wire.ts";

type Command = (body: Fields, databases: Databases) => Fields | Promise<Fields>;

/** All that the server holds. */
export class Databases {
  readonly #collections = new Map<string, Collection>();
  readonly #cursors = new Map<string, Fields[]>();
  /** Commands whose filter no index serves, each as `command collection {fields}`. */
  readonly scans: string[] = [];

  of(database: unknown, name: unknown): Collection {
    const key = `${database}.${name}`;
    const there = this.#collections.get(key);
    if (there) return there;
    const made = new Collection();
    this.#collections.set(key, made);
    return made;
  }

  namesOf(database: unknown): string[] {
    const prefix = `${database}.`;
    return [...this.#collections.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  }

  drop(database: unknown, name: unknown): boolean {
    return this.#collections.delete(`${database}.${name}`);
  }

  /** Removes what the TTL indexes say is over: what a real server does about once a minute. */
  expire(now: Date): void {
    for (const collection of this.#collections.values()) {
      for (const { key, expireAfterSeconds } of collection.indexes) {
        if (expireAfterSeconds === undefined) continue;
        const end = new Date(now.getTime() - expireAfterSeconds * 1000);
        for (const [id] of collection.matching({ [Object.keys(key)[0] ?? ""]: { $lte: end } })) collection.remove(id);
      }
    }
  }

  /** The reply that hands out `documents`, the rest of them by getMore. */
  cursor(namespace: string, documents: readonly Fields[], batchSize: number): Fields {
    const id = new ObjectId().toHexString();
    const first = documents.slice(0, batchSize);
    if (first.length === documents.length) return { cursor: { id: Long.ZERO, ns: namespace, firstBatch: first } };
    const number = Long.fromString(id.slice(-12), true, 16);
    this.#cursors.set(number.toString(), documents.slice(batchSize));
    return { cursor: { id: number, ns: namespace, firstBatch: first } };
  }

  more(id: unknown, batchSize: number): { readonly batch: Fields[]; readonly isLast: boolean } {
    const rest = this.#cursors.get(String(id)) ?? [];
    this.#cursors.set(String(id), rest.slice(batchSize));
    return { batch: rest.slice(0, batchSize), isLast: rest.length <= batchSize };
  }

  endCursor(id: unknown): void {
    this.#cursors.delete(String(id));
  }
}

const FIRST_BATCH = 101;

const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});
const listOf = (value: unknown): Fields[] => (Array.isArray(value) ? value : []);
const numberOf = (value: unknown, otherwise: number): number => (value === undefined || value === null ? otherwise : Number(value));

/** The collection of a command, which is named by the command's own field. */
function target(name: string, body: Fields, databases: Databases, filter?: Fields): Collection {
  const collection = databases.of(body["$db"], body[name]);
  if (filter && !collection.isIndexed(filter)) databases.scans.push(`${name} ${body[name]} {${Object.keys(filter).join(", ")}}`);
  return collection;
}

const namespaceOf = (name: string, body: Fields): string => `${body["$db"]}.${body[name]}`;

const writeErrorOf = (index: number, error: unknown): Fields => {
  if (!(error instanceof CommandError)) throw error;
  return { index, code: error.code, errmsg: error.message, ...error.details };
};

/** Runs the parts of a write one after the other; an ordered one ends with the first that fails. */
async function eachPart(
  body: Fields,
  parts: readonly Fields[],
  run: (part: Fields, index: number) => void | Promise<void>,
): Promise<Fields> {
  const writeErrors: Fields[] = [];
  for (const [index, part] of parts.entries()) {
    try {
      await run(part, index);
    } catch (error) {
      writeErrors.push(writeErrorOf(index, error));
      if (body["ordered"] !== false) break;
    }
  }
  return writeErrors.length === 0 ? {} : { writeErrors };
}

const sorted = (documents: readonly Fields[], body: Fields): Fields[] => {
  let cursor = find<Fields>([...documents], {}, fieldsOf(body["projection"] ?? body["fields"]));
  // Asked for by name: an empty order is none.
  if (Object.keys(fieldsOf(body["sort"])).length > 0) cursor = cursor.sort(fieldsOf(body["sort"]) as Record<string, 1 | -1>);
  const skipped = cursor.skip(numberOf(body["skip"], 0));
  const limit = Math.abs(numberOf(body["limit"], 0));
  return (limit > 0 ? skipped.limit(limit) : skipped).all();
};

const updateSpecOf = (filter: unknown, update: unknown, arrayFilters: unknown): UpdateSpec => ({
  filter: fieldsOf(filter),
  update: Array.isArray(update) ? update : fieldsOf(update),
  ...(Array.isArray(arrayFilters) && { arrayFilters }),
});

const insert: Command = async (body, databases) => {
  const collection = target("insert", body, databases);
  let n = 0;
  const errors = await eachPart(body, listOf(body["documents"]), (document) => {
    collection.insert(document);
    n += 1;
  });
  return { n, ...errors };
};

const update: Command = async (body, databases) => {
  const counts = { n: 0, nModified: 0 };
  const upserted: Fields[] = [];
  const errors = await eachPart(body, listOf(body["updates"]), async ({ q, u, arrayFilters, multi, upsert }, index) => {
    const spec = updateSpecOf(q, u, arrayFilters);
    const collection = target("update", body, databases, spec.filter);
    const found = collection.matching(spec.filter);
    if (found.length === 0 && upsert === true) {
      upserted.push({ index, _id: collection.upsert(spec, () => new ObjectId())["_id"] });
      counts.n += 1;
    }
    for (const [id] of multi === true ? found : found.slice(0, 1)) {
      if (multi === true) await setImmediate();
      const before = collection.get(id, spec.filter);
      if (!before) continue;
      counts.n += 1;
      if (collection.update(id, before, spec).isChanged) counts.nModified += 1;
    }
  });
  return { ...counts, ...(upserted.length > 0 && { upserted }), ...errors };
};

const remove: Command = async (body, databases) => {
  let n = 0;
  const errors = await eachPart(body, listOf(body["deletes"]), async ({ q, limit }) => {
    const filter = fieldsOf(q);
    const collection = target("delete", body, databases, filter);
    const isOne = Number(limit) === 1;
    const found = collection.matching(filter);
    for (const [id] of isOne ? found.slice(0, 1) : found) {
      if (!isOne) await setImmediate();
      if (!collection.get(id, filter)) continue;
      collection.remove(id);
      n += 1;
    }
  });
  return { n, ...errors };
};

const findAndModify: Command = (body, databases) => {
  const filter = fieldsOf(body["query"]);
  const collection = target("findAndModify", body, databases, filter);
  const shown = (document: Fields): Fields | null => sorted([document], { fields: body["fields"] })[0] ?? null;
  const found = collection.matching(filter);
  const [first] = sorted(
    found.map(([, document]) => document),
    { sort: body["sort"], limit: 1 },
  );
  const [id, before] = found.find(([, document]) => document === first || document["_id"] === first?.["_id"]) ?? [];
  const spec = updateSpecOf(filter, body["update"], body["arrayFilters"]);
  if (id === undefined || before === undefined) {
    if (body["upsert"] !== true) return { lastErrorObject: { n: 0, updatedExisting: false }, value: null };
    const made = collection.upsert(spec, () => new ObjectId());
    return { lastErrorObject: { n: 1, updatedExisting: false, upserted: made["_id"] }, value: body["new"] === true ? shown(made) : null };
  }
  if (body["remove"] === true) {
    collection.remove(id);
    return { lastErrorObject: { n: 1 }, value: shown(before) };
  }
  const { after } = collection.update(id, before, spec);
  return { lastErrorObject: { n: 1, updatedExisting: true }, value: shown(body["new"] === true ? after : before) };
};

const findCommand: Command = (body, databases) => {
  const filter = fieldsOf(body["filter"]);
  const collection = target("find", body, databases, filter);
  const documents = sorted(
    collection.matching(filter).map(([, document]) => document),
    body,
  );
  const batchSize = body["singleBatch"] === true ? documents.length : numberOf(body["batchSize"], FIRST_BATCH);
  return databases.cursor(namespaceOf("find", body), documents, batchSize);
};

const aggregate: Command = (body, databases) => {
  const [first, ...rest] = listOf(body["pipeline"]);
  const filter = fieldsOf(first?.["$match"]);
  const collection = target("aggregate", body, databases, filter);
  const found = collection.matching(filter).map(([, document]) => copyOf(document));
  const stages = first && Object.hasOwn(first, "$match") ? rest : listOf(body["pipeline"]);
  const pipeline = new Aggregator(stages, { collectionResolver: (name: string) => databases.of(body["$db"], name).all() });
  const batchSize = numberOf(fieldsOf(body["cursor"])["batchSize"], FIRST_BATCH);
  return databases.cursor(namespaceOf("aggregate", body), pipeline.run<Fields>(found), batchSize);
};

const hello: Command = () => ({
  helloOk: true,
  isWritablePrimary: true,
  ismaster: true,
  maxBsonObjectSize: 16_777_216,
  maxMessageSizeBytes: 48_000_000,
  maxWriteBatchSize: 100_000,
  logicalSessionTimeoutMinutes: 30,
  minWireVersion: 0,
  maxWireVersion: 21,
  readOnly: false,
});

const nothing: Command = () => ({});

const COMMANDS: Readonly<Record<string, Command>> = {
  hello,
  ismaster: hello,
  isMaster: hello,
  ping: nothing,
  endSessions: nothing,
  buildInfo: () => ({ version: "7.0.0", versionArray: [7, 0, 0, 0] }),
  insert,
  update,
  delete: remove,
  findAndModify,
  find: findCommand,
  aggregate,
  count: (body, databases) => ({ n: target("count", body, databases).matching(fieldsOf(body["query"])).length }),
  getMore: (body, databases) => {
    const { batch, isLast } = databases.more(body["getMore"], numberOf(body["batchSize"], Number.MAX_SAFE_INTEGER));
    if (isLast) databases.endCursor(body["getMore"]);
    return {
      cursor: {
        id: isLast ? Long.ZERO : Long.fromNumber(Number(body["getMore"])),
        ns: `${body["$db"]}.${body["collection"]}`,
        nextBatch: batch,
      },
    };
  },
  killCursors: (body, databases) => {
    for (const id of listOf(body["cursors"])) databases.endCursor(id);
    return { cursorsKilled: body["cursors"] };
  },
  create: (body, databases) => {
    target("create", body, databases);
    return {};
  },
  createIndexes: (body, databases) => {
    const collection = target("createIndexes", body, databases);
    // What an index is, the driver has checked.
    for (const spec of listOf(body["indexes"]) as IndexSpec[]) collection.addIndex({ v: 2, ...spec });
    return {};
  },
  listIndexes: (body, databases) => {
    const name = body["listIndexes"];
    if (!databases.namesOf(body["$db"]).includes(String(name))) throw new CommandError(26, `ns does not exist: ${body["$db"]}.${name}`);
    return databases.cursor(namespaceOf("listIndexes", body), databases.of(body["$db"], name).indexes, FIRST_BATCH);
  },
  listCollections: (body, databases) => {
    const collections = databases.namesOf(body["$db"]).map((name) => ({ name, type: "collection" }));
    return databases.cursor(`${body["$db"]}.$cmd.listCollections`, collections, FIRST_BATCH);
  },
  drop: (body, databases) => {
    if (!databases.drop(body["$db"], body["drop"])) throw new CommandError(26, "ns not found");
    return {};
  },
  dropDatabase: (body, databases) => {
    for (const name of databases.namesOf(body["$db"])) databases.drop(body["$db"], name);
    return {};
  },
  saslStart: () => {
    throw new CommandError(18, "Authentication failed.");
  },
};

/** Runs one command. A failure is a reply too. */
export async function runCommand(body: Fields, databases: Databases): Promise<Fields> {
  const [name = ""] = Object.keys(body).filter((field) => field !== "$db");
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  try {
    if (!command) throw new CommandError(59, `no such command: '${name}'`);
    // There are no transactions and no retried writes here, as on a real server that stands alone.
    if (body["txnNumber"] !== undefined || body["startTransaction"] !== undefined) {
      throw new CommandError(20, "Transaction numbers are only allowed on a replica set member or mongos");
    }
    return { ...(await command(body, databases)), ok: 1 };
  } catch (error) {
    const { code, message, details } = error instanceof CommandError ? error : { code: 8, message: String(error), details: {} };
    return { ok: 0, code, errmsg: message, ...(code === 11000 && { codeName: "DuplicateKey" }), ...details };
  }
}
