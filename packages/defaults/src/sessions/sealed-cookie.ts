/** Sealed cookies: what a server wants to find again, kept by the browser, which can neither read nor change it. Usable alone, without a gate. @module */
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type Clock,
  ConfigError,
  cookieLine,
  type Duration,
  days,
  hours,
  isDuration,
  type JsonValue,
  KeyRing,
  minutes,
  problemsOfKeys,
  type Random,
  readCookie,
  setCookie,
  systemClock,
  systemRandom,
} from "@castellan/core";

/** Browsers drop a cookie whose name and value have more than 4,096 bytes (RFC 6265bis, 5.6). */
const LONGEST = 4096;
/** A cookie is not sent anew more often than this, though it was looked at: idle times are exact to as much. */
const REFRESH = minutes(1);
const PURPOSE = "sealed cookie";

export interface SealedContent {
  readonly issuedAt: Date;
  readonly seenAt: Date;
  readonly content: JsonValue;
}

export interface SealerSettings {
  readonly name: string;
  readonly keys: readonly string[];
  readonly idle: Duration;
  readonly lifetime: Duration;
  readonly clock: Clock;
  readonly random: Random;
}

/** Seals and opens the values of one cookie (AES-256-GCM; the cookie's name is bound to it). The first key seals, all of them open. */
export class CookieSealer {
  readonly #ring: KeyRing;
  readonly #settings: SealerSettings;

  constructor(settings: SealerSettings) {
    this.#settings = settings;
    this.#ring = new KeyRing(settings.keys, settings.random);
  }

  /** The value of the cookie. Throws a RangeError for what no browser would keep. */
  seal(content: JsonValue, issuedAt: Date): string {
    const { name, clock } = this.#settings;
    const value = this.#ring.seal(PURPOSE, name, JSON.stringify([issuedAt.getTime(), clock.now().getTime(), content]));
    const size = name.length + value.length;
    if (size > LONGEST)
      throw new RangeError(
        `the cookie "${name}" would have ${size} bytes, and browsers keep ${LONGEST}: put less into it, or keep it on the server`,
      );
    return value;
  }

  /** What is in it; `null` for whatever is not ours, damaged, too old, or was not seen for too long. Never throws. */
  open(value: string | null): SealedContent | null {
    if (value === null || value.length > LONGEST) return null;
    const { name, clock, idle, lifetime } = this.#settings;
    const text = this.#ring.open(PURPOSE, name, value);
    if (text === null) return null;
    const [issued, seen, content] = JSON.parse(text) as [number, number, JsonValue]; // sealed by `seal`
    const now = clock.now().getTime();
    // Also after a clock went backwards: what was sealed in the future is not older than it says.
    const isOver = now >= issued + lifetime || now >= seen + idle;
    return isOver ? null : { issuedAt: new Date(issued), seenAt: new Date(seen), content };
  }

  /** Whether it is time to send it again: it was not for a while, or an older key sealed it. */
  isDue(value: string, { seenAt }: SealedContent): boolean {
    return this.#settings.clock.now().getTime() >= seenAt.getTime() + REFRESH || this.#ring.isOutdated(value);
  }
}

export interface SealedCookieOptions {
  /** The name of the cookie. Over TLS begin it with `__Host-`, so that no sibling host can plant one. */
  readonly name: string;
  /** At least 32 random bytes each, as text: the first one seals, all of them open. */
  readonly keys: readonly string[];
  /** How long it may go unseen. @default hours(2) */
  readonly idle?: Duration;
  /** How long it is good at all. @default days(1) */
  readonly lifetime?: Duration;
  /** Whether the site is reached over TLS. @default true */
  readonly secure?: boolean;
  /** @default systemClock */
  readonly clock?: Clock;
  /** @default systemRandom */
  readonly random?: Random;
}

/** Whom the cookie names. */
export interface CookieHolder {
  /** Whose it is, for example a user's id. */
  readonly subject: string;
  /** A number that you advance when everything older shall end: a new password, "sign out everywhere". Compare it with the user's. */
  readonly epoch: number;
}

export interface SealedCookie {
  /** Whom the request's cookie names; `null` for nobody: no cookie, one that is not ours, damaged or over. Never throws. Sends it anew when it is time: `res`. */
  read(req: IncomingMessage, res?: ServerResponse): (CookieHolder & { readonly issuedAt: Date }) | null;
  put(res: ServerResponse, holder: CookieHolder): void;
  remove(res: ServerResponse): void;
}

const DEFAULTS = { idle: hours(2), lifetime: days(1), secure: true, clock: systemClock, random: systemRandom } as const;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * A sealed cookie that says who somebody is, without a store and without a gate. It cannot be taken back before its time but by the `epoch`; where you have a database, a gate's sign-ins can.
 */
export function sealedCookie(options: SealedCookieOptions): SealedCookie {
  const { name, keys, idle, lifetime, secure, clock, random } = { ...DEFAULTS, ...options };
  const problems = problemsOfKeys("sealedCookie: keys", keys);
  if (typeof name !== "string" || !NAME.test(name)) problems.push("sealedCookie: `name` must be the name of a cookie (RFC 6265)");
  if (!isDuration(idle) || !isDuration(lifetime))
    problems.push("sealedCookie: `idle` and `lifetime` must be durations, for example hours(2)");
  if (problems.length > 0) throw new ConfigError(problems);
  const sealer = new CookieSealer({ name, keys, idle, lifetime, clock, random });
  const write = (res: ServerResponse, { subject, epoch }: CookieHolder, issuedAt: Date): void =>
    setCookie(res, name, cookieLine(name, sealer.seal([subject, epoch], issuedAt), { secure }));
  return {
    read(req, res) {
      const value = readCookie(req.headers.cookie, name);
      const sealed = sealer.open(value);
      if (value === null || sealed === null) return null;
      const [subject, epoch] = sealed.content as [string, number]; // sealed by `write`
      if (res && !res.headersSent && sealer.isDue(value, sealed)) write(res, { subject, epoch }, sealed.issuedAt);
      return { subject, epoch, issuedAt: sealed.issuedAt };
    },
    put: (res, holder) => write(res, holder, clock.now()),
    remove: (res) => setCookie(res, name, cookieLine(name, "", { secure, maxAge: 0 })),
  };
}
