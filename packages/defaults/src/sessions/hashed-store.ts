/** Lets any express-session store hold hashes of session ids instead of the ids: a dump of it opens nothing. @module */
import { type Clock, type Duration, digest, minutes, type SessionOperations } from "@castellan/core";
import session, { type SessionData } from "express-session";
import { Tombstones } from "./tombstones.ts";

type Done<Result = void> = (error?: unknown, result?: Result) => void;

export const storeKey = (sessionId: string): string => digest("session", sessionId);

/** A session is written for its expiry alone at most this often. */
const RENEW_AFTER = minutes(1);
const MOST_REMEMBERED = 10_000;

/**
 * Wraps a store: ids are hashed, a destroyed session is not written back by a request that was still under way, one that is only read is hardly ever written, and a
 * store that lost its connection answers with an error instead of with nothing.
 */
export class HashedStore extends session.Store {
  readonly #inner: session.Store;
  readonly #lifetime: Duration;
  readonly #clock: Clock;
  readonly #destroyed = new Tombstones();
  readonly #ended: (id: string) => Promise<void>;
  /** Sessions that the suite itself is ending right now. */
  readonly #ours = new Set<string>();
  /** When a session was last said to end, so that it is not written on each request. */
  readonly #ends = new Map<string, number>();
  #connected = true;

  /** `ended` is told of sessions that the application destroys or regenerates. */
  constructor(inner: session.Store, lifetime: Duration, clock: Clock, ended: (id: string) => Promise<void>) {
    super();
    this.#inner = inner;
    this.#lifetime = lifetime;
    this.#clock = clock;
    this.#ended = ended;
    // express-session goes on without a session while its store is away. Nobody must get in by that, so its events are not passed on.
    inner.on("disconnect", () => {
      this.#connected = false;
    });
    inner.on("connect", () => {
      this.#connected = true;
    });
  }

  override get(id: string, done: Done<SessionData | null>): void {
    if (!this.#connected) return done(disconnected());
    this.#inner.get(storeKey(id), (error: unknown, data?: SessionData | null) => {
      // Data of an ended one: a write that was under way when it was destroyed came after that.
      if (error || !data || this.hasEnded(id)) return done(error ?? null, null);
      this.#remember(storeKey(id), endOf(data));
      // The cookie ends with the browser session; only the store keeps a date.
      done(null, { ...data, cookie: { ...data.cookie, originalMaxAge: null, expires: null } });
    });
  }

  override set(id: string, data: SessionData, done: Done = () => {}): void {
    const key = storeKey(id);
    if (this.#destroyed.has(key)) return done();
    if (!this.#connected) return done(disconnected());
    const end = this.#endFromNow();
    this.#remember(key, end);
    this.#inner.set(key, this.#dated(data, end), done);
  }

  override touch(id: string, data: SessionData, done: Done = () => {}): void {
    const key = storeKey(id);
    if (this.#destroyed.has(key) || !this.#inner.touch) return done();
    const end = this.#endFromNow();
    if (end.getTime() - (this.#ends.get(key) ?? 0) < RENEW_AFTER) return done();
    this.#remember(key, end);
    this.#inner.touch(key, this.#dated(data, end), () => done());
  }

  override destroy(id: string, done: Done = () => {}): void {
    const key = storeKey(id);
    this.#destroyed.add(key);
    this.#ends.delete(key);
    const end = (): void => (this.#connected ? this.#inner.destroy(key, done) : done(disconnected()));
    if (this.#ours.has(id)) return end();
    // Who signs people out as users of express-session do means it: the cookie must not open anything any more.
    this.#ended(id).then(end, done);
  }

  /** Runs what destroys the session `id` for the suite, which knows itself who is signed in under it. */
  byUs(id: string, work: () => void): void {
    this.#ours.add(id);
    try {
      work();
    } finally {
      this.#ours.delete(id);
    }
  }

  /** Whether the session was destroyed here. Answers no for one of long ago. */
  hasEnded(id: string): boolean {
    return this.#destroyed.has(storeKey(id));
  }

  #endFromNow(): Date {
    return new Date(this.#clock.now().getTime() + this.#lifetime);
  }

  /** Stores take their expiry from the cookie. The one of the browser has none, so they would choose one of their own, shorter than a sign-in. */
  #dated(data: SessionData, expires: Date): SessionData {
    const plain: SessionData = JSON.parse(JSON.stringify(data));
    return { ...plain, cookie: { ...plain.cookie, originalMaxAge: this.#lifetime, expires } };
  }

  /** Many stores do not write the new end into what they give back, so the later one counts. */
  #remember(key: string, end: Date): void {
    if (this.#ends.size >= MOST_REMEMBERED) this.#ends.clear();
    this.#ends.set(key, Math.max(end.getTime(), this.#ends.get(key) ?? 0));
  }
}

const disconnected = (): Error => new Error("the session store is disconnected");
const endOf = ({ cookie }: SessionData): Date => new Date(cookie.expires ?? 0);

/** An express-session store over the session rows of a storer. Ids are hashed already when they come here. */
export class StorerStore extends session.Store {
  readonly #rows: SessionOperations;
  readonly #clock: Clock;

  constructor(rows: SessionOperations, clock: Clock) {
    super();
    this.#rows = rows;
    this.#clock = clock;
  }

  override get(key: string, done: Done<SessionData | null>): void {
    answer(
      () => this.#rows.loadSession(key, this.#clock.now()),
      (row) => {
        if (!row) return done(null, null);
        // Only `set` below writes these rows.
        const data = JSON.parse(row.data) as SessionData;
        done(null, { ...data, cookie: { ...data.cookie, expires: row.expiresAt } });
      },
      done,
    );
  }

  override set(key: string, data: SessionData, done: Done = () => {}): void {
    answer(
      () => this.#rows.saveSession(key, { data: JSON.stringify(data), expiresAt: endOf(data) }),
      () => done(),
      done,
    );
  }

  override touch(key: string, data: SessionData, done: Done = () => {}): void {
    answer(
      () => this.#rows.touchSession(key, endOf(data)),
      () => done(),
      done,
    );
  }

  override destroy(key: string, done: Done = () => {}): void {
    answer(
      () => this.#rows.destroySession(key),
      () => done(),
      done,
    );
  }
}

/** Hands on an answer in the same tick where it comes in the same tick. */
function answer<Result>(ask: () => Result | Promise<Result>, then: (result: Result) => void, fail: (error: unknown) => void): void {
  let result: Result | Promise<Result>;
  try {
    result = ask();
  } catch (error) {
    return fail(error);
  }
  if (result instanceof Promise) result.then(then, fail);
  else then(result);
}
