/** A session store that counts, forgets, and answers at once or later. @module */
import session, { type SessionData } from "express-session";

type Done<Result = void> = (error?: unknown, result?: Result) => void;

export class CountingStore extends session.Store {
  readonly rows = new Map<string, string>();
  /** How often each operation was asked for. */
  readonly calls = { get: 0, set: 0, touch: 0, destroy: 0 };
  readonly #answersLater: boolean;

  constructor(answers: "at once" | "later") {
    super();
    this.#answersLater = answers === "later";
  }

  get writes(): number {
    return this.calls.set + this.calls.touch;
  }

  /** Loses everything, as a memory store does when the process begins anew. */
  forget(): void {
    this.rows.clear();
  }

  override get(id: string, done: Done<SessionData | null>): void {
    this.calls.get += 1;
    const text = this.rows.get(id);
    this.#answer(() => done(null, text === undefined ? null : JSON.parse(text)));
  }

  override set(id: string, data: SessionData, done: Done = () => {}): void {
    this.calls.set += 1;
    this.rows.set(id, JSON.stringify(data));
    this.#answer(() => done());
  }

  override touch(_id: string, _data: SessionData, done: Done = () => {}): void {
    this.calls.touch += 1;
    this.#answer(() => done());
  }

  override destroy(id: string, done: Done = () => {}): void {
    this.calls.destroy += 1;
    this.rows.delete(id);
    this.#answer(() => done());
  }

  #answer(done: () => void): void {
    if (this.#answersLater) setImmediate(done);
    else done();
  }
}
