/** Limits: how often something may be done, by whom, in which time. @module */
import type { CountOperations } from "./capabilities/counting.ts";
import { digest } from "./keys.ts";
import type { Clock, Duration } from "./time.ts";

/** What a limit counts by; `"everybody"`: all uses together. */
export type LimitedBy = "network" | "subject" | "destination" | "everybody";

export interface Limit {
  /** `module/what/by`; what an application names it by to change it. */
  readonly name: string;
  readonly by: LimitedBy;
  readonly max: number;
  readonly per: Duration;
}

/** An application's own figures for limits, by name. */
export type LimitOptions = Readonly<Record<string, { readonly max: number; readonly per: Duration }>>;

/** Admitted, or refused until `retryAfter` seconds have passed. */
export type Admission = { readonly admitted: true } | { readonly admitted: false; readonly retryAfter: number };

export class Limiter {
  readonly #counts: CountOperations;
  readonly #clock: Clock;

  constructor(counts: CountOperations, clock: Clock) {
    this.#counts = counts;
    this.#clock = clock;
  }

  /** Counts one use, before the thing is done, and says whether it may be. */
  async use(limit: Limit, who: string): Promise<Admission> {
    const now = this.#clock.now();
    const { admitted, resetsAt } = await this.#counts.countUse(keyOf(limit, who), limit.max, limit.per, now);
    return admitted ? { admitted } : { admitted, retryAfter: Math.max(1, Math.ceil((resetsAt.getTime() - now.getTime()) / 1000)) };
  }

  /** Takes one use back that turned out well. */
  takeBack(limit: Limit, who: string): Promise<void> {
    return this.#counts.takeBackUse(keyOf(limit, who), this.#clock.now());
  }

  forget(limit: Limit, who: string): Promise<void> {
    return this.#counts.forgetUses(keyOf(limit, who));
  }
}

const keyOf = (limit: Limit, who: string): string => `${limit.name}:${who.length > 100 ? digest("limit", who) : who}`;

interface Window {
  count: number;
  readonly endsAt: number;
}

/** Counters of one process, for storers that have none. Bounded: when it is full, the windows that end soonest go first. */
export function memoryCounts(most = 100_000): CountOperations {
  const windows = new Map<string, Window>();
  const live = (key: string, now: Date): Window | undefined => {
    const window = windows.get(key);
    return window && window.endsAt > now.getTime() ? window : undefined;
  };
  const makeRoom = (now: Date): void => {
    if (windows.size < most) return;
    for (const [key, window] of windows) if (window.endsAt <= now.getTime()) windows.delete(key);
    const excess = windows.size - most + 1;
    if (excess <= 0) return;
    const soonest = [...windows].sort(([, one], [, other]) => one.endsAt - other.endsAt).slice(0, Math.max(excess, most / 10));
    for (const [key] of soonest) windows.delete(key);
  };
  return {
    async countUse(key, limit, windowMs, now) {
      let window = live(key, now);
      if (!window) {
        makeRoom(now);
        window = { count: 0, endsAt: now.getTime() + windowMs };
        windows.set(key, window);
      }
      // Only what was admitted is counted, so that a use that is taken back makes room for another, however many were refused meanwhile.
      const admitted = window.count < limit;
      if (admitted) window.count += 1;
      return { admitted, resetsAt: new Date(window.endsAt) };
    },
    async takeBackUse(key, now) {
      const window = live(key, now);
      if (window) window.count = Math.max(0, window.count - 1);
    },
    async forgetUses(key) {
      windows.delete(key);
    },
  };
}
