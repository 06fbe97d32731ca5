/** Browser sessions by express-session, run only when somebody looks. @module */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  meets,
  problemsOfKeys,
  randomText,
  readCookie,
  type Session,
  type SessionAdapter,
  type SessionSetup,
  type Sessions,
  sessionKeeping,
} from "@castellan/core";
import session from "express-session";
import onHeaders from "on-headers";
import { keepOutOfCaches, setsCookie } from "./caches.ts";
import { HashedStore, StorerStore } from "./hashed-store.ts";
import { type Carrier, loadedSession } from "./loaded-session.ts";

export interface ExpressSessionsOptions {
  /** Signs the session cookie; the first one signs, all of them are accepted. Each at least 32 random bytes. */
  readonly secret: string | readonly string[];
  /** Any store for express-session. It sees hashes of session ids only. @default the storer's own rows; memory in development where it has none */
  readonly store?: session.Store;
  /**
   * Whether to load the session of every request that brings a session cookie, so that `req.session` can be looked at. A store that answers in the same tick (SQLite)
   * is never asked before somebody looks. Without it, ask `await gate.session(req)`. @default true
   */
  readonly eager?: boolean;
}

const ID_BYTES = 32;
const MOST_VOUCHED_FOR = 1000;
const MISSING_STORE =
  "`sessions`: the storer keeps no sessions; give expressSessions a `store`, for example connect-redis (in development, memory would do)";

/** express-session underneath, mounted by the suite itself. */
export function expressSessions(options: ExpressSessionsOptions): SessionAdapter {
  const secrets = [options?.secret ?? []].flat();
  return {
    problems({ development, storer }) {
      const problems = problemsOfKeys("sessions: secret", secrets);
      if (!options?.store && !development && !meets(storer, sessionKeeping)) problems.push(MISSING_STORE);
      return problems;
    },
    start: (setup) => new ExpressSessions(secrets, options.store ?? storeOf(setup), options.eager ?? true, setup),
  };
}

const storeOf = ({ storer, clock }: SessionSetup): session.Store =>
  meets(storer, sessionKeeping) ? new StorerStore(storer, clock) : new session.MemoryStore();

/** Bound to the cookie's name: what one gate has signed is nothing to another one with the same secret, even over the same users. */
const secretOf = (secret: string, cookieName: string): string => createHmac("sha256", secret).update(cookieName).digest("base64url");

/** What this adapter keeps with a request. */
interface Loading {
  /** A view of the request that express-session works on, so that two gates on one request do not share a session. */
  readonly view: Carrier;
  readonly done: Promise<void>;
  isOver: boolean;
  failure: unknown;
}

const OWNER: unique symbol = Symbol("castellan.sessions");
type Request = IncomingMessage & { [OWNER]?: ExpressSessions; app?: { request: object }; res?: ServerResponse };

/** Request prototypes that have the accessors. Express makes one for each application. */
const prepared = new WeakSet<object>();

class ExpressSessions implements Sessions {
  readonly #keys: readonly KeyObject[];
  readonly cookieName: string;
  readonly #setup: SessionSetup;
  readonly #store: HashedStore;
  readonly #eager: boolean;
  readonly #run: (req: unknown, res: unknown, next: (error?: unknown) => void) => void;
  readonly #loadings = new WeakMap<IncomingMessage, Loading>();
  /** Cookies whose signature was right: it stays so, and says nothing of whether the session is alive. */
  readonly #vouchedFor = new Map<string, string>();
  #answersAtOnce: boolean | undefined;
  #warned = false;

  constructor(secrets: readonly string[], store: session.Store, eager: boolean, setup: SessionSetup) {
    this.cookieName = setup.cookieName;
    this.#setup = setup;
    this.#store = new HashedStore(store, setup.lifetime, setup.clock, setup.ended);
    this.#eager = eager;
    const own = secrets.map((secret) => secretOf(secret, setup.cookieName));
    this.#keys = own.map((secret) => createSecretKey(Buffer.from(secret)));
    // express-session reads and writes no more of a request than a view of it has.
    this.#run = session({
      name: setup.cookieName,
      secret: own,
      store: this.#store,
      genid: (req) => this.#newId(req),
      resave: false,
      saveUninitialized: false,
      rolling: false,
      // `rootUrl` says that people come over TLS; where a proxy ends it, that proxy says so.
      ...(setup.secure && { proxy: true }),
      cookie: { path: "/", httpOnly: true, sameSite: "lax", secure: setup.secure },
    }) as (req: unknown, res: unknown, next: (error?: unknown) => void) => void;
  }

  idOf(req: IncomingMessage): string | null {
    const raw = readCookie(req.headers.cookie, this.#setup.cookieName);
    // `s%3A` is how express-session marks a signed value, `s:` after decoding.
    if (raw === null || raw.length > 200 || !raw.startsWith("s%3A")) return null;
    const known = this.#vouchedFor.get(raw);
    if (known !== undefined) return known;
    const id = this.#verified(raw);
    if (id === null) return null;
    if (this.#vouchedFor.size >= MOST_VOUCHED_FOR) this.#vouchedFor.clear();
    this.#vouchedFor.set(raw, id);
    return id;
  }

  /** The id that one of our keys has signed. */
  #verified(raw: string): string | null {
    const dot = raw.indexOf(".", 4);
    if (dot < 0) return null;
    const id = raw.slice(4, dot);
    const given = Buffer.from(
      raw
        .slice(dot + 1)
        .replaceAll("%2B", "+")
        .replaceAll("%2F", "/"),
      "base64",
    );
    const signed = this.#keys.some((key) => {
      const right = createHmac("sha256", key).update(id).digest();
      return right.length === given.length && timingSafeEqual(right, given);
    });
    return signed ? id : null;
  }

  attach(req: Request, res: ServerResponse): Promise<void> | undefined {
    if (!req[OWNER]) {
      req[OWNER] = this;
      const prototype = req.app?.request;
      if (prototype && !prepared.has(prototype)) prepare(prototype);
    }
    if (this.#answersAtOnce || !this.#eager || this.idOf(req) === null) return undefined;
    return this.#load(req, res).done;
  }

  async open(req: Request, res: ServerResponse): Promise<Session> {
    const loading = this.#load(req, res);
    await loading.done;
    this.#warnOfMisfit(req);
    const { cookieName: name, secure } = this.#setup;
    return loadedSession(loading.view, res, { name, secure }, (id, work) => this.#store.byUs(id, work));
  }

  /** For the accessors: what is loaded, loading it now if that can be done in the same tick. */
  look(req: Request): Carrier {
    const known = this.#loadings.get(req);
    if (known) return known.view;
    if (!req.res) throw new Error("req.session needs Express: the request has no response");
    const { view, failure } = this.#load(req, req.res);
    if (view.session) return view;
    if (failure) throw failure;
    throw new Error("the session is not loaded: its store answers later. Ask `await gate.session(req)`, or leave `eager` on.");
  }

  #load(req: Request, res: ServerResponse): Loading {
    const known = this.#loadings.get(req);
    // A session that was destroyed in this request is not the end of it: the next one is a new one.
    if (known && (known.view.session || !known.isOver)) return known;
    const view: Carrier = Object.create(this.#bareOf(req));
    const { promise, resolve, reject } = deferred();
    const loading: Loading = { view, done: promise, isOver: false, failure: null };
    this.#loadings.set(req, loading);
    // What is registered first is called last: after express-session has set its cookie.
    onHeaders(res, () => {
      if (setsCookie(res, this.cookieName)) keepOutOfCaches(res);
    });
    this.#run(view, res, (error) => {
      // express-session calls again when it cannot write at the end of the answer, which is too late to tell anybody else.
      if (loading.isOver) return this.#setup.logger.error("a session could not be written", { error });
      loading.isOver = true;
      loading.failure = error;
      if (error) reject(error);
      else resolve();
    });
    if (this.idOf(req) !== null) this.#answersAtOnce = view.session !== undefined;
    promise.catch(() => {}); // whoever awaits it sees it; an accessor that did not wait throws by itself
    return loading;
  }

  /**
   * The request as if nobody had looked for a session before: another one, of the application's own, would be taken for ours. All that express-session sees of the
   * cookies is the one that {@link idOf} accepts, since another reading of the same header would be another session.
   */
  #bareOf(req: Request): object {
    const { cookieName } = this;
    const own = this.idOf(req) === null ? null : readCookie(req.headers.cookie, cookieName);
    const headers: unknown = Object.create(req.headers, { cookie: { value: own === null ? undefined : `${cookieName}=${own}` } });
    const nothing = { value: undefined, writable: true };
    // A cookie parser of the application may have left its own reading.
    const cookies = { headers: { value: headers }, cookies: nothing, signedCookies: nothing };
    // Of no interest, but express-session passes over a request for `*`.
    const originalUrl = { value: "/" };
    return Object.create(req, { session: nothing, sessionID: nothing, sessionStore: nothing, originalUrl, ...cookies });
  }

  /** For a session that its store has lost, the id that the browser holds: another one would sign out whoever is signed in by it. */
  #newId(view: unknown): string {
    // express-session asks with the view that it was given, whose headers hold our cookie only.
    const held = this.idOf(view as IncomingMessage);
    return held !== null && !this.#store.hasEnded(held) ? held : randomText(this.#setup.random, ID_BYTES);
  }

  /** A Secure cookie is not set on a request that looks like plain HTTP: without a word, people could never sign in. */
  #warnOfMisfit(req: Request): void {
    if (this.#warned || !this.#setup.secure || Reflect.get(req.socket ?? {}, "encrypted")) return;
    if (req.headers["x-forwarded-proto"]?.toString().split(",")[0]?.trim().toLowerCase() === "https") return;
    this.#warned = true;
    this.#setup.logger.warn(
      "rootUrl is https, but a request came over plain HTTP and without X-Forwarded-Proto: https. Its browser gets no cookie. Let the proxy set that header.",
    );
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let [resolve, reject]: [() => void, (error: unknown) => void] = [() => {}, () => {}];
  const promise = new Promise<void>((yes, no) => {
    [resolve, reject] = [yes, no];
  });
  return { promise, resolve, reject };
}

/** Puts accessors on an application's request prototype: a request that never looks at its session pays nothing. */
function prepare(prototype: object): void {
  prepared.add(prototype);
  for (const name of ["session", "sessionID", "sessionStore"] as const) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: true,
      get(this: Request) {
        return this[OWNER]?.look(this)[name];
      },
      set(this: Request, value: unknown) {
        if (this[OWNER]) Reflect.set(this[OWNER].look(this), name, value);
        else Object.defineProperty(this, name, { value, writable: true, configurable: true, enumerable: true });
      },
    });
  }
}
