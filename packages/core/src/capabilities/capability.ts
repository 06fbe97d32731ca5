/**
 * Capabilities: how a module says which user fields and storer operations it needs, as a type for the
 * compiler and as a value for the check at start-up, so that the two cannot drift apart. @module
 */
import type { User } from "../users.ts";
import type { ServerStorer } from "./server-storer.ts";

/** Says whether a value is of the right kind. `undefined` never is: it means that somebody forgot a column. */
export interface FieldCheck {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
}

const check = (expected: string, accepts: (value: unknown) => boolean): FieldCheck => ({ expected, accepts });
const isText = (value: unknown): value is string => typeof value === "string";
const isDate = (value: unknown): boolean => value instanceof Date && !Number.isNaN(value.getTime());
const isTextRecord = (value: unknown): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.values(value).every(isText);

export const text: FieldCheck = check("a non-empty string", (value) => isText(value) && value !== "");
export const nullableText: FieldCheck = check("a string or null", (value) => value === null || isText(value));
export const wholeNumber: FieldCheck = check("a whole number, not negative", (value) => Number.isSafeInteger(value) && Number(value) >= 0);
export const nullableDate: FieldCheck = check("a Date or null", (value) => value === null || isDate(value));
export const textRecord: FieldCheck = check("an object whose values are strings", isTextRecord);

/** The fields that a capability adds to the user, each with its check. */
type FieldChecks<U extends User> = { readonly [F in Exclude<keyof U, keyof User> & string]: FieldCheck };

/** A capability as a value: what the start-up check and the check of each loaded user go by. */
export interface Capability<U extends User = User, Operations = unknown> {
  readonly name: string;
  readonly user: Readonly<Record<string, FieldCheck>>;
  readonly operations: readonly string[];
  /** Carries the types; never set. */
  readonly types?: { readonly user: U; readonly operations: Operations };
}

/**
 * The storer that a module needs: its users have the fields of `U`, and it has the operations of `Operations`.
 * Combine two capabilities by `Needs<A & B, OperationsA & OperationsB>`; intersecting two storers would
 * overload `load` and lose the second user type.
 */
export type Needs<U extends User, Operations = unknown> = ServerStorer<U> & Operations;

/**
 * Makes a capability. The compiler insists that `parts` lists every field of `U` and every operation, and nothing else.
 */
export function defineCapability<U extends User, Operations>(
  name: string,
  parts: {
    readonly user: FieldChecks<U>;
    readonly operations: { readonly [Name in keyof Operations & string]: true };
  },
): Capability<U, Operations> {
  return { name, user: parts.user, operations: Object.keys(parts.operations) };
}

/** What `storer` lacks for `capability`, each as a sentence that says the mend. Empty when nothing. */
export function missingFrom(storer: unknown, capability: Capability): string[] {
  // The storer may come from plain JavaScript, where nothing was checked before.
  const has = (storer ?? {}) as Record<string, unknown>;
  const fields = new Set(Array.isArray(has["userFields"]) ? has["userFields"] : []);
  const problems: string[] = [];
  for (const operation of capability.operations) {
    if (typeof has[operation] !== "function") {
      problems.push(`the storer has no operation \`${operation}\` (capability "${capability.name}"): add it`);
    }
  }
  for (const [field, { expected }] of Object.entries(capability.user)) {
    if (!fields.has(field)) {
      problems.push(
        `the storer's users have no field \`${field}\` (capability "${capability.name}"): load it as ${expected} and list it in \`userFields\``,
      );
    }
  }
  return problems;
}

/** Whether `storer` has everything of `capability`. Narrows, so that an optional capability can be used where it exists. */
export function meets<U extends User, Operations>(
  storer: ServerStorer<User>,
  capability: Capability<U, Operations>,
): storer is Needs<U, Operations> {
  return missingFrom(storer, capability).length === 0;
}
