/** What etcd's errors mean. @module */
import { Unavailable } from "@castellan/core";
import { NoAnswer } from "./http.ts";

/** The server has answered that it does not do it. The numbers are those of gRPC. */
export class Refused extends Error {
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.name = "Refused";
    this.code = code;
  }
}

/** A value that etcd would not take. The caller's mistake, not the world's. */
export class TooLarge extends RangeError {}

export const CODES = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  failedPrecondition: 9,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Our token ran out, or users were changed since it was given: nothing was done, and a new one may do. */
export const isTokenOver = (error: unknown): boolean =>
  error instanceof Refused && (error.code === CODES.unauthenticated || error.message.includes("revision of auth store is old"));

/** This server cannot at the moment; another one may. Whether it has done what it was asked, nobody knows. */
export const isElsewhereBetter = (error: unknown): boolean =>
  error instanceof NoAnswer || (error instanceof Refused && (error.code === CODES.unavailable || error.code === CODES.deadlineExceeded));

export function refusalOf(status: number, body: string): Refused {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null) {
      const { error, message, code } = parsed as Partial<Record<"error" | "message" | "code", unknown>>; // just looked at
      const words = typeof message === "string" && message !== "" ? message : error;
      if (typeof words === "string") return new Refused(words, typeof code === "number" ? code : CODES.unavailable);
    }
  } catch {
    // Not etcd, or one that is half way down: told by its status.
  }
  return new Refused(`status ${status}`, CODES.unavailable);
}

const MENDS: readonly (readonly [RegExp, string])[] = [
  [/database space exceeded/, ": its quota is used up: compact and defragment it, then disarm the alarm"],
  [/permission denied/, ": the user's role needs readwrite on the prefix"],
];

/** What is thrown, for the log: never with a key or a value in it. */
export function failure(error: unknown): Unavailable {
  const message = error instanceof Error ? error.message : String(error);
  const mend = MENDS.find(([words]) => words.test(message))?.[1] ?? "";
  const isBusy = error instanceof Refused && /too many requests/.test(message);
  return new Unavailable(`etcd failed: ${message}${mend}`, { cause: error, ...(isBusy && { reason: "busy", retryAfter: 1 }) });
}
