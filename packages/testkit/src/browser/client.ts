/** An HTTP client that behaves like a browser without JavaScript, and like a script or a program where it is told to. @module */
import type { IncomingHttpHeaders } from "node:http";
import { type Clock, systemClock } from "@castellan/core";
import { type CookieJar, cookieJar } from "./cookie-jar.ts";
import { exchange, type HeaderLines } from "./exchange.ts";
import { FORM_TYPE, type Submission } from "./form.ts";
import { fetchMetadata, type Initiator, type Mode, originHeader, refererHeader, siteOf } from "./initiator.ts";
import { type Page, pageOf } from "./page.ts";

/** Headers that take the place of the browser's own: several lines for an array, none for `null`. */
export type Headers = Readonly<Record<string, string | readonly string[] | null>>;

/** What a browser may be told once and for all, or for one request. */
export interface RequestHabits {
  /** @default true for `get`, `post`, links and forms, false for `json` and `request` */
  readonly followRedirects?: boolean;
  /** Whether Sec-Fetch-Site and its companions are sent. Older browsers do not. @default true */
  readonly fetchMetadata?: boolean;
  /** Whether Origin goes with unsafe requests, and Referer with those that a page causes. @default true */
  readonly originHeader?: boolean;
  /** Whether cookies heed SameSite. @default true */
  readonly sameSite?: boolean;
}

export interface BrowserOptions extends RequestHabits {
  /** The address that the browser believes to talk to, for example `https://app.example.com`. @default the server's own */
  readonly origin?: string;
  /** Whether Secure cookies are kept and sent. @default whether `origin` begins with `https:` */
  readonly secureOrigin?: boolean;
  /** Whether `X-Forwarded-Proto: https` is sent, as a proxy in front would. @default whether `origin` begins with `https:` */
  readonly forwardedProto?: boolean;
  /** What cookies expire by. @default systemClock */
  readonly clock?: Clock;
  /** Go with every request. */
  readonly headers?: Headers;
}

export interface RequestOptions extends RequestHabits {
  readonly headers?: Headers;
  /**
   * The origin of the page that causes the request: another one for an attack, `"null"` for a page without one, `null` for nobody (typed in).
   * As in a browser, an `https:` page tells an `http:` address nothing but `Origin: null`.
   * @default nobody for `get` and `request`, the browser's origin for `post` and `json`
   */
  readonly from?: string | null;
  /** `"bare"` sends nothing that a program like curl would not send. @default "navigate", for `json` "fetch" */
  readonly mode?: Mode;
  readonly body?: string | Uint8Array;
}

export interface SubmitOptions extends RequestHabits {
  /** The button to press, by its text or as `name=value`. @default the first */
  readonly button?: string;
  /** Values that replace or add fields behind the page's back, hidden ones too. */
  readonly tamper?: Readonly<Record<string, string>>;
  readonly headers?: Headers;
}

/** An answer of the server. */
export interface Answer {
  readonly method: string;
  /** The address that answered, after redirects. */
  readonly url: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly setCookies: readonly string[];
  /** The Location header as it stands; `null` for none. */
  readonly location: string | null;
  /** The body as text. */
  readonly text: string;
  /** The body as JSON. Throws when it is not, with its beginning in the message. */
  json(): unknown;
  /** The body as a page; read when first asked for. */
  readonly page: Page;
  /** The answers that led here, the first one first. */
  readonly redirects: readonly Answer[];
}

/** What a form posts: by name, or as pairs where a name stands there twice. */
export type FormValues = Readonly<Record<string, string>> | readonly (readonly [name: string, value: string])[];

export interface BrowserClient {
  readonly origin: string;
  readonly jar: CookieJar;
  /** Goes to `path` as if it were typed into the address bar. */
  get(path: string, options?: RequestOptions): Promise<Answer>;
  /** Posts a form that no page offered. */
  post(path: string, values: FormValues, options?: RequestOptions): Promise<Answer>;
  /** Asks as a script of a page does: JSON there and back. Without `body` none is sent. */
  json(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Answer>;
  /** Sends whatever is wanted. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
  /** A second browser with the same cookies, as a thief of cookies has. */
  fork(): BrowserClient;
}

const USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const PAGE_TYPES = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
const MOST_REDIRECTS = 10;
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** A request before its headers are made. */
interface Intent {
  readonly method: string;
  readonly mode: Mode;
  readonly body: string | Uint8Array | null;
  readonly contentType: string | null;
  readonly initiator: Initiator | null;
  readonly options: RequestHabits & { readonly headers?: Headers };
  readonly followByDefault: boolean;
}

const isLoopback = ({ protocol, hostname }: URL): boolean =>
  protocol === "http:" && (hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127."));

/** The lines of `base` with those of `changes` in place of theirs. */
function overridden(base: HeaderLines, changes: Headers): HeaderLines {
  const changed = new Set(Object.keys(changes).map((name) => name.toLowerCase()));
  const added = Object.entries(changes).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((line): readonly [string, string] => [name, line]),
  );
  return [...base.filter(([name]) => !changed.has(name.toLowerCase())), ...added];
}

function urlencoded(pairs: Iterable<readonly [name: string, value: string]>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of pairs) parameters.append(name, value);
  return parameters.toString();
}

/** What is asked of the address that a redirect names (Fetch standard, "HTTP-redirect fetch"). */
function afterRedirect(intent: Intent, status: number): Intent {
  const becomesGet = status === 303 ? intent.method !== "HEAD" : (status === 301 || status === 302) && intent.method === "POST";
  return becomesGet ? { ...intent, method: "GET", body: null, contentType: null } : intent;
}

/** Makes a browser for the server at `serverUrl`, with an empty jar. */
export function browserClient(serverUrl: string, options: BrowserOptions = {}): BrowserClient {
  const server = new URL(serverUrl);
  const origin = new URL(options.origin ?? serverUrl).origin;
  const isHttps = origin.startsWith("https:");
  const { secureOrigin = isHttps, clock = systemClock } = options;
  return clientWith(cookieJar({ secureOrigin, clock }), server, origin, { forwardedProto: isHttps, ...options });
}

function clientWith(jar: CookieJar, server: URL, origin: string, browser: BrowserOptions): BrowserClient {
  const self: Initiator = { origin, url: null, referrerPolicy: "" };

  /** Where to connect to for `url`; `null` for an address that no test should reach. */
  const serverFor = (url: URL): URL | null => (url.origin === origin ? server : isLoopback(url) ? url : null);

  function headersFor(intent: Intent, url: URL, hops: readonly URL[]): HeaderLines {
    const { mode, method, initiator, contentType, body } = intent;
    const habits = { ...browser, ...intent.options };
    const site = siteOf(initiator, hops);
    const isUnsafe = !SAFE.has(method);
    const lines: (readonly [string, string])[] = [["Host", url.host]];
    const add = (name: string, value: string | null) => {
      if (value !== null) lines.push([name, value]);
    };
    if (browser.forwardedProto) add("X-Forwarded-Proto", "https");
    add("Accept", mode === "navigate" ? PAGE_TYPES : mode === "fetch" ? "application/json" : "*/*");
    if (mode !== "bare") {
      add("User-Agent", USER_AGENT);
      add("Accept-Language", "en");
      if (habits.fetchMetadata ?? true) lines.push(...fetchMetadata(mode, site, url));
      if (initiator && (habits.originHeader ?? true)) {
        add("Origin", isUnsafe || (mode === "fetch" && site !== "same-origin") ? originHeader(initiator, mode, url) : null);
        add("Referer", refererHeader(initiator, url));
      }
    }
    const crossSite = site === "cross-site" && mode !== "bare" && (habits.sameSite ?? true);
    add("Cookie", jar.headerFor(url, { crossSite, safeNavigation: mode === "navigate" && !isUnsafe }));
    add("Content-Type", contentType);
    if (body !== null || isUnsafe) add("Content-Length", String(Buffer.byteLength(body ?? "")));
    return overridden(overridden(lines, browser.headers ?? {}), intent.options.headers ?? {});
  }

  function answerOf(intent: Intent, url: URL, got: Awaited<ReturnType<typeof exchange>>, redirects: readonly Answer[]): Answer {
    const text = got.body.toString("utf8");
    let page: Page | undefined;
    const initiator = { origin: url.origin, url: url.href, referrerPolicy: [got.headers["referrer-policy"] ?? ""].flat().join() };
    return {
      method: intent.method,
      url: url.href,
      status: got.status,
      headers: got.headers,
      setCookies: got.headers["set-cookie"] ?? [],
      location: got.headers.location ?? null,
      text,
      json: () => {
        try {
          return JSON.parse(text);
        } catch (cause) {
          throw new Error(`${intent.method} ${url.pathname} answered ${got.status} and no JSON: ${text.slice(0, 200)}`, { cause });
        }
      },
      get page() {
        page ??= pageOf(text, url.href, {
          submit: (submission, options) => submit(submission, url, initiator, options),
          follow: (href) => go(new URL(href, url), { ...navigation("GET", initiator), options: {} }),
        });
        return page;
      },
      redirects,
    };
  }

  async function go(first: URL, firstIntent: Intent): Promise<Answer> {
    const follows = firstIntent.options.followRedirects ?? browser.followRedirects ?? firstIntent.followByDefault;
    const hops: URL[] = [first];
    const redirects: Answer[] = [];
    let intent = firstIntent;
    for (let url = first; ; ) {
      const target = serverFor(url);
      if (!target) throw new Error(`${url.origin} is not the address of this browser's server: nothing is sent there`);
      const headers = headersFor(intent, url, hops);
      const got = await exchange({ ...intent, server: target, target: url.pathname + url.search, headers });
      jar.store(url, got.headers["set-cookie"] ?? []);
      const answer = answerOf(intent, url, got, [...redirects]);
      const isRedirect = got.status >= 301 && got.status <= 308 && got.status !== 304 && answer.location !== null;
      const next = isRedirect ? new URL(answer.location ?? "", url) : null;
      if (!follows || !next || !serverFor(next)) return answer;
      if (redirects.length >= MOST_REDIRECTS) throw new Error(`more than ${MOST_REDIRECTS} redirects, the last one to ${next.href}`);
      intent = afterRedirect(intent, got.status);
      redirects.push(answer);
      hops.push(next);
      url = next;
    }
  }

  const navigation = (method: string, initiator: Initiator | null): Omit<Intent, "options"> => ({
    method,
    mode: "navigate",
    body: null,
    contentType: null,
    initiator,
    followByDefault: true,
  });

  const submit = (submission: Submission, base: URL, initiator: Initiator, options: SubmitOptions): Promise<Answer> => {
    const url = new URL(submission.action || base.href, base);
    const encoded = urlencoded(submission.entries);
    if (submission.method === "post") {
      return go(url, { ...navigation("POST", initiator), body: encoded, contentType: FORM_TYPE, options });
    }
    url.search = encoded;
    return go(url, { ...navigation("GET", initiator), options });
  };

  const initiatorFrom = (from: string | null | undefined, otherwise: Initiator | null): Initiator | null => {
    if (from === undefined) return otherwise;
    return from === null ? null : { origin: from, url: null, referrerPolicy: "" };
  };

  const send = (method: string, path: string, options: RequestOptions, intent: Partial<Intent>): Promise<Answer> =>
    go(new URL(path, origin), {
      ...navigation(method, initiatorFrom(options.from, intent.initiator ?? null)),
      body: options.body ?? intent.body ?? null,
      contentType: intent.contentType ?? null,
      mode: options.mode ?? intent.mode ?? "navigate",
      followByDefault: intent.followByDefault ?? true,
      options,
    });

  return {
    origin,
    jar,
    get: (path, options = {}) => send("GET", path, options, {}),
    post: (path, values, options = {}) => {
      const pairs = Symbol.iterator in values ? values : Object.entries(values);
      return send("POST", path, options, { initiator: self, body: urlencoded(pairs), contentType: FORM_TYPE });
    },
    json: (method, path, body, options = {}) => {
      const written = body === undefined ? {} : { body: JSON.stringify(body), contentType: "application/json" };
      return send(method, path, options, { initiator: self, mode: "fetch", followByDefault: false, ...written });
    },
    request: (method, path, options = {}) => send(method, path, options, { followByDefault: false }),
    fork: () => clientWith(jar.copy(), server, origin, browser),
  };
}
