/** Codes: made, sent, and recognised once. @module */
import { type Challenge, type Context, type Core, type RefusalReply, randomDigits, randomText, refuse, type User } from "@castellan/core";
import { withoutWords } from "./failures.ts";
import { messageLimits } from "./limits.ts";
import { plainText } from "./numbers.ts";
import { within } from "./patience.ts";
import type { SmsSettings } from "./settings.ts";

/** What a code is for. A code for one purpose is worthless for another. */
export type Purpose = "sms/setup" | "sms/login" | "sms/again";

export interface Destination {
  readonly user: User;
  readonly number: string;
  readonly purpose: Purpose;
}

/** A code that waits to be typed. */
export interface WaitingCode {
  readonly number: string;
  /** Whether there is a try left. */
  readonly canBeTried: boolean;
}

/** `"expired"`: there was no code that could be tried, or another request was quicker. */
export type Finding = { readonly kind: "right"; readonly number: string } | { readonly kind: "wrong" | "expired" };

export interface LookedAt {
  readonly user: User;
  /** Where a code that counts went to; `null`: wherever the last one went. */
  readonly number: string | null;
  readonly purpose: Purpose;
}

export interface Codes {
  /** Sends a new code, and voids the older one. Answers why it did not. */
  send(ctx: Context, to: Destination): Promise<RefusalReply | null>;
  /** The code of this purpose that waits here for this user. */
  waiting(ctx: Context, user: User, purpose: Purpose): Promise<WaitingCode | null>;
  /** Looks at an answer: spends one try first, then the code; that of a login ends with the login. To be called inside the door `attempt`. */
  look(ctx: Context, at: LookedAt, typed: string): Promise<Finding>;
}

const DIGITS = 6;
const SALT_BYTES = 16;
const CODE = "sms code";
const NUMBER = "sms number";
const FORM = /^[0-9]{6}$/;
const SEPARATOR = " ";

/** What a code is bound to besides the browser session and the epoch, which the storer looks at. */
const bound = (purpose: Purpose, pid: string, number: string, salt: string, code: string): string =>
  JSON.stringify([purpose, pid, number, salt, code]);

export function codesOf(core: Core, settings: SmsSettings): Codes {
  const { random, keys, clock, challenges } = core;
  const { tries, lasts, patience } = settings;
  const countMessage = messageLimits(core, settings);

  const find = async (ctx: Context, user: User, purpose: Purpose): Promise<Challenge | null> => {
    const challenge = await challenges.find(ctx, purpose);
    return challenge?.pid === user.pid ? challenge : null;
  };

  /** What a row of ours holds. The number is sealed: nobody has proved it yet, and whoever reads the storer is not to learn it. `null` when no key opens it. */
  const partsOf = ({ data, pid }: Challenge): { readonly salt: string; readonly mac: string; readonly number: string } | null => {
    const [salt = "", mac = "", sealed = ""] = data.split(SEPARATOR);
    const number = keys.open(NUMBER, pid, sealed);
    return number === null ? null : { salt, mac, number };
  };

  return {
    async waiting(ctx, user, purpose) {
      const challenge = await find(ctx, user, purpose);
      const parts = challenge && partsOf(challenge);
      return parts && { number: parts.number, canBeTried: challenge.triesLeft > 0 };
    },

    async send(ctx, { user, number, purpose }) {
      const older = await find(ctx, user, purpose);
      // A new code does not buy new tries.
      if (older && older.triesLeft < 1) return refuse(429, "too_many_attempts", { retryAfter: secondsTo(older.expiresAt, clock.now()) });
      const limited = await countMessage(ctx, { user, number, isProved: purpose !== "sms/setup" });
      if (limited) return limited;
      // Taken before the new one is made: whoever tries the older code meanwhile spends a try of both, or finds none.
      const voided = older && (await challenges.consume(ctx, purpose));
      const left = (voided ?? older)?.triesLeft ?? tries;
      const code = randomDigits(random, DIGITS);
      const salt = randomText(random, SALT_BYTES);
      const mac = keys.mac(CODE, bound(purpose, user.pid, number, salt, code));
      const data = [salt, mac, keys.seal(NUMBER, user.pid, number)].join(SEPARATOR);
      await challenges.make(ctx, { user, purpose, data, tries: left, lasts });
      const text = messageOf(core, ctx, code);
      try {
        await within(patience, core.sms.send({ to: number, text }));
      } catch (error) {
        // The code stays: some messages arrive after all, and nobody else knows it. What was counted stays counted, for the same reason.
        core.logger.warn("a text message could not be sent", {
          pid: user.pid,
          error: withoutWords(error, [text, code, number, number.slice(1)]),
        });
        return refuse(503, "sms_failed");
      }
      return null;
    },

    async look(ctx, { user, number, purpose }, typed) {
      const challenge = await challenges.admitTry(ctx, purpose);
      const parts = challenge?.pid === user.pid ? partsOf(challenge) : null;
      if (!parts || (number !== null && parts.number !== number)) return { kind: "expired" };
      const code = plainText(typed).replaceAll(/[\s-]/g, "");
      const isRight = FORM.test(code) && keys.recognises(CODE, bound(purpose, user.pid, parts.number, parts.salt, code), parts.mac);
      if (!isRight) return { kind: "wrong" };
      const right: Finding = { kind: "right", number: parts.number };
      // The login that waits is what is spent, by one request alone. Were its code spent before, other requests with the same code would count as wrong, and the last try would end the login of the first one.
      if (purpose === "sms/login") return right;
      return (await challenges.consume(ctx, purpose)) ? right : { kind: "expired" };
    },
  };
}

const secondsTo = (end: Date, now: Date): number => Math.max(1, Math.ceil((end.getTime() - now.getTime()) / 1000));

/** The last line lets a phone offer the code on our own pages alone ("origin-bound one-time codes", WICG). */
function messageOf({ applicationName: application, url }: Core, ctx: Context, code: string): string {
  const { hostname } = new URL(url("/"));
  return `${ctx.t("sms.message", { code, application })}\n\n@${hostname} #${code}`;
}
