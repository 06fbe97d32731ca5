/** What etcd's JSON gateway takes and answers: the part of it that is used here. Keys and values are base64, 64-bit numbers are texts, and what is zero or false is left out. @module */

export type Compare =
  | { readonly key: string; readonly target: "MOD"; readonly result: "EQUAL"; readonly mod_revision: string }
  | { readonly key: string; readonly target: "VERSION"; readonly result: "EQUAL" | "GREATER"; readonly version: string }
  | { readonly key: string; readonly target: "VALUE"; readonly result: "EQUAL"; readonly value: string };

export interface RangeRequest {
  readonly key: string;
  readonly range_end?: string;
  readonly limit?: string;
}

export type Operation =
  | { readonly requestRange: RangeRequest }
  | { readonly requestPut: { readonly key: string; readonly value: string } }
  | { readonly requestDeleteRange: { readonly key: string; readonly range_end?: string } };

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly Operation[];
}

export interface WireEntry {
  readonly key: string;
  readonly value?: string;
  readonly create_revision: string;
  readonly mod_revision: string;
}

export interface TxnResponse {
  readonly succeeded?: boolean;
  readonly responses?: readonly {
    readonly response_range?: { readonly kvs?: readonly WireEntry[] };
    readonly response_delete_range?: { readonly deleted?: string };
  }[];
}

/** How many compares, and how many operations, one transaction has at most: the default of `--max-txn-ops`. */
export const MOST_OPERATIONS = 128;

/** How large one request may be, in bytes: the default of `--max-request-bytes` (1.5 MiB), less what surrounds keys and values. */
export const LARGEST_REQUEST = 1_500_000;

export const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");
export const textOf = (encoded: string): string => Buffer.from(encoded, "base64").toString("utf8");
