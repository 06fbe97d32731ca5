/** A clock that stands still until a test moves it. @module */
import { after, type Clock, type Duration } from "@castellan/core";

export interface ManualClock extends Clock {
  /** Moves the time on. */
  advance(duration: Duration): void;
  /** Sets the time, back too. */
  set(moment: Date): void;
}

const START = "2026-01-01T00:00:00.000Z";

/** Makes a clock that shows `start`. @default 2026-01-01T00:00:00.000Z */
export function manualClock(start: Date = new Date(START)): ManualClock {
  let current = new Date(start);
  return {
    now: () => new Date(current),
    advance: (duration) => {
      current = after(current, duration);
    },
    set: (moment) => {
      current = new Date(moment);
    },
  };
}
