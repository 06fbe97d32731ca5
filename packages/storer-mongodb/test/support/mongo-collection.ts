/** One collection of the stand-in: documents, indexes that are enforced, and what a single document's operations do at once. @module */
import { deserialize, EJSON, serialize } from "bson";
import { Aggregator, Query, updateOne } from "mingo";
import type { Fields } from "./mongo-wire.ts";

/** What the server answers in place of a result. */
export class CommandError extends Error {
  readonly code: number;
  readonly details: Fields;

  constructor(code: number, message: string, details: Fields = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

export interface IndexSpec extends Fields {
  readonly name: string;
  readonly key: Readonly<Record<string, number>>;
  readonly unique?: boolean;
  readonly sparse?: boolean;
  readonly partialFilterExpression?: Fields;
  readonly expireAfterSeconds?: number;
}

/** Entries by the values of all fields, which a unique index has once, and by that of the first, which look-ups go by. */
interface Index {
  readonly spec: IndexSpec;
  readonly whole: Map<string, Set<string>>;
  readonly first: Map<string, Set<string>>;
}

export interface UpdateSpec {
  readonly filter: Fields;
  readonly update: Fields | Fields[];
  readonly arrayFilters?: Fields[];
}

/** Types and order of fields are part of a value, as in MongoDB. */
const textOf = (value: unknown): string => EJSON.stringify({ value: value ?? null }, { relaxed: true });

export const copyOf = (document: Fields): Fields => deserialize(serialize(document));

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const isOperators = (value: unknown): boolean => isFields(value) && Object.keys(value).some((name) => name.startsWith("$"));

/** What an index sees of a path: each element of an array by itself. */
function valuesAt(document: unknown, path: readonly string[]): unknown[] {
  if (Array.isArray(document)) return document.flatMap((element) => valuesAt(element, path));
  const [name, ...rest] = path;
  if (name === undefined) return [document];
  return isFields(document) && Object.hasOwn(document, name) ? valuesAt(document[name], rest) : [];
}

/** The value that a filter asks a path to equal; `undefined` for any other condition. */
function equalityOf(condition: unknown): unknown {
  if (isFields(condition) && isOperators(condition)) return Object.hasOwn(condition, "$eq") ? condition["$eq"] : undefined;
  return condition instanceof RegExp ? undefined : condition;
}

const ID_INDEX: IndexSpec = { v: 2, name: "_id_", key: { _id: 1 }, unique: true };

const firstField = ({ key }: IndexSpec): string => Object.keys(key)[0] ?? "";

/** Whether every document that `filter` may match is in the index, and its first field narrows the search. */
function isUsable(spec: IndexSpec, filter: Fields): boolean {
  const field = firstField(spec);
  const condition = Object.hasOwn(filter, field) ? filter[field] : undefined;
  if (condition === undefined) return false;
  if (!spec.sparse && !spec.partialFilterExpression) return true;
  const isPresent = condition !== null && !(isFields(condition) && Object.values(condition).includes(null));
  return isPresent && (spec.sparse === true || textOf(spec.partialFilterExpression) === textOf({ [field]: { $exists: true } }));
}

export class Collection {
  readonly #documents = new Map<string, Fields>();
  readonly #indexes = new Map<string, Index>();

  constructor() {
    this.addIndex(ID_INDEX);
  }

  get size(): number {
    return this.#documents.size;
  }

  get indexes(): IndexSpec[] {
    return [...this.#indexes.values()].map(({ spec }) => spec);
  }

  all(): Fields[] {
    return [...this.#documents.values()];
  }

  addIndex(spec: IndexSpec): boolean {
    const there = this.#indexes.get(spec.name);
    if (there) {
      if (textOf(there.spec) === textOf(spec)) return false;
      throw new CommandError(86, `An existing index has the same name as the requested index but other options: ${spec.name}`);
    }
    const index = { spec, whole: new Map(), first: new Map() };
    for (const [id, document] of this.#documents) this.#enter([index], id, document);
    this.#indexes.set(spec.name, index);
    return true;
  }

  /** Whether a filter can be looked up, or every document must be looked at. */
  isIndexed(filter: Fields): boolean {
    const { $or } = filter;
    return this.indexes.some((spec) => isUsable(spec, filter)) || (Array.isArray($or) && $or.every((part) => this.isIndexed(part)));
  }

  /** The documents that match, each by the text of its `_id`. */
  matching(filter: Fields): [id: string, document: Fields][] {
    const query = new Query(filter);
    return this.#candidates(filter).filter(([, document]) => query.test(document));
  }

  /** One document, if it still matches. */
  get(id: string, filter: Fields): Fields | null {
    const document = this.#documents.get(id);
    return document && new Query(filter).test(document) ? document : null;
  }

  insert(given: Fields): void {
    const document = copyOf(given);
    const id = textOf(document["_id"]);
    if (this.#documents.has(id)) throw duplicateOf(ID_INDEX, document);
    this.#enter([...this.#indexes.values()], id, document);
    this.#documents.set(id, document);
  }

  remove(id: string): void {
    const document = this.#documents.get(id);
    if (document) this.#leave(id, document);
    this.#documents.delete(id);
  }

  /** Answers the document as it then is. What changes nothing is not written. */
  update(id: string, before: Fields, spec: UpdateSpec): { readonly after: Fields; readonly isChanged: boolean } {
    const after = changed(copyOf(before), spec);
    if (textOf(after["_id"]) !== id)
      throw new CommandError(66, "Performing an update on the path '_id' would modify the immutable field '_id'");
    const isChanged = textOf(after) !== textOf(before);
    if (isChanged) this.#replace(id, before, after);
    return { after, isChanged };
  }

  upsert(spec: UpdateSpec, makeId: () => unknown): Fields {
    const base = seedOf(spec.filter);
    const first = Array.isArray(spec.update) ? undefined : spec.update["$setOnInsert"];
    const made = changed(base, { ...spec, filter: {} });
    const document = first === undefined ? made : changed(made, { filter: {}, update: { $set: first } });
    if (!Object.hasOwn(document, "_id")) document["_id"] = base["_id"] ?? makeId();
    this.insert(document);
    return document;
  }

  #replace(id: string, before: Fields, after: Fields): void {
    this.#leave(id, before);
    try {
      this.#enter([...this.#indexes.values()], id, after);
    } catch (error) {
      this.#enter([...this.#indexes.values()], id, before);
      throw error;
    }
    this.#documents.set(id, after);
  }

  #candidates(filter: Fields): [string, Fields][] {
    for (const { spec, first } of this.#indexes.values()) {
      const wanted = isUsable(spec, filter) ? equalityOf(filter[firstField(spec)]) : undefined;
      // `null` also stands for what is not there.
      if (wanted === undefined || wanted === null || typeof wanted === "object") continue;
      const ids = first.get(textOf(wanted)) ?? new Set();
      return [...ids].flatMap((id): [string, Fields][] => {
        const document = this.#documents.get(id);
        return document ? [[id, document]] : [];
      });
    }
    return [...this.#documents];
  }

  /** All or nothing: a value that is taken changes no index. */
  #enter(indexes: readonly Index[], id: string, document: Fields): void {
    const entries = indexes.map((index) => [index, entriesOf(index.spec, document)] as const);
    for (const [{ spec, whole }, { tuples }] of entries) {
      const taken = spec.unique && tuples.some((tuple) => [...(whole.get(tuple) ?? [])].some((other) => other !== id));
      if (taken) throw duplicateOf(spec, document);
    }
    for (const [{ whole, first }, { tuples, firsts }] of entries) {
      for (const tuple of tuples) add(whole, tuple, id);
      for (const value of firsts) add(first, value, id);
    }
  }

  #leave(id: string, document: Fields): void {
    for (const { spec, whole, first } of this.#indexes.values()) {
      const { tuples, firsts } = entriesOf(spec, document);
      for (const tuple of tuples) whole.get(tuple)?.delete(id);
      for (const value of firsts) first.get(value)?.delete(id);
    }
  }
}

function add(entries: Map<string, Set<string>>, key: string, id: string): void {
  const ids = entries.get(key);
  if (ids) ids.add(id);
  else entries.set(key, new Set([id]));
}

function entriesOf({ key, sparse, partialFilterExpression }: IndexSpec, document: Fields): { tuples: string[]; firsts: string[] } {
  if (partialFilterExpression && !new Query(partialFilterExpression).test(document)) return { tuples: [], firsts: [] };
  const columns = Object.keys(key).map((path) => valuesAt(document, path.split(".")));
  if (sparse && columns.every((values) => values.length === 0)) return { tuples: [], firsts: [] };
  const whole = columns.map((values) => (values.length === 0 ? [null] : values));
  const tuples = whole.reduce<unknown[][]>((made, values) => made.flatMap((tuple) => values.map((value) => [...tuple, value])), [[]]);
  return { tuples: tuples.map(textOf), firsts: (whole[0] ?? []).map(textOf) };
}

function duplicateOf({ name, key }: IndexSpec, document: Fields): CommandError {
  const keyValue = Object.fromEntries(Object.keys(key).map((path) => [path, valuesAt(document, path.split("."))[0] ?? null]));
  const message = `E11000 duplicate key error collection index: ${name} dup key: ${EJSON.stringify(keyValue)}`;
  return new CommandError(11000, message, { keyPattern: key, keyValue });
}

/** `document` after the update: operators, stages, or another document in its place. */
function changed(document: Fields, { filter, update, arrayFilters }: UpdateSpec): Fields {
  if (!Array.isArray(update) && !isOperators(update)) {
    const kept: Fields = Object.hasOwn(document, "_id") ? { _id: document["_id"] } : {};
    return { ...kept, ...update };
  }
  if (Array.isArray(update)) return new Aggregator(update).run<Fields>([document])[0] ?? document;
  const operators = Object.fromEntries(Object.entries(update).filter(([name]) => name !== "$setOnInsert"));
  // What mingo refuses and a real server takes: an `_id` that is set to what it is.
  const set = Object.entries(operators["$set"] ?? {}).filter(
    ([path, value]) => path !== "_id" || textOf(value) !== textOf(document["_id"]),
  );
  if (operators["$set"]) operators["$set"] = Object.fromEntries(set);
  updateOne([document], filter, operators, { cloneMode: "deep", ...(arrayFilters && { arrayFilters }) });
  return document;
}

/** What a new document has of the filter that found none. */
function seedOf(filter: Fields): Fields {
  const seed: Fields = {};
  for (const [path, condition] of Object.entries(filter)) {
    if (path === "$and" && Array.isArray(condition)) for (const part of condition) Object.assign(seed, seedOf(part));
    const value = path.startsWith("$") ? undefined : equalityOf(condition);
    // Not by an update: it may not set an `_id`.
    if (path === "_id") seed["_id"] = value;
    else if (value !== undefined) updateOne([seed], {}, { $set: { [path]: value } });
  }
  return seed;
}
