/**
 * Keys and values, and the transactions that decide. @module
 *
 * `decide` reads, computes, and writes in one transaction whose compares are everything that was read: it is done only if none of that has changed meanwhile, else all begins anew.
 */
import { Unavailable } from "@castellan/core";
import type { Client } from "./client/client.ts";
import { failure, TooLarge } from "./client/failures.ts";
import { base64, type Compare, MOST_OPERATIONS, type Operation, type TxnResponse, textOf, type WireEntry } from "./client/wire.ts";
import type { Span } from "./keys.ts";
import { Lanes } from "./lanes.ts";

/** What stands under a key. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
}

/** All keys that begin with a text which ends with a slash. */
export interface Range {
  readonly prefix: string;
}

/** A change, made with others in one transaction. */
export type Change =
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  | { readonly kind: "remove"; readonly from: string; readonly to: string | null };

export const put = (key: string, value: string): Change => ({ kind: "put", key, value });
export const remove = (key: string): Change => ({ kind: "remove", from: key, to: null });
/** All keys of a range, but for `except`, which is one of them. */
export function removeAll({ prefix }: Range, except: string | null = null): Change[] {
  const end = endOf(prefix);
  if (except === null) return [{ kind: "remove", from: prefix, to: end }];
  return [
    { kind: "remove", from: prefix, to: except },
    // The first key after it.
    { kind: "remove", from: `${except}\0`, to: end },
  ];
}

/** "0" comes after "/". */
const endOf = (prefix: string): string => `${prefix.slice(0, -1)}0`;

/** What must be so, beside what was read. */
export type Condition =
  | { readonly key: string; readonly is: "there" }
  | { readonly key: string; readonly is: "absent" }
  | { readonly key: string; readonly is: "equal"; readonly value: string };

/** What an operation sees of the store, and what it wants changed in it. */
export interface View {
  /** What stands under these keys, `null` for nothing, all of one moment. */
  get(...keys: readonly string[]): Promise<readonly (Entry | null)[]>;
  /** The first of a range, by their keys, and what stands under `keys`, of one moment. What is added to the range meanwhile is not noticed. */
  list(
    range: Range,
    limit: number,
    ...keys: readonly string[]
  ): Promise<{ readonly listed: readonly Entry[]; readonly got: readonly (Entry | null)[] }>;
  change(...changes: readonly Change[]): void;
}

/** How many rows one request answers at most. */
const PAGE = 500;

/** Only other processes can make one lose: each time one of them has won. */
const TRIES = 60;
/** From this try on it waits a little, longer each time. */
const PATIENT_TRIES = 4;
const LONGEST_WAIT_MS = 50;

export interface StoreSettings {
  readonly timeout: number;
  readonly onQuery: (name: string) => void;
}

interface Seen {
  readonly entries: readonly (Entry | null)[];
  readonly listed: readonly Entry[];
}

export class Store {
  readonly #client: Client;
  readonly #onQuery: (name: string) => void;
  readonly #lanes: Lanes;

  constructor(client: Client, { timeout, onQuery }: StoreSettings) {
    this.#client = client;
    this.#onQuery = onQuery;
    this.#lanes = new Lanes(timeout);
  }

  async get(...keys: readonly string[]): Promise<readonly (Entry | null)[]> {
    return (await this.#see(keys, null, 0, new Map())).entries;
  }

  /** The first of a range, by their keys, and what stands under `keys`, of one moment. */
  async list(
    range: Range,
    limit: number,
    ...keys: readonly string[]
  ): Promise<{ readonly listed: readonly Entry[]; readonly got: readonly (Entry | null)[] }> {
    const { listed, entries } = await this.#see(keys, range, limit, new Map());
    return { listed, got: entries };
  }

  /** All of a range, a page after another, by their keys. */
  async listAll(range: Range): Promise<readonly Entry[]> {
    const all: Entry[] = [];
    let span: Span = { from: range.prefix, to: endOf(range.prefix) };
    for (;;) {
      const page = await this.between(span, PAGE);
      all.push(...page);
      const last = page.at(-1);
      if (!last || page.length < PAGE) return all;
      span = { from: `${last.key}\0`, to: span.to };
    }
  }

  /** The first of a span, by their keys. */
  async between({ from, to }: Span, limit: number): Promise<readonly Entry[]> {
    const range = { key: base64(from), range_end: base64(to), limit: String(limit) };
    const { responses = [] } = await this.#txn("list", [], [{ requestRange: range }]);
    return (responses[0]?.response_range?.kvs ?? []).map(entryOf);
  }

  /** Makes the changes in one transaction, if all conditions hold. Answers for each how many keys it removed; `null` when nothing was done. */
  async change(conditions: readonly Condition[], ...changes: readonly Change[]): Promise<readonly number[] | null> {
    return this.#write(conditions.map(compareOf), changes);
  }

  /** For what several transactions do, one after another. */
  inLane<T>(lane: string, work: () => Promise<T>): Promise<T> {
    return this.#lanes.run(lane, work);
  }

  /** `lane` names the row that this is about. `work` is run again for as long as others win, and must do nothing but look and decide. */
  decide<T>(lane: string, work: (view: View) => Promise<T>): Promise<T> {
    return this.#lanes.run(lane, async () => {
      for (let tries = 1; tries <= TRIES; tries += 1) {
        const revisions = new Map<string, string>();
        const changes: Change[] = [];
        const answer = await work({
          get: async (...keys) => (await this.#see(keys, null, 0, revisions)).entries,
          list: async (range, limit, ...keys) => {
            const { listed, entries } = await this.#see(keys, range, limit, revisions);
            return { listed, got: entries };
          },
          change: (...more) => {
            changes.push(...more);
          },
        });
        if (changes.length === 0) return answer;
        const compares = [...revisions].map(
          ([key, revision]): Compare => ({ key, target: "MOD", result: "EQUAL", mod_revision: revision }),
        );
        if (await this.#write(compares, changes)) return answer;
        await waitAfter(tries);
      }
      throw new Unavailable(`etcd failed: others won ${TRIES} times`, { reason: "busy", retryAfter: 1 });
    });
  }

  async #see(keys: readonly string[], range: Range | null, limit: number, revisions: Map<string, string>): Promise<Seen> {
    const asked: Operation[] = keys.map((key) => ({ requestRange: { key: base64(key) } }));
    if (range) asked.push({ requestRange: { key: base64(range.prefix), range_end: base64(endOf(range.prefix)), limit: String(limit) } });
    const { responses = [] } = await this.#txn(range ? "list" : "read", [], asked);
    const found = responses.map(({ response_range }) => response_range?.kvs ?? []);
    const note = (key: string, revision: string) => {
      const before = revisions.get(key);
      // Of two looks the earlier one counts: what has changed between them has changed.
      if (before === undefined) revisions.set(key, revision);
    };
    const entries = keys.map((key, index) => {
      const entry = found[index]?.[0];
      note(base64(key), entry?.mod_revision ?? "0");
      return entry ? entryOf(entry) : null;
    });
    const listed = range ? (found[keys.length] ?? []) : [];
    for (const { key, mod_revision } of listed) note(key, mod_revision);
    return { entries, listed: listed.map(entryOf) };
  }

  async #write(compare: readonly Compare[], changes: readonly Change[]): Promise<readonly number[] | null> {
    const { succeeded = false, responses = [] } = await this.#txn("write", compare, changes.map(operationOf));
    return succeeded ? responses.map(({ response_delete_range }) => Number(response_delete_range?.deleted ?? 0)) : null;
  }

  async #txn(name: string, compare: readonly Compare[], success: readonly Operation[]): Promise<TxnResponse> {
    if (Math.max(compare.length, success.length) > MOST_OPERATIONS)
      throw new TooLarge(`etcd takes at most ${MOST_OPERATIONS} operations at once`);
    this.#onQuery(name);
    try {
      return await this.#client.txn({ compare, success });
    } catch (error) {
      if (error instanceof TooLarge) throw error;
      throw failure(error);
    }
  }
}

const entryOf = ({ key, value = "", create_revision }: WireEntry): Entry => ({
  key: textOf(key),
  value: textOf(value),
  createRevision: Number(create_revision),
});

function operationOf(change: Change): Operation {
  if (change.kind === "put") return { requestPut: { key: base64(change.key), value: base64(change.value) } };
  return { requestDeleteRange: { key: base64(change.from), ...(change.to !== null && { range_end: base64(change.to) }) } };
}

function compareOf(condition: Condition): Compare {
  const key = base64(condition.key);
  if (condition.is === "equal") return { key, target: "VALUE", result: "EQUAL", value: base64(condition.value) };
  return { key, target: "VERSION", result: condition.is === "there" ? "GREATER" : "EQUAL", version: "0" };
}

/** Processes that wait alike would meet again: each has its own step. It need not be chance, only another number. */
const STEP_MS = 1 + (process.pid % 7) / 4;

async function waitAfter(tries: number): Promise<void> {
  if (tries < PATIENT_TRIES) return;
  const milliseconds = Math.min(LONGEST_WAIT_MS, STEP_MS * 2 ** (tries - PATIENT_TRIES));
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
