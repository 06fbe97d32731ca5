/** What has just been ended, so that a slow request does not bring it back. @module */

const MOST = 10_000;

/** Bounded, the oldest go first. */
export class Tombstones {
  readonly #keys = new Set<string>();

  add(key: string): void {
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > MOST && oldest !== undefined) this.#keys.delete(oldest);
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }
}
