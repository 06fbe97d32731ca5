/** What may become part of a filter or an update: a value is compared or stored, and never read as an operator. @module */

/** A caller in plain JavaScript handed in something of the wrong kind. The caller's mistake, not the world's. */
export class WrongParameter extends TypeError {}

const kindOf = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "an array" : typeof value);

/** Text with half a character in it would equal other such text on its way back. */
export function text(value: unknown): string {
  if (typeof value !== "string") throw new WrongParameter(`a value must be a string, not ${kindOf(value)}`);
  if (!value.isWellFormed()) throw new WrongParameter("a text to store must be well-formed Unicode");
  return value;
}

export const textOrNull = (value: unknown): string | null => (value === null ? null : text(value));

export function texts(values: unknown): string[] {
  if (!Array.isArray(values)) throw new WrongParameter(`a value must be an array of strings, not ${kindOf(values)}`);
  return values.map(text);
}

export function whole(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new WrongParameter(`a value must be a whole number, not ${kindOf(value)}`);
  return Number(value);
}

/** A moment of its own: the caller's may be written to while the command waits for a connection. */
export function moment(value: unknown): Date {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw new WrongParameter(`a value must be a Date, not ${kindOf(value)}`);
  return new Date(value.getTime());
}

export const later = (now: Date, milliseconds: number): Date => moment(new Date(now.getTime() + milliseconds));

/** Equal to this very text. An object in its place, `{ $gt: "" }` say, is refused and never asked. */
export function is<Text extends string>(value: Text): { $eq: Text } {
  text(value);
  return { $eq: value };
}
export const isNot = (value: string): { $ne: string } => ({ $ne: text(value) });
export const isOrNull = (value: string | null): { $eq: string | null } => ({ $eq: textOrNull(value) });
export const isNumber = (value: number): { $eq: number } => ({ $eq: whole(value) });
export const isAt = (value: Date): { $eq: Date } => ({ $eq: moment(value) });
export const after = (now: Date): { $gt: Date } => ({ $gt: moment(now) });
export const by = (now: Date): { $lte: Date } => ({ $lte: moment(now) });
/** Also where nothing is stored. */
export const IS_NULL: { readonly $eq: null } = { $eq: null };
export const IS_NOT_NULL: { readonly $ne: null } = { $ne: null };
