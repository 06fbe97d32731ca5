/** One request as modules see it: what was sent, who is signed in, and the state that this request reads and writes. @module */
import type { Request, Response } from "express";
import type { Engine } from "../engine.ts";
import type { Flash } from "../pages/view.ts";
import { randomText } from "../random.ts";
import { type Current, refreshed, signInKey } from "../sign-ins.ts";
import { chooseLocale, type Translate, translator } from "../texts.ts";
import type { User } from "../users.ts";
import { type CookieAttributes, cookieLine, readCookie, setCookie } from "./cookies.ts";
import type { Body } from "./fields.ts";
import { wantsJson } from "./negotiation.ts";
import { networkOf } from "./network.ts";
import { safeTarget } from "./redirects.ts";
import type { JsonValue, Session } from "./sessions.ts";

const NO_FIELDS: Body = new Map();
const FLASH_SECONDS = 300;
const CSRF_BYTES = 24;
const SEPARATOR = ".";
const OF_SESSION = "session ";
const UNTRUSTED_PROXY =
  'a request came with X-Forwarded-For, which Express does not trust: if a proxy stands in front, say so (`app.set("trust proxy", 1)`). Until then all people behind it ' +
  "share one limit, and one of them can use it up for all.";

/** Session values of the suite and its modules. Loads the session when first asked. */
export interface SessionState {
  get(key: string): Promise<JsonValue | undefined>;
  put(key: string, value: JsonValue): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Cookies of the suite and its modules, sealed by the key ring; names get the gate's prefix. */
export interface CookieState {
  /** What was sealed into the cookie; `null` for a missing or tampered one. Sees what this request has put. */
  get(name: string): string | null;
  put(name: string, value: string, options?: Pick<CookieAttributes, "maxAge" | "sameSite">): void;
  delete(name: string): void;
}

export class Context<U extends User = User> {
  readonly req: Request;
  readonly res: Response;
  /** The fields of the body. Empty outside our own routes. */
  body: Body = NO_FIELDS;
  /** The user that `gate.require()` let in; what `gate.user(req)` answers. */
  admitted: Current<U> | null = null;
  /** Headers of the answer, in place of those that every answer of ours has. */
  readonly headers = new Map<string, string>();
  readonly #engine: Engine<U>;
  #sessionId: string | null | undefined;
  #session: Promise<Session> | undefined;
  #current: Promise<Current<U> | null> | undefined;
  #anonymousBinding: string | null = null;
  #flash: Flash | null | undefined;
  #written: Map<string, string | null> | undefined;

  constructor(engine: Engine<U>, req: Request, res: Response) {
    this.#engine = engine;
    this.req = req;
    this.res = res;
  }

  // What was sent ---------------------------------------------------------------------------------------------------

  get json(): boolean {
    return wantsJson(this.req);
  }

  get network(): string {
    const { ip, socket, headers } = this.req;
    const peer = socket?.remoteAddress;
    if (headers["x-forwarded-for"] !== undefined && ip === peer) this.#engine.warnOnce(UNTRUSTED_PROXY);
    return networkOf(ip ?? peer);
  }

  get userAgent(): string {
    return this.req.headers["user-agent"] ?? "";
  }

  get locale(): string {
    return chooseLocale(this.req.headers["accept-language"], this.#engine.locales);
  }

  get t(): Translate {
    return translator(this.#engine.texts, this.#engine.localize, this.locale);
  }

  /** One value of the query string; `null` when it is missing or came twice. Never a place for secrets. */
  query(name: string): string | null {
    const at = this.req.url.indexOf("?");
    if (at < 0) return null;
    const values = new URLSearchParams(this.req.url.slice(at)).getAll(name);
    return values.length === 1 ? (values[0] ?? null) : null;
  }

  /** The page that is wanted afterwards, from the body or the query, if it is one of ours. */
  get redir(): string | null {
    return safeTarget(this.body.get("redir")) ?? safeTarget(this.query("redir"));
  }

  // Who is signed in -------------------------------------------------------------------------------------------------

  /** The session id that this browser holds, as of now in this request; `null` for none. Asks no store. */
  get sessionId(): string | null {
    if (this.#sessionId === undefined) this.#sessionId = this.#engine.sessions.idOf(this.req);
    return this.#sessionId;
  }

  /** Who is signed in, or `null`. Asks the storer once in a request, and not at all without a session cookie. */
  current(): Promise<Current<U> | null> {
    this.#current ??= this.#findCurrent();
    return this.#current;
  }

  /** For the doors: what `current()` answers from now on in this request. */
  becomes(current: Current<U> | null): void {
    this.#current = Promise.resolve(current);
    // Whoever signs in on a page without `require()` was not let in by it.
    if (this.admitted) this.admitted = current;
  }

  async #findCurrent(): Promise<Current<U> | null> {
    const id = this.sessionId;
    const key = id === null ? null : signInKey(id);
    const found = key === null ? null : await this.#findSignIn(key);
    if (found) return found;
    for (const ask of this.#engine.whenNobody) {
      const current = await ask(this, key);
      if (current) return current as Current<U>; // the storer that loaded the user is this gate's own
    }
    return null;
  }

  async #findSignIn(key: string): Promise<Current<U> | null> {
    const { storer, clock, lifetime } = this.#engine;
    const now = clock.now();
    const found = await storer.findSignIn(key, now);
    if (!found) return null;
    this.#engine.checkUser(found.user);
    const next = refreshed(found.signIn, lifetime, now);
    if (next) await storer.touchSignIn(key, next.seenAt, next.idleEndsAt);
    const telling = this.#engine.loaded(found.user);
    if (telling) await telling;
    return next ? { user: found.user, signIn: { ...found.signIn, ...next } } : found;
  }

  // Session ----------------------------------------------------------------------------------------------------------

  get session(): SessionState {
    return {
      get: async (key) => (await this.openSession()).get(key),
      put: async (key, value) => {
        const session = await this.openSession();
        session.put(key, value);
        // From now on the browser holds this session, and tokens are bound to it.
        if (this.sessionId !== session.id) this.#adopt(session);
      },
      delete: async (key) => (await this.openSession()).delete(key),
    };
  }

  /** The loaded session. Making a new one out of nothing gives the browser an id only when something is saved. */
  openSession(): Promise<Session> {
    this.#session ??= this.#engine.sessions.open(this.req, this.res);
    return this.#session;
  }

  /** Writes what was put into the session, before the answer is sent. Does nothing when nobody looked. */
  async saveSession(): Promise<void> {
    const session = await this.#session;
    if (!session) return;
    await session.save();
  }

  /** After a failure: what was loaded or put is not written any more, and whoever could not say which session this is is not asked again. */
  forgetSession(): void {
    this.#session = undefined;
    this.#sessionId ??= null;
  }

  /** For the doors: a new session id, and the application's own keys that are to survive. */
  async renewSession(): Promise<Session> {
    const before = await this.openSession();
    const renewed = await before.regenerate(this.#engine.keep);
    this.#adopt(renewed);
    return renewed;
  }

  /** By the gate's clock. */
  now(): Date {
    return this.#engine.clock.now();
  }

  /** For the doors: no session any more, unless the application has keys that are to survive. */
  async dropSession(): Promise<void> {
    if (this.sessionId === null && !this.#session) return;
    await (await this.openSession()).destroy(this.#engine.keep);
    this.#session = undefined;
    this.#sessionId = null;
  }

  #adopt(session: Session): void {
    this.#session = Promise.resolve(session);
    this.#sessionId = session.id;
    // The token of the time before sign-in ends with it.
    if (readCookie(this.req.headers.cookie, this.#engine.cookieName("csrf")) !== null) this.cookies.delete("csrf");
    this.#anonymousBinding = null;
  }

  // Cookies ----------------------------------------------------------------------------------------------------------

  get cookies(): CookieState {
    return {
      get: (name) => {
        const written = this.#written?.get(name);
        if (written !== undefined) return written;
        const full = this.#engine.cookieName(name);
        const sealed = readCookie(this.req.headers.cookie, full);
        // The whole name, so that another gate with the same keys does not take it for its own.
        return sealed === null ? null : this.#engine.keys.open(`cookie ${full}`, "", sealed);
      },
      put: (name, value, options = {}) => {
        this.#write(name, this.#engine.keys.seal(`cookie ${this.#engine.cookieName(name)}`, "", value), options);
        this.#written?.set(name, value);
      },
      delete: (name) => {
        this.#write(name, "", { maxAge: 0 });
        this.#written?.set(name, null);
      },
    };
  }

  #write(name: string, value: string, options: Pick<CookieAttributes, "maxAge" | "sameSite">): void {
    if (this.res.headersSent) {
      throw new Error(
        `the cookie "${name}" cannot be set: the answer has been sent. Ask for it (for example req.csrfToken()) before you answer.`,
      );
    }
    this.#written ??= new Map();
    const full = this.#engine.cookieName(name);
    setCookie(this.res, full, cookieLine(full, value, { secure: this.#engine.secure, ...options }));
    // No cache may hand this answer to somebody else, on a page of the application neither.
    if (!this.res.hasHeader("cache-control")) this.res.setHeader("cache-control", "no-store");
  }

  /** Whether the browser sent any cookie of this gate, the session's included, whatever that is called. */
  get hasOurCookie(): boolean {
    const { cookie } = this.req.headers;
    const { cookieName, sessions } = this.#engine;
    return cookie !== undefined && (cookie.includes(cookieName("")) || cookie.includes(`${sessions.cookieName}=`));
  }

  // Forgery ----------------------------------------------------------------------------------------------------------

  /**
   * What a CSRF token may be bound to, the best first: the session; before there is one, a random value in a signed cookie. A page that was made before the session
   * began still has the other token, and that cookie goes away when somebody signs in.
   */
  csrfBindings(): readonly string[] {
    this.#anonymousBinding ??= this.#bindingFromCookie();
    const bindings = this.sessionId === null ? [] : [OF_SESSION + this.sessionId];
    return this.#anonymousBinding === null ? bindings : [...bindings, `visitor ${this.#anonymousBinding}`];
  }

  #bindingFromCookie(): string | null {
    // This answer removes it, so that a token bound to it would be good for nothing.
    if (this.#written?.get("csrf") === null) return null;
    const [value = "", mac = ""] = readCookie(this.req.headers.cookie, this.#engine.cookieName("csrf"))?.split(SEPARATOR) ?? [];
    return value !== "" && this.#engine.keys.recognises("csrf cookie", value, mac) ? value : null;
  }

  #newBinding(): string {
    const value = randomText(this.#engine.random, CSRF_BYTES);
    this.#write("csrf", value + SEPARATOR + this.#engine.keys.mac("csrf cookie", value), {});
    return value;
  }

  /** A token for a form of this browser. Sets the cookie that it is bound to, if there is none yet. */
  csrfToken(): string {
    const [binding] = this.csrfBindings();
    if (binding !== undefined) return this.#engine.csrfTokens.make(binding);
    this.#anonymousBinding = this.#newBinding();
    return this.#engine.csrfTokens.make(`visitor ${this.#anonymousBinding}`);
  }

  async acceptsCsrfToken(token: unknown): Promise<boolean> {
    const { csrfTokens } = this.#engine;
    const accepted = this.csrfBindings().find((binding) => csrfTokens.accepts(binding, token));
    if (accepted === undefined) return false;
    // A visitor's cookie beside somebody's sign-in was not set by us: a sibling host may have planted it, with the token that goes with it.
    return accepted.startsWith(OF_SESSION) || (await this.current()) === null;
  }

  // Flash ------------------------------------------------------------------------------------------------------------

  /** Leaves a message for the next page. It travels in a sealed cookie, so that a message to a stranger makes no session row. */
  leaveFlash(kind: Flash["kind"], reason: string): void {
    this.cookies.put("flash", JSON.stringify({ kind, reason }), { maxAge: FLASH_SECONDS });
  }

  /** The message that was left for this page. Shown once. */
  takeFlash(): Flash | null {
    this.#flash ??= this.#readFlash();
    return this.#flash;
  }

  #readFlash(): Flash | null {
    const text = this.cookies.get("flash");
    if (text === null) return null;
    this.cookies.delete("flash");
    // We sealed it ourselves, as the line above that puts it shows.
    const { kind, reason } = JSON.parse(text) as Pick<Flash, "kind" | "reason">;
    return { kind, reason, text: this.t(`reason.${reason}`) };
  }
}
