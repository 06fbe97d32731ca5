/**
 * Those who want the same row wait for each other here, and not by losing against each other at the server: of fifty at once each would have to ask fifty times. Between processes the server decides alone. @module
 */
import { Unavailable } from "@castellan/core";

export class Lanes {
  /** The last one of each lane that somebody stands in. */
  readonly #tails = new Map<string, Promise<void>>();
  readonly #patienceMs: number;

  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  async run<T>(lane: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(lane);
    let leave = () => {};
    const mine = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const tail = before ? before.then(() => mine) : mine;
    this.#tails.set(lane, tail);
    try {
      if (before) await this.#patiently(before);
      return await work();
    } finally {
      leave();
      if (this.#tails.get(lane) === tail) this.#tails.delete(lane);
    }
  }

  async #patiently(before: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new Unavailable(`etcd failed: too many want the same row: ${this.#patienceMs} ms were not enough`, {
              reason: "busy",
              retryAfter: 1,
            }),
          ),
        this.#patienceMs,
      );
    });
    try {
      await Promise.race([before, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
