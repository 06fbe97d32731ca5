/** Browser sessions without a store: what the application keeps lies sealed in the cookie itself. @module */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  cookieLine,
  type Duration,
  isDuration,
  type JsonValue,
  problemsOfKeys,
  randomText,
  readCookie,
  type Session,
  type SessionAdapter,
  type SessionSetup,
  type Sessions,
  setCookie,
} from "@castellan/core";
import onHeaders from "on-headers";
import { CookieSealer } from "./sealed-cookie.ts";

export interface SealedSessionsOptions {
  /** Seals the session cookie; the first one seals, all of them open. Each at least 32 random bytes. */
  readonly secret: string | readonly string[];
  /** How long a session may go unseen. @default as long as the session may be kept */
  readonly idle?: Duration;
  /** How long a session may be kept. @default as long as the longest sign-in */
  readonly lifetime?: Duration;
}

const ID_BYTES = 32;

/**
 * Sessions in sealed cookies: nothing is stored and nobody is asked. `req.session` is a plain object of some 2,500 bytes at most; `req.session = null` ends it. Who is signed in stands in the storer's rows all
 * the same, so that a sign-out is final. What the application keeps here is not: a browser can bring an older cookie back, so keep nothing in it that must not be had twice.
 */
export function sealedSessions(options: SealedSessionsOptions): SessionAdapter {
  const secrets = [options?.secret ?? []].flat();
  return {
    problems() {
      const problems = problemsOfKeys("sessions: secret", secrets);
      for (const name of ["idle", "lifetime"] as const) {
        if (options?.[name] !== undefined && !isDuration(options[name]))
          problems.push(`sessions: \`${name}\` must be a duration, for example hours(2)`);
      }
      return problems;
    },
    start(setup) {
      const lifetime = options.lifetime ?? setup.lifetime;
      const { cookieName: name, clock, random } = setup;
      return new SealedSessions(setup, new CookieSealer({ name, keys: secrets, idle: options.idle ?? lifetime, lifetime, clock, random }));
    },
  };
}

type Values = Record<string, JsonValue>;

/** One request's session. */
interface State {
  /** `null` while nothing is kept. */
  id: string | null;
  issuedAt: Date;
  /** What the application keeps; `null` once it has ended the session. */
  data: Values | null;
  /** What the suite keeps. */
  own: Values;
  /** What the browser has, as JSON; `null` for nothing. */
  sent: string | null;
  /** The cookie is older than it should be. */
  isDue: boolean;
}

const textOf = ({ id, data, own }: State): string => JSON.stringify([id, data, own]);
const isEmpty = ({ data, own }: State): boolean => Object.keys(data ?? {}).length === 0 && Object.keys(own).length === 0;

class SealedSessions implements Sessions {
  readonly cookieName: string;
  readonly #setup: SessionSetup;
  readonly #sealer: CookieSealer;
  readonly #states = new WeakMap<IncomingMessage, State>();

  constructor(setup: SessionSetup, sealer: CookieSealer) {
    this.cookieName = setup.cookieName;
    this.#setup = setup;
    this.#sealer = sealer;
  }

  idOf(req: IncomingMessage): string | null {
    return readCookie(req.headers.cookie, this.cookieName) === null ? null : this.#stateOf(req).id;
  }

  attach(req: IncomingMessage, res: ServerResponse): void {
    // The application has a session of its own there.
    if (Object.hasOwn(req, "session")) return;
    // Whoever has no cookie and is not looked at costs no more than this.
    const look = (): State => this.#watch(req, res);
    Object.defineProperty(req, "session", {
      configurable: true,
      enumerable: true,
      get: () => look().data,
      set: (value: unknown) => {
        const state = look();
        if (value === null || value === undefined) this.#end(state, true);
        // The application's own: what it puts is what it gets back at the next request, as JSON.
        else state.data = { ...(value as Values) };
      },
    });
    if (this.idOf(req) !== null) look();
  }

  async open(req: IncomingMessage, res: ServerResponse): Promise<Session> {
    return this.#session(this.#watch(req, res), res);
  }

  #session(state: State, res: ServerResponse): Session {
    if (state.id === null || state.data === null) this.#renew(state, {});
    const picked = (keep: readonly string[]): Values =>
      Object.fromEntries(keep.flatMap((key) => (state.data && Object.hasOwn(state.data, key) ? [[key, state.data[key] ?? null]] : [])));
    return {
      id: String(state.id),
      get: (key) => state.own[key],
      put(key, value) {
        state.own[key] = value;
      },
      delete(key) {
        delete state.own[key];
      },
      save: async () => this.#write(state, res),
      regenerate: async (keep) => {
        this.#renew(state, picked(keep));
        return this.#session(state, res);
      },
      destroy: async (keep) => {
        const values = picked(keep);
        if (Object.keys(values).length > 0) this.#renew(state, values);
        else this.#end(state, false);
        this.#write(state, res);
      },
    };
  }

  #stateOf(req: IncomingMessage): State {
    const known = this.#states.get(req);
    if (known) return known;
    const state = this.#read(req);
    this.#states.set(req, state);
    return state;
  }

  #read(req: IncomingMessage): State {
    const value = readCookie(req.headers.cookie, this.cookieName);
    const sealed = this.#sealer.open(value);
    if (value === null || sealed === null)
      return { id: null, issuedAt: this.#setup.clock.now(), data: {}, own: {}, sent: null, isDue: false };
    const [id, data, own] = sealed.content as [string, Values, Values]; // sealed by `#write`
    const state: State = { id, issuedAt: sealed.issuedAt, data, own, sent: null, isDue: this.#sealer.isDue(value, sealed) };
    state.sent = textOf(state);
    return state;
  }

  /** The state, whose changes go out with the answer. */
  #watch(req: IncomingMessage, res: ServerResponse): State {
    const state = this.#stateOf(req);
    if (!this.#watched.has(res)) {
      this.#watched.add(res);
      onHeaders(res, () => {
        try {
          this.#write(state, res);
        } catch (error) {
          // The answer is on its way: what was too large is not kept, and somebody should know.
          this.#setup.logger.error("a session could not be written", { error });
        }
      });
    }
    return state;
  }
  readonly #watched = new WeakSet<ServerResponse>();

  #renew(state: State, data: Values): void {
    Object.assign(state, {
      id: randomText(this.#setup.random, ID_BYTES),
      issuedAt: this.#setup.clock.now(),
      data,
      own: {},
    } satisfies Partial<State>);
  }

  /** `byApplication`: then whoever was signed in under it is so no more. */
  #end(state: State, byApplication: boolean): void {
    const { id } = state;
    Object.assign(state, { id: null, data: null, own: {} } satisfies Partial<State>);
    if (byApplication && id !== null)
      this.#setup.ended(id).catch((error: unknown) => this.#setup.logger.error("a sign-in could not be ended with its session", { error }));
  }

  /** Puts the cookie on the answer, where the browser has another one. */
  #write(state: State, res: ServerResponse): void {
    const { cookieName: name } = this;
    const { secure, random } = this.#setup;
    if (state.data === null) {
      if (state.sent !== null) setCookie(res, name, cookieLine(name, "", { secure, maxAge: 0 }));
      state.sent = null;
      return;
    }
    if (state.sent === null && isEmpty(state)) return;
    state.id ??= randomText(random, ID_BYTES);
    const text = textOf(state);
    if (text === state.sent && !state.isDue) return;
    setCookie(res, name, cookieLine(name, this.#sealer.seal(JSON.parse(text), state.issuedAt), { secure }));
    state.sent = text;
    state.isDue = false;
  }
}
