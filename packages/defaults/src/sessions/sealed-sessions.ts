/** Browser sessions without a store: what the application keeps lies sealed in the cookie itself. @module */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
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
  wantsJson,
} from "@castellan/core";
import onHeaders from "on-headers";
import { isForEverybody, keepOutOfCaches } from "./caches.ts";
import { holdAnswer, type Instead } from "./held-answer.ts";
import { CookieSealer } from "./sealed-cookie.ts";
import { Tombstones } from "./tombstones.ts";

export interface SealedSessionsOptions {
  /** Seals the session cookie; the first one seals, all of them open. Each at least 32 random bytes. */
  readonly secret: string | readonly string[];
  /** How long a session may go unseen. @default as long as the session may be kept */
  readonly idle?: Duration;
  /** How long a session may be kept. @default as long as the longest sign-in */
  readonly lifetime?: Duration;
}

const ID_BYTES = 32;
/** The most that the application may keep, as JSON. The rest of the 4,096 bytes is the suite's: who signs in must not be kept out by what lies in the session. */
const MOST_BYTES = 2_500;

/**
 * Sessions in sealed cookies: nothing is stored and nobody is asked. `req.session` is a plain object of 2,500 bytes of JSON at most; `req.session = null` ends it. Who is signed in stands in the storer's rows
 * all the same, so that a sign-out is final. What the application keeps here is not: a browser can bring an older cookie back, so keep nothing in it that must not be had twice.
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
      const sealer = new CookieSealer({ purpose: "session", name, keys: secrets, idle: options.idle ?? lifetime, lifetime, clock, random });
      return new SealedSessions(setup, sealer);
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
  /** Of the application's, as JSON, what goes on being kept when what it puts now cannot be. */
  kept: string;
  /** What the browser has, as JSON; `null` for nothing. */
  sent: string | null;
  /** The cookie is older than it should be. */
  isDue: boolean;
  hasComplained: boolean;
}

const NOTHING = { id: null, own: {}, kept: "{}" } as const satisfies Partial<State>;
const isEmpty = ({ data, own }: State): boolean => Object.keys(data ?? {}).length === 0 && Object.keys(own).length === 0;
const picked = (from: Values, keep: readonly string[]): Values =>
  Object.fromEntries(keep.flatMap((key) => (Object.hasOwn(from, key) ? [[key, from[key] ?? null]] : [])));

class SealedSessions implements Sessions {
  readonly cookieName: string;
  readonly #setup: SessionSetup;
  readonly #sealer: CookieSealer;
  readonly #states = new WeakMap<IncomingMessage, State>();
  readonly #watched = new WeakSet<ServerResponse>();
  /** Ids that were ended or left behind here: a request that was under way then must not put the browser back there. */
  readonly #over = new Tombstones();

  constructor(setup: SessionSetup, sealer: CookieSealer) {
    this.cookieName = setup.cookieName;
    this.#setup = setup;
    this.#sealer = sealer;
  }

  idOf(req: IncomingMessage): string | null {
    if (readCookie(req.headers.cookie, this.cookieName) === null) return null;
    const { id, sent } = this.#stateOf(req);
    return sent === null ? null : id;
  }

  attach(req: IncomingMessage, res: ServerResponse): void {
    // Whoever has no cookie and is not looked at costs no more than this.
    if (this.idOf(req) !== null) this.#watch(req, res);
    // The application has a session of its own there.
    if (Object.hasOwn(req, "session")) return;
    Object.defineProperty(req, "session", {
      configurable: true,
      enumerable: true,
      get: () => this.#watch(req, res).data,
      set: (value: unknown) => {
        const state = this.#watch(req, res);
        // The application's own: what it puts is what it gets back at the next request, as JSON.
        if (value !== null && value !== undefined) state.data = { ...(value as Values) };
        else this.#endByApplication(state, req, res);
      },
    });
  }

  async open(req: IncomingMessage, res: ServerResponse): Promise<Session> {
    return this.#session(this.#watch(req, res), res);
  }

  #session(state: State, res: ServerResponse): Session {
    state.data ??= {};
    state.id ??= this.#newId();
    return {
      id: state.id,
      get: (key) => state.own[key],
      put(key, value) {
        state.own[key] = value;
      },
      delete(key) {
        delete state.own[key];
      },
      save: async () => this.#write(state, res),
      regenerate: async (keep) => {
        this.#renew(state, keep);
        return this.#session(state, res);
      },
      destroy: async (keep) => {
        this.#renew(state, keep);
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
    const [id, data, own] = (sealed?.content ?? []) as [string?, Values?, Values?]; // sealed by `#write`
    const state: State = {
      ...NOTHING,
      issuedAt: this.#setup.clock.now(),
      data: {},
      own: {},
      sent: null,
      isDue: false,
      hasComplained: false,
    };
    if (value === null || !sealed || !id || !data || !own || this.#over.has(id)) return state;
    const kept = JSON.stringify(data);
    const isDue = this.#sealer.isDue(value, sealed);
    return { ...state, id, issuedAt: sealed.issuedAt, data, own, kept, isDue, sent: contentOf(id, kept, own) };
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
          // The answer is on its way: what could not be written is not kept, and somebody should know.
          this.#setup.logger.error("a session could not be written", { error });
        }
      });
    }
    return state;
  }

  #newId(): string {
    return randomText(this.#setup.random, ID_BYTES);
  }

  /** Leaves the session behind, but for the application's keys in `keep`. Another one begins with what is put. */
  #renew(state: State, keep: readonly string[]): void {
    if (state.id !== null) this.#over.add(state.id);
    const kept = JSON.stringify(picked(JSON.parse(state.kept), keep));
    Object.assign(state, {
      ...NOTHING,
      issuedAt: this.#setup.clock.now(),
      data: picked(state.data ?? {}, keep),
      own: {},
      kept,
    } satisfies Partial<State>);
  }

  /** Whoever was signed in under it is so no more, which the answer waits for. */
  #endByApplication(state: State, req: IncomingMessage, res: ServerResponse): void {
    const { id } = state;
    Object.assign(state, { ...NOTHING, data: null, own: {} } satisfies Partial<State>);
    if (id === null) return;
    const ended = this.#setup.ended(id).then(() => this.#over.add(id));
    holdAnswer(res, ended, (error, instead) => {
      this.#setup.logger.error("a sign-in could not be ended with its session", { error });
      // The browser keeps what it has, and can try again.
      Object.assign(state, { data: null, sent: null } satisfies Partial<State>);
      this.#refuse(req, res, instead);
    });
  }

  #refuse(req: IncomingMessage, res: ServerResponse, instead: Instead): void {
    if (res.headersSent) return void res.destroy();
    const others = [res.getHeader("set-cookie") ?? []].flat().map(String);
    for (const name of res.getHeaderNames())
      if (/^(?:content-(?!security-policy).*|etag|last-modified|location|set-cookie)$/.test(name)) res.removeHeader(name);
    const lines = others.filter((line) => !line.startsWith(`${this.cookieName}=`));
    if (lines.length > 0) res.setHeader("set-cookie", lines);
    res.statusCode = 503;
    res.statusMessage = STATUS_CODES[503] ?? "";
    res.setHeader("cache-control", "no-store");
    const isJson = wantsJson(req);
    res.setHeader("content-type", isJson ? "application/json; charset=utf-8" : "text/plain; charset=utf-8");
    instead(isJson ? JSON.stringify({ status: "failure", reason: "unavailable" }) : "Service unavailable");
  }

  /** Puts the cookie on the answer, where the browser has another one. */
  #write(state: State, res: ServerResponse): void {
    if (state.id !== null && this.#over.has(state.id)) return;
    if (state.data === null || isEmpty(state)) {
      // An empty one that goes on under its id is written, so that what was in it is gone.
      if (state.sent === null) return;
      if (state.data === null || state.id === null) {
        state.sent = null;
        return this.#send(res, "", 0);
      }
    }
    state.id ??= this.#newId();
    const kept = this.#fitting(state);
    const text = contentOf(state.id, kept, state.own);
    // What is for everybody is no place to send somebody's cookie anew: the next answer is.
    if (text === state.sent && (!state.isDue || isForEverybody(res))) return;
    const value = this.#sealer.seal(text, state.issuedAt);
    if (value !== null) return this.#sendContent(state, res, kept, value);
    this.#complain(state, "what the suite keeps needs the place");
    const bare = this.#sealer.seal(contentOf(state.id, NOTHING.kept, state.own), state.issuedAt);
    if (bare === null) throw new RangeError("what the modules keep in a session is more than a cookie holds");
    this.#sendContent(state, res, NOTHING.kept, bare);
  }

  #sendContent(state: State, res: ServerResponse, kept: string, value: string): void {
    this.#send(res, value);
    Object.assign(state, { kept, sent: contentOf(String(state.id), kept, state.own), isDue: false } satisfies Partial<State>);
  }

  #send(res: ServerResponse, value: string, maxAge?: number): void {
    const { cookieName: name } = this;
    setCookie(res, name, cookieLine(name, value, { secure: this.#setup.secure, ...(maxAge !== undefined && { maxAge }) }));
    keepOutOfCaches(res);
  }

  /** What the application keeps, as JSON; what it kept before where that cannot be. */
  #fitting(state: State): string {
    const { data, kept } = state;
    let problem: string;
    try {
      const text = JSON.stringify(data) ?? "";
      const bytes = Buffer.byteLength(text);
      if (text === kept || (text.startsWith("{") && bytes <= MOST_BYTES)) return text;
      problem = text.startsWith("{") ? `it has ${bytes} bytes, and ${MOST_BYTES} are kept` : "it is no object as JSON";
    } catch (error) {
      problem = `it is no JSON: ${error instanceof Error ? error.message : "it cannot be read"}`;
    }
    this.#complain(state, problem);
    return kept;
  }

  /** Neither an answer nor a sign-in fails by what cannot be kept, but somebody should know. */
  #complain(state: State, problem: string): void {
    if (!state.hasComplained)
      this.#setup.logger.error(`a session could not be written: ${problem}. Put less into req.session, or keep it on the server`);
    state.hasComplained = true;
  }
}

const contentOf = (id: string, kept: string, own: Values): string => `[${JSON.stringify(id)},${kept},${JSON.stringify(own)}]`;
