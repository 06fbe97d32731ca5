/** The tables as one JSON text, and back. @module */
import { ConfigError } from "@castellan/core";
import { emptyTables, type Tables } from "./tables/tables.ts";

/** The form of the document. A change of what the tables hold is a new one, with a step from the one before. */
const VERSION = 1;

interface Document {
  readonly castellan: number;
  readonly tables: Readonly<Record<string, readonly (readonly [string, unknown])[]>>;
}

/** A Date as JSON. No text can be taken for one: the profile of a user holds texts, and this is a number. */
const MOMENT = "$date";

const isMoment = (value: unknown): value is { readonly [MOMENT]: number } =>
  typeof value === "object" && value !== null && MOMENT in value && typeof value[MOMENT] === "number";

/** JSON asks a Date for its text before a replacer sees it: so the object that holds it is looked at. */
function withMoments(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const own = this[key];
  return own instanceof Date ? { [MOMENT]: own.getTime() } : value;
}

/** One row a line, so that a person can read it and a difference shows what has changed. */
export function textOf(tables: Tables): string {
  const parts = Object.entries(tables).map(([name, table]: [string, Map<string, unknown>]) => {
    const rows = [...table].map((row) => JSON.stringify(row, withMoments));
    return `${JSON.stringify(name)}: [${rows.length > 0 ? `\n${rows.join(",\n")}\n` : ""}]`;
  });
  return `{"castellan": ${VERSION}, "tables": {\n${parts.join(",\n")}\n}}\n`;
}

/** Puts what `text` says into `tables`, in the place of what they hold. Throws a {@link ConfigError} for a text that is none of ours. */
export function fill(tables: Tables, text: string, file: string): void {
  const { castellan, tables: given } = parse(text, file);
  if (castellan !== VERSION) {
    throw new ConfigError([
      `storer-file: ${file} is of version ${castellan}, and this version of @castellan/storer-file knows ${VERSION}: install the one that wrote it`,
    ]);
  }
  for (const [name, table] of Object.entries(tables) as [string, Map<string, unknown>][]) {
    table.clear();
    for (const [key, row] of given[name] ?? []) table.set(key, row);
  }
}

function parse(text: string, file: string): Document {
  const mend = `put a backup in its place, or move it away to begin anew`;
  try {
    const document: unknown = JSON.parse(text, (_, value: unknown) => (isMoment(value) ? new Date(value[MOMENT]) : value));
    if (isDocument(document)) return document;
  } catch (error) {
    throw new ConfigError([`storer-file: ${file} is no whole JSON document (${error instanceof Error ? error.message : error}): ${mend}`]);
  }
  throw new ConfigError([`storer-file: ${file} holds no document of Castellan: name another file, or ${mend}`]);
}

const isRow = (row: unknown): boolean =>
  Array.isArray(row) && row.length === 2 && typeof row[0] === "string" && typeof row[1] === "object" && row[1] !== null;

function isDocument(document: unknown): document is Document {
  if (typeof document !== "object" || document === null || !("castellan" in document) || !("tables" in document)) return false;
  const { castellan, tables } = document;
  const isTables =
    typeof tables === "object" && tables !== null && Object.values(tables).every((rows) => Array.isArray(rows) && rows.every(isRow));
  return typeof castellan === "number" && isTables;
}

/** Tables that say when they were changed. */
export function watchedTables(changed: () => void): Tables {
  const tables = emptyTables();
  for (const table of Object.values(tables) as Map<string, unknown>[]) {
    const { set, delete: remove } = Map.prototype;
    Object.defineProperties(table, {
      set: {
        value(key: string, row: unknown) {
          changed();
          return set.call(table, key, row);
        },
      },
      delete: {
        value(key: string) {
          const was = remove.call(table, key);
          if (was) changed();
          return was;
        },
      },
    });
  }
  return tables;
}
