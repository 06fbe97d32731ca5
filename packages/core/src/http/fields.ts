/** Form fields: declared once, read from any body, shown by any page. @module */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Problem } from "../pages/view.ts";

const LONGEST_FIELD = 1024;

interface FieldLook {
  /** What it is called in forms and JSON. @default its key in the set */
  readonly name?: string;
  /** Text key of the label. */
  readonly label: string;
  /** The `autocomplete` token of the HTML standard. */
  readonly autocomplete: string;
  /** Text key of a hint below the label. */
  readonly hint?: string;
}

export interface TextField extends FieldLook {
  readonly kind: "text";
  readonly type: "text" | "email" | "tel" | "url";
  readonly inputmode?: "email" | "numeric" | "tel" | "text" | "url";
  readonly required: boolean;
  /** Whether it is shown again after a problem. */
  readonly preserve: boolean;
  /** Checks, and may change, the text. Any Standard Schema: Zod, Valibot, ArkType. */
  readonly schema?: StandardSchemaV1<string, string>;
}

export interface SecretField extends FieldLook {
  readonly kind: "secret";
  readonly required: boolean;
}

export interface FlagField extends FieldLook {
  readonly kind: "flag";
  readonly preserve: boolean;
}

export type Field = TextField | SecretField | FlagField;
export type FieldSet = Readonly<Record<string, Field>>;

/** The fields of a set under the names that they have in forms and JSON. */
export const named = (fields: FieldSet): readonly (readonly [string, Field])[] =>
  Object.entries(fields).map(([key, field]) => [field.name ?? key, field]);

type Options<F extends Field, Needed extends keyof F> = Partial<Omit<F, "kind" | "required">> & Pick<F, Needed>;
/** Knows whether it must be filled in, so that its value is a string or may be `null`. */
type Requiring<F, Required> = F & { readonly required: Required };

/** A line of text. @default required, preserved, `autocomplete="off"` */
export const textField = <const Required extends boolean = true>(
  options: Options<TextField, "label"> & { readonly required?: Required },
): Requiring<TextField, Required> => ({
  kind: "text",
  type: "text",
  autocomplete: "off",
  preserve: true,
  ...options,
  required: requiredOf(options),
});

/** A password or a code: masked, never shown again. @default required */
export const secretField = <const Required extends boolean = true>(
  options: Options<SecretField, "label" | "autocomplete"> & { readonly required?: Required },
): Requiring<SecretField, Required> => ({ kind: "secret", ...options, required: requiredOf(options) });

// `true` is what `Required` stands for when nothing was said.
const requiredOf = <Required extends boolean>({ required }: { readonly required?: Required }): Required => required ?? (true as Required);

/** A box to tick. @default preserved */
export const flagField = (options: Partial<Omit<FlagField, "kind">> & Pick<FlagField, "label">): FlagField => ({
  kind: "flag",
  autocomplete: "off",
  preserve: true,
  ...options,
});

type ValueOf<F extends Field> = F extends FlagField ? boolean : F extends { readonly required: true } ? string : string | null;
export type ValuesOf<Fields extends FieldSet> = { readonly [Name in keyof Fields]: ValueOf<Fields[Name]> };

/** What a request sent, before anybody has looked at it. */
export type Body = ReadonlyMap<string, unknown>;

export type Answer<Values> =
  | { readonly ok: true; readonly values: Values; readonly preserved: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly preserved: Readonly<Record<string, string>> };

type FieldAnswer = { readonly value: string | boolean | null } | { readonly problem: Omit<Problem, "field"> };

const TICKED: ReadonlySet<unknown> = new Set([true, "true", "on", "1"]);
const UNTICKED: ReadonlySet<unknown> = new Set([undefined, null, false, "false", "off", "0", ""]);

function readFlag(raw: unknown): FieldAnswer {
  if (TICKED.has(raw)) return { value: true };
  if (UNTICKED.has(raw)) return { value: false };
  return { problem: { reason: "not_a_flag" } };
}

async function readText(field: TextField | SecretField, raw: unknown): Promise<FieldAnswer> {
  if (raw === undefined || raw === null || raw === "") return field.required ? { problem: { reason: "required" } } : { value: null };
  if (typeof raw !== "string") return { problem: { reason: "not_text" } };
  if (Buffer.byteLength(raw) > LONGEST_FIELD) return { problem: { reason: "too_long" } };
  if (raw.includes("\0") || !raw.isWellFormed()) return { problem: { reason: "not_text" } };
  if (field.kind === "text" && field.required && raw.trim() === "") return { problem: { reason: "required" } };
  if (field.kind !== "text" || !field.schema) return { value: raw };
  const result = await field.schema["~standard"].validate(raw);
  if (!result.issues) return { value: result.value };
  const [issue] = result.issues;
  return { problem: { reason: "invalid", ...(issue && { message: issue.message }) } };
}

/** What may be shown again: only text and flags that say so, and only if they were of the right kind. */
export function preservedOf(fields: FieldSet, body: Body): Record<string, string> {
  const preserved: Record<string, string> = {};
  for (const [name, field] of named(fields)) {
    const raw = body.get(name);
    if (field.kind === "secret" || !field.preserve) continue;
    if (field.kind === "flag") {
      if (TICKED.has(raw)) preserved[name] = "true";
    } else if (typeof raw === "string" && Buffer.byteLength(raw) <= LONGEST_FIELD && raw.isWellFormed()) {
      preserved[name] = raw.replaceAll("\0", "");
    }
  }
  return preserved;
}

/**
 * Reads the declared fields of a body and leaves everything else alone. Each must be a string of at most 1,024 bytes without NUL; an array, an object or a
 * number where a string belongs is a problem on that field.
 */
export async function readFields<const Fields extends FieldSet>(fields: Fields, body: Body): Promise<Answer<ValuesOf<Fields>>> {
  const problems: Problem[] = [];
  const values: Record<string, string | boolean | null> = {};
  for (const [key, field] of Object.entries(fields)) {
    const name = field.name ?? key;
    const answer = field.kind === "flag" ? readFlag(body.get(name)) : await readText(field, body.get(name));
    if ("problem" in answer) problems.push({ field: name, ...answer.problem });
    else values[key] = answer.value;
  }
  const preserved = preservedOf(fields, body);
  if (problems.length > 0) return { ok: false, problems, preserved };
  // Each key of `fields` got a value of its field's kind just above.
  return { ok: true, values: values as ValuesOf<Fields>, preserved };
}
