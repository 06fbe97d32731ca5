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
import { isForEverybody, keepOutOfCaches, setsCookie } from "./caches.ts";

/** Browsers drop a cookie whose name and value have more than 4,096 bytes (RFC 6265bis, 5.6). */
const LONGEST = 4096;
/** A cookie is not sent anew more often than this, though it was looked at: idle times are exact to as much. */
const REFRESH = minutes(1);

export interface SealedContent {
  readonly issuedAt: Date;
  readonly seenAt: Date;
  readonly content: JsonValue;
}

export interface SealerSettings {
  /** What it is for: a cookie of the same name that was sealed for something else is none. */
  readonly purpose: string;
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

  /** The value of the cookie, whose content is given as JSON; `null` for what no browser would keep. */
  seal(content: string, issuedAt: Date): string | null {
    const { purpose, name, clock } = this.#settings;
    const value = this.#ring.seal(`sealed ${purpose}`, name, `[${issuedAt.getTime()},${clock.now().getTime()},${content}]`);
    return name.length + value.length > LONGEST ? null : value;
  }

  /** What is in it; `null` for whatever is not ours, damaged, too old, or was not seen for too long. Never throws. */
  open(value: string | null): SealedContent | null {
    if (value === null || value.length > LONGEST) return null;
    const { purpose, name, clock, idle, lifetime } = this.#settings;
    const text = this.#ring.open(`sealed ${purpose}`, name, value);
    if (text === null) return null;
    const [issued, seen, content] = JSON.parse(text) as [number, number, JsonValue]; // sealed by `seal`
    const now = clock.now().getTime();
    // Also after a clock went backwards: what was sealed in the future is not older than it says.
    const isOver = now >= issued + lifetime || now >= seen + idle;
    return isOver ? null : { issuedAt: new Date(issued), seenAt: new Date(seen), content };
  }

  /** Whether it is time to send it again: it was not for a while, or an older key sealed it. */
  isDue(value: string, { seenAt }: SealedContent): boolean {
    // One that was seen in the future, before a clock was put right, would go unseen for ever.
    return Math.abs(this.#settings.clock.now().getTime() - seenAt.getTime()) >= REFRESH || this.#ring.isOutdated(value);
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
  /**
   * Whom the request's cookie names; `null` for nobody: no cookie, one that is not ours, damaged or over. Never throws. With `res`, the cookie is sent anew when it is time, unless this answer sets or
   * removes it already.
   */
  read(req: IncomingMessage, res?: ServerResponse): (CookieHolder & { readonly issuedAt: Date }) | null;
  /** Throws a RangeError for what no browser would keep, and a TypeError for a subject that is no text or is empty, and an epoch that is no whole number: a column was forgotten. */
  put(res: ServerResponse, holder: CookieHolder): void;
  remove(res: ServerResponse): void;
}

const DEFAULTS = { idle: hours(2), lifetime: days(1), secure: true, clock: systemClock, random: systemRandom } as const;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
/** Browsers keep these only where they are Secure (RFC 6265bis, 4.1.3). */
const PREFIXED = /^__(?:host|secure)-/i;

/**
 * A sealed cookie that says who somebody is, without a store and without a gate. It cannot be taken back before its time but by the `epoch`; where you have a database, a gate's sign-ins can.
 * Throws a {@link ConfigError} for options that are wrong.
 */
export function sealedCookie(options: SealedCookieOptions): SealedCookie {
  const { name, keys, idle, lifetime, secure, clock, random } = { ...DEFAULTS, ...options };
  const problems = problemsOfKeys("sealedCookie: keys", keys);
  if (typeof name !== "string" || !NAME.test(name)) problems.push("sealedCookie: `name` must be the name of a cookie (RFC 6265)");
  else if (!secure && PREFIXED.test(name))
    problems.push(`sealedCookie: browsers take no cookie "${name}" that is not Secure: leave \`secure\` on, or choose a plain name`);
  if (!isDuration(idle) || !isDuration(lifetime))
    problems.push("sealedCookie: `idle` and `lifetime` must be durations, for example hours(2)");
  if (problems.length > 0) throw new ConfigError(problems);
  const sealer = new CookieSealer({ purpose: "cookie", name, keys, idle, lifetime, clock, random });
  const send = (res: ServerResponse, value: string, maxAge?: number): void => {
    setCookie(res, name, cookieLine(name, value, { secure, ...(maxAge !== undefined && { maxAge }) }));
    keepOutOfCaches(res);
  };
  const seal = ({ subject, epoch }: CookieHolder, issuedAt: Date): string | null => sealer.seal(JSON.stringify([subject, epoch]), issuedAt);
  return {
    read(req, res) {
      const value = readCookie(req.headers.cookie, name);
      const sealed = sealer.open(value);
      if (value === null || sealed === null) return null;
      const [subject, epoch] = sealed.content as [string, number]; // sealed by `put`
      const { issuedAt } = sealed;
      const renewed =
        res && !res.headersSent && !setsCookie(res, name) && !isForEverybody(res) && sealer.isDue(value, sealed)
          ? seal({ subject, epoch }, issuedAt)
          : null;
      if (res && renewed !== null) send(res, renewed);
      return { subject, epoch, issuedAt };
    },
    put(res, holder) {
      if (typeof holder.subject !== "string" || holder.subject === "")
        throw new TypeError("sealedCookie: `subject` must be a text, and not empty");
      if (!Number.isSafeInteger(holder.epoch)) throw new TypeError("sealedCookie: `epoch` must be a whole number");
      const value = seal(holder, clock.now());
      if (value === null)
        throw new RangeError(`the cookie "${name}" would be too large: browsers keep ${LONGEST} bytes. Put less into \`subject\``);
      send(res, value);
    },
    remove: (res) => send(res, "", 0),
  };
}
