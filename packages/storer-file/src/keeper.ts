/** Keeps the tables and the file the same: what an operation has answered is on the disk. @module */
import { Unavailable } from "@castellan/core";
import { fill, textOf, watchedTables } from "./document.ts";
import { emptyTables, type Operation, type Tables } from "./tables/tables.ts";

/** Where the document lies: a seam, so that a disk can fail in a test. */
export interface Place {
  readonly name: string;
  /** Throws `Unavailable` unless it is sure that nobody else has it. */
  check(): void;
  write(text: string): Promise<void>;
}

const LOST = "not ours any more: another process has taken it";

export class Keeper {
  readonly tables: Tables = watchedTables(() => {
    this.#decided += 1;
  });
  readonly #place: Place;
  /** What the file holds: what the tables go back to when a write fails. */
  #written = textOf(this.tables);
  /** How many changes were decided, and how many of them are on the disk. */
  #decided = 0;
  #durable = 0;
  #writing: Promise<void> | null = null;
  /** Why nothing is asked of it; `null` while the file is ours. */
  #shut: string | null = "not open yet: call ready()";
  /** Somebody else may have the file. */
  #isLost = false;

  constructor(place: Place) {
    this.#place = place;
  }

  /** Begins with what the file holds; `null` where there is none. Throws a `ConfigError` for what is none of ours. */
  open(text: string | null): void {
    this.#written = text ?? textOf(emptyTables());
    fill(this.tables, this.#written, this.#place.name);
    this.#decided = this.#durable;
    this.#shut = null;
    this.#isLost = false;
  }

  /** Decides at once, and answers when everything that was decided so far is on the disk: its own change, and those that it may have seen. */
  readonly operation: Operation =
    (_, body) =>
    async (...given) => {
      if (this.#shut !== null) throw this.#refusal(this.#shut);
      this.#place.check();
      const answer = structuredClone(body(...structuredClone(given)));
      await this.#settled();
      return answer;
    };

  /** Takes nothing more, and writes what is left. */
  async close(): Promise<void> {
    this.#shut ??= "closed";
    if (!this.#isLost) return this.#settled();
    // What is under way cannot be called back; it is waited for, and followed by nothing.
    await this.#writing?.catch(() => {});
  }

  /** From now on nothing is answered and nothing written, neither what waits: somebody else may have the file. */
  abandon(): void {
    this.#isLost = true;
    this.#shut = LOST;
  }

  #refusal(why: string): Unavailable {
    return new Unavailable(`the file ${this.#place.name} is ${why}`);
  }

  /** All who wait while one write is under way share the next. */
  async #settled(): Promise<void> {
    const target = this.#decided;
    while (this.#durable < target && !this.#isLost) {
      this.#writing ??= this.#write();
      await this.#writing;
    }
    // Also what was written meanwhile: the other one may have written over it.
    if (this.#isLost) throw this.#refusal(LOST);
  }

  async #write(): Promise<void> {
    const [text, decided] = [textOf(this.tables), this.#decided];
    try {
      await this.#place.write(text);
      this.#written = text;
      this.#durable = decided;
    } catch (error) {
      // Nobody was told of what is lost here: the tables go back to what the file holds, and whoever waits is refused.
      fill(this.tables, this.#written, this.#place.name);
      this.#decided = this.#durable;
      throw new Unavailable(`the file ${this.#place.name} could not be written: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    } finally {
      this.#writing = null;
    }
  }
}
