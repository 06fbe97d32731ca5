/**
 * The seam for browser sessions. A session is a random id in a cookie, and what the application keeps under it. It does not say who is signed in: that is in the storer's
 * sign-in rows, which are keyed by a hash of the session id. @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerStorer } from "../capabilities/server-storer.ts";
import type { Logger } from "../logger.ts";
import type { Random } from "../random.ts";
import type { Clock, Duration } from "../time.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** What a session adapter needs to know of the gate. */
export interface SessionSetup {
  /** The whole name of the cookie, prefix included. */
  readonly cookieName: string;
  /** Whether the site is reached over TLS: the cookie is then `Secure` and may be named `__Host-`. */
  readonly secure: boolean;
  /** How long a session may be kept: as long as the longest sign-in. */
  readonly lifetime: Duration;
  readonly development: boolean;
  readonly storer: ServerStorer;
  readonly random: Random;
  readonly clock: Clock;
  readonly logger: Logger;
  /** To be told when the application itself destroys or regenerates the session `id`: whoever was signed in under it is so no more. */
  readonly ended: (id: string) => Promise<void>;
}

export interface SessionAdapter {
  /** What is wrong with the adapter's own options, each with its mend. */
  problems(setup: Pick<SessionSetup, "development" | "storer">): readonly string[];
  start(setup: SessionSetup): Sessions;
}

/** Every failure of the underlying store rejects; it is never "no session". */
export interface Sessions {
  /** The whole name of the session's cookie. */
  readonly cookieName: string;
  /** The session id that the request's cookie holds and our signature vouches for, without asking any store. `null` for none. */
  idOf(req: IncomingMessage): string | null;
  /** Makes `req.session` available to the application, loading it only if it must. Called once for each request. */
  attach(req: IncomingMessage, res: ServerResponse): void | Promise<void>;
  /**
   * Loads the session, making a new one if need be. Nothing is stored until something is put. A session that the store has lost begins anew under the id that
   * the browser holds: another one would sign out whoever is signed in by it. One that was ended does not.
   */
  open(req: IncomingMessage, res: ServerResponse): Promise<Session>;
  close?(): Promise<void>;
}

/** One browser's session, loaded. What is put can be read back at once. */
export interface Session {
  readonly id: string;
  get(key: string): JsonValue | undefined;
  put(key: string, value: JsonValue): void;
  delete(key: string): void;
  /** Writes the session now and sees to its cookie. */
  save(): Promise<void>;
  /** Destroys this session and answers a new, empty one with another id, taking along the application's keys in `keep`. */
  regenerate(keep: readonly string[]): Promise<Session>;
  /** Destroys this session and its cookie; with `keep` and something to keep, a new one takes its place. */
  destroy(keep: readonly string[]): Promise<void>;
}
