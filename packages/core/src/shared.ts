/** What several modules of one gate use together: made once a gate, by whoever asks first. @module */

/** A key to something shared. Make it once, with {@link defineShared}, and import it. */
export interface Shared<T> {
  readonly name: string;
  readonly make: () => T;
}

export const defineShared = <T>(name: string, make: () => T): Shared<T> => ({ name, make });

/** The shared things of one gate. */
export class SharedThings {
  readonly #made = new Map<Shared<unknown>, unknown>();

  get<T>(key: Shared<T>): T {
    if (!this.#made.has(key)) this.#made.set(key, key.make());
    // Only the line above writes, with this very key.
    return this.#made.get(key) as T;
  }
}
