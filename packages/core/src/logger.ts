/** The seam for logging, and the wrapper that keeps secrets and line breaks out of every log. @module */

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const SECRET_NAME = /pass|secret|token|code|cookie|authorization|hash|otp|key|csrf|session/i;
const LONGEST = 500;

/** Control characters (C0, DEL, C1) and the line separators of Unicode: whatever could begin a new line or steer a terminal. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

const clean = (text: string): string => {
  const printable = text.slice(0, LONGEST).replace(UNPRINTABLE, escaped);
  return text.length > LONGEST ? `${printable}…` : printable;
};

function redact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return clean(value);
  if (typeof value === "bigint") return String(value); // JSON has no such number, and a log must never throw
  if (value instanceof Error) return describeError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date || typeof value !== "object" || value === null) return value;
  if (depth > 3) return "…";
  if (Array.isArray(value)) return value.slice(0, 20).map((item) => redact(item, depth + 1));
  return redactFields(value, depth + 1);
}

const redactFields = (fields: object, depth: number): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [clean(name), SECRET_NAME.test(name) ? "[redacted]" : redact(value, depth)]),
  );

/** An error as plain fields. Its stack names places in the code, not values, so it may stay. */
function describeError(error: Error, depth: number): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  // Whoever threw it may have put anything in their place.
  const frames = (typeof stack === "string" ? stack : undefined)
    ?.split("\n")
    .filter((line) => line.startsWith("    at "))
    .slice(0, 8)
    .map((line) => line.trim());
  return {
    name: clean(String(name)),
    message: typeof message === "string" ? clean(message) : redact(message, depth + 1),
    ...(frames && { frames }),
    ...(cause !== undefined && depth < 3 && { cause: redact(cause, depth + 1) }),
  };
}

/** The fields redacted, or that they are past reading: a getter may throw, and what happened is to be told all the same. */
function readable(fields: LogFields): LogFields {
  try {
    return redactFields(fields, 0);
  } catch {
    return { fields: "could not be read" };
  }
}

/** A log that cannot be written must not take a request with it, let alone the process. */
function writing(write: () => void): void {
  try {
    write();
  } catch {
    // There is no other log to tell it to.
  }
}

/** Wraps a logger so that fields with a telling name are redacted and no text can forge a line. */
export function redacting(logger: Logger): Logger {
  const line =
    (level: keyof Logger) =>
    (message: string, fields: LogFields = {}): void =>
      writing(() => logger[level](clean(message), readable(fields)));
  return { info: line("info"), warn: line("warn"), error: line("error") };
}

/** One JSON line per message on standard error (RFC 8259). */
export const jsonLogger = (write: (line: string) => void, clock: { now(): Date }): Logger => {
  const line =
    (level: keyof Logger) =>
    (message: string, fields: LogFields = {}): void =>
      write(`${JSON.stringify({ time: clock.now().toISOString(), level, message, ...fields })}\n`);
  return { info: line("info"), warn: line("warn"), error: line("error") };
};
