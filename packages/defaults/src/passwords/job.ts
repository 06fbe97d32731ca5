/** What passes between the hasher and its worker threads. @module */
import type { Comparison, Making } from "./scheme.ts";

/** A piece of work for a thread. `password` is handed over, not copied: after posting, the bytes are gone on the sending side. */
export type Job =
  | { readonly kind: "hash"; readonly password: Uint8Array<ArrayBuffer>; readonly making: Making }
  /** Every comparison is made; the first one decides, the others are there for the time they take. */
  | { readonly kind: "verify"; readonly password: Uint8Array<ArrayBuffer>; readonly comparisons: readonly Comparison[] };

/** What a thread answers. `missing` names a package that could not be loaded. */
export type Answer = { readonly value: string | boolean } | { readonly missing: string } | { readonly failed: string };
