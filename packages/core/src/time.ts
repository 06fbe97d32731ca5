/** Lengths of time with their unit in the type, and the clock that everything reads. @module */

declare const unit: unique symbol;

/** A length of time in milliseconds. Make one with {@link seconds}, {@link minutes}, {@link hours} or {@link days}. */
export type Duration = number & { readonly [unit]: "milliseconds" };

const durationOf = (milliseconds: number): Duration => {
  if (!Number.isFinite(milliseconds) || milliseconds < 0) {
    throw new RangeError(`a duration is a finite number that is not negative, not ${milliseconds}`);
  }
  // The brand exists only in the types: this is the one place that gives it.
  return Math.round(milliseconds) as Duration;
};

export const seconds = (count: number): Duration => durationOf(count * 1000);
export const minutes = (count: number): Duration => durationOf(count * 60_000);
export const hours = (count: number): Duration => durationOf(count * 3_600_000);
export const days = (count: number): Duration => durationOf(count * 86_400_000);

/** What stands in the place of a duration in plain JavaScript may be anything. Zero is no length of time that anything can last. */
export const isDuration = (value: unknown): value is Duration => typeof value === "number" && Number.isFinite(value) && value > 0;

/** Tells the time. Tests hand in one that they move by hand. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

/** The moment that lies `duration` after `moment`. */
export const after = (moment: Date, duration: Duration): Date => new Date(moment.getTime() + duration);

/** The moment that lies `duration` before `moment`. */
export const before = (moment: Date, duration: Duration): Date => new Date(moment.getTime() - duration);
