/** Keeps the tables and the file the same: what an operation has answered is on the disk. @module */
import { Unavailable } from "@castellan/core";
import { fill, textOf, watchedTables } from "./document.ts";
import type { Operation, Tables } from "./tables/tables.ts";

/** Where the document lies: a seam, so that a disk can fail in a test. */
export interface Place {
  readonly name: string;
  write(text: string): Promise<void>;
}

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
  /** Why nothing is answered; `null` while the file is ours. */
  #shut: string | null = "not open yet: call ready()";

  constructor(place: Place) {
    this.#place = place;
  }

  /** Begins with what the file holds; `null` where there is none. Throws a `ConfigError` for what is none of ours. */
  open(text: string | null): void {
    if (text !== null) {
      fill(this.tables, text, this.#place.name);
      this.#written = text;
    }
    this.#decided = this.#durable;
    this.#shut = null;
  }

  /** Decides at once, and answers when everything that was decided so far is on the disk: its own change, and those that it may have seen. */
  readonly operation: Operation =
    (_, body) =>
    async (...given) => {
      if (this.#shut !== null) throw new Unavailable(`the file ${this.#place.name} is ${this.#shut}`);
      const answer = structuredClone(body(...structuredClone(given)));
      await this.#settled();
      return answer;
    };

  /** Takes nothing more, and writes what is left. */
  async close(): Promise<void> {
    this.#shut = "closed";
    await this.#settled();
  }

  /** From now on nothing is answered and nothing written: somebody else may have the file. */
  abandon(): void {
    this.#shut = "not ours any more: another process has taken it";
  }

  /** All who wait while one write is under way share the next. */
  async #settled(): Promise<void> {
    const target = this.#decided;
    while (this.#durable < target) {
      this.#writing ??= this.#write();
      await this.#writing;
    }
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
