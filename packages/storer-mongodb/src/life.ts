/** From opening to closing: nothing is asked before the indexes are there, each operation within its time, and none after the end. @module */
import { type Duration, Unavailable } from "@castellan/core";
import { failure } from "./failures.ts";
import { WrongParameter } from "./values.ts";

/** What may take longer than one that a visitor waits for: it makes many steps. */
const PATIENT = new Set(["sweep", "claimMails"]);

/** What the caller writes to its values later is not our business, however many steps are still to come. */
function copyOf(args: unknown[]): unknown[] {
  try {
    return structuredClone(args);
  } catch {
    throw new WrongParameter("a value to store must be plain: a text, a number, a Date, or an object or array of such");
  }
}

export class Life {
  readonly #prepare: () => Promise<void>;
  readonly #timeout: Duration;
  readonly #underWay = new Set<Promise<unknown>>();
  #prepared: Promise<void> | null = null;
  #isOver = false;

  constructor(prepare: () => Promise<void>, timeout: Duration) {
    this.#prepare = prepare;
    this.#timeout = timeout;
  }

  /** Once for all operations; again after a failure. Without the indexes nothing would be unique, so no operation goes on without. */
  ready(): Promise<void> {
    return this.#guarded(() => this.#ready(), false);
  }

  /** The same operations, each watched. A wrong parameter is a rejection too, however early it is noticed. */
  watch<Operations extends object>(operations: Operations): Operations {
    const watched = Object.entries(operations).map(([name, operation]): [string, unknown] => [
      name,
      (...args: unknown[]) =>
        this.#guarded(async () => {
          const given = copyOf(args);
          await this.#ready();
          return operation(...given);
        }, !PATIENT.has(name)),
    ]);
    // The same names with functions of the same parameters and answers.
    return Object.fromEntries(watched) as Operations;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled(this.#underWay);
  }

  #ready(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = null;
      throw error;
    });
    return this.#prepared;
  }

  async #guarded<T>(work: () => Promise<T>, isBounded: boolean): Promise<T> {
    if (this.#isOver) throw new Unavailable("the MongoDB storer is closed");
    const running = isBounded ? this.#bounded(work()) : work();
    this.#underWay.add(running);
    try {
      return await running;
    } catch (error) {
      throw failure(error);
    } finally {
      this.#underWay.delete(running);
    }
  }

  /** What is late may have been done, or be done yet: as with a connection that breaks before the answer. */
  async #bounded<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${this.#timeout} ms`)), this.#timeout);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
