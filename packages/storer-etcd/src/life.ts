/** The storer's door, from opening to closing: operations that are under way when it is closed may finish, all steps of them; later ones are refused. @module */
import { Unavailable } from "@castellan/core";

export class Life {
  readonly #underWay = new Set<Promise<unknown>>();
  #isOver = false;

  /** The same operations, each watched. A wrong parameter is a rejection too, however early it is noticed. */
  watch<Operations extends object>(operations: Operations): Operations {
    const watched = Object.entries(operations).map(([name, operation]): [string, unknown] => [name, this.#watched(operation)]);
    // The same names with functions of the same parameters and answers.
    return Object.fromEntries(watched) as Operations;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#underWay);
  }

  #watched(operation: (...args: unknown[]) => unknown) {
    return async (...args: unknown[]): Promise<unknown> => {
      if (this.#isOver) throw new Unavailable("the etcd storer is closed");
      const own = copyOf(args);
      const work = (async () => operation(...own))();
      this.#underWay.add(work);
      try {
        return await work;
      } finally {
        this.#underWay.delete(work);
      }
    };
  }
}

/** An operation waits before it writes, and its caller may go on with what it gave. */
function copyOf(args: unknown[]): unknown[] {
  try {
    return structuredClone(args);
  } catch {
    throw new TypeError("what is stored or looked up by must be plain data");
  }
}
