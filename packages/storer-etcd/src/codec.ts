/** Rows as texts, and back. What goes in is checked, since a caller may be plain JavaScript; what comes out too, since others may write into the same etcd. @module */
import { Unavailable } from "@castellan/core";
import { checkedText } from "./keys.ts";

export interface Codec<T> {
  /** Throws a `TypeError` for what is no `T`. */
  readonly write: (value: T) => unknown;
  /** Throws for what {@link write} did not write. */
  readonly read: (stored: unknown) => T;
}

class Unreadable extends Error {}

function sure(isRight: boolean): asserts isRight {
  if (!isRight) throw new Unreadable("a row is not as this storer writes it");
}

export const text: Codec<string> = {
  write: checkedText,
  read(stored) {
    sure(typeof stored === "string");
    return stored;
  },
};

export const number: Codec<number> = {
  write(value) {
    if (!Number.isFinite(value)) throw new TypeError(`a number to store must be finite, not ${String(value)}`);
    return value;
  },
  read(stored) {
    sure(typeof stored === "number");
    return stored;
  },
};

/** Milliseconds since 1970. */
export const millisecondsOf = (moment: Date): number => {
  if (!(moment instanceof Date) || Number.isNaN(moment.getTime())) throw new TypeError("a moment must be a valid Date");
  return moment.getTime();
};

export const time: Codec<Date> = {
  write: millisecondsOf,
  read: (stored) => new Date(number.read(stored)),
};

/** One of these texts. */
export const word = <const Words extends readonly string[]>(...words: Words): Codec<Words[number]> => ({
  write(value) {
    if (!words.includes(value)) throw new TypeError(`one of ${words.join(", ")} must be stored`);
    return value;
  },
  read(stored) {
    const found = words.find((one) => one === stored);
    sure(found !== undefined);
    return found;
  },
});

export const nullable = <T>({ write, read }: Codec<T>): Codec<T | null> => ({
  write: (value) => (value === null ? null : write(value)),
  read: (stored) => (stored === null ? null : read(stored)),
});

export const list = <T>({ write, read }: Codec<T>): Codec<readonly T[]> => ({
  write(values) {
    if (!Array.isArray(values)) throw new TypeError("a list to store must be an array");
    return values.map(write);
  },
  read(stored) {
    sure(Array.isArray(stored));
    return stored.map(read);
  },
});

export const texts: Codec<readonly string[]> = list(text);

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);

/** Texts by name. */
export const record: Codec<Readonly<Record<string, string>>> = {
  write(value) {
    if (!isObject(value)) throw new TypeError("a record to store must be an object");
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [checkedText(name), checkedText(one)]));
  },
  read(stored) {
    sure(isObject(stored));
    return Object.fromEntries(Object.entries(stored).map(([name, one]) => [name, text.read(one)]));
  },
};

/** An object of just these fields. */
export const fields = <T extends object>(codecs: { readonly [Field in keyof T]: Codec<T[Field]> }): Codec<T> => {
  // The fields of a type, which `Object.keys` forgets.
  const names = Object.keys(codecs) as (keyof T & string)[];
  return {
    write: (value) => Object.fromEntries(names.map((name) => [name, codecs[name].write(value[name])])),
    read(stored) {
      sure(isObject(stored));
      // Each field is read by its own codec, which knows `undefined` for wrong.
      return Object.fromEntries(names.map((name) => [name, codecs[name].read(Reflect.get(stored, name))])) as T;
    },
  };
};

export const stored = <T>({ write }: Codec<T>, value: T): string => JSON.stringify(write(value));

export function loaded<T>({ read }: Codec<T>, value: string): T {
  try {
    return read(JSON.parse(value));
  } catch (error) {
    // A failure is never "not found". The parser's own message would quote the row.
    throw new Unavailable("etcd failed: a row cannot be read", {
      cause: error instanceof Unreadable ? error : new Unreadable("a row is no JSON"),
    });
  }
}
