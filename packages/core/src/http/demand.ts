/** What is wrong with the options of `require()`: in plain JavaScript a slip of the pen would let everybody pass. @module */
import { ConfigError } from "../errors.ts";
import type { RequireOptions } from "../gate-types.ts";
import { isDuration } from "../time.ts";

const CHECKS: {
  readonly [Name in keyof Required<RequireOptions>]: { readonly must: string; readonly holds: (value: unknown) => boolean };
} = {
  level: { must: 'be "half" or "full"', holds: (value) => value === "half" || value === "full" },
  twoFactored: { must: "be true or false", holds: (value) => typeof value === "boolean" },
  factors: { must: 'list methods, for example ["totp"]', holds: (value) => isTexts(value) && value.length > 0 },
  within: { must: "be a duration, for example minutes(5)", holds: isDuration },
  respond: {
    must: 'be "redirect", "unauthorized" or "notFound"',
    holds: (value) => ["redirect", "unauthorized", "notFound"].includes(String(value)),
  },
  form: { must: 'name a path and fields, for example { at: "/transfer", preserve: ["to"] }', holds: isForm },
};

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string" && text !== "");
}

function isForm(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !("at" in value)) return false;
  const { at, preserve = [] } = value as { readonly at: unknown; readonly preserve?: unknown };
  return typeof at === "string" && at.startsWith("/") && isTexts(preserve);
}

/** Throws a {@link ConfigError} that names all of it. */
export function checkDemand(options: RequireOptions): void {
  const problems = Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (!Object.hasOwn(CHECKS, name)) return [`require: there is no option \`${name}\`; there are ${Object.keys(CHECKS).join(", ")}`];
    const { must, holds } = CHECKS[name as keyof RequireOptions];
    return holds(value) ? [] : [`require: \`${name}\` must ${must}`];
  });
  if (problems.length > 0) throw new ConfigError(problems);
}
