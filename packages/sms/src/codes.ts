/** Codes: made, sent, and recognised once. @module */
import {
  type Challenge,
  type Context,
  type Core,
  days,
  hours,
  type Limit,
  minutes,
  type RefusalReply,
  randomDigits,
  randomText,
  refuse,
  subjectOfUser,
  type User,
} from "@castellan/core";
import { withoutWords } from "./failures.ts";
import { within } from "./patience.ts";
import type { SmsSettings } from "./settings.ts";

/** What a code is for. A code for one purpose is worthless for another. */
export type Purpose = "sms/setup" | "sms/login" | "sms/again";

export interface Destination {
  readonly user: User;
  readonly number: string;
  readonly purpose: Purpose;
}

/** `"expired"`: there was no code that could be tried. `"late"`: it was right, and another request was quicker. */
export type Finding = "right" | "wrong" | "expired" | "late";

export interface Codes {
  /** Sends a new code, and voids the older one. Answers why it did not. */
  send(ctx: Context, to: Destination): Promise<RefusalReply | null>;
  /** The code of this purpose that waits here for this user. */
  waiting(ctx: Context, user: User, purpose: Purpose): Promise<Challenge | null>;
  /** Looks at an answer: spends one try first, then the code. To be called inside the door `attempt`. `number`: where a code that counts went to; `null`: wherever the last one went. */
  look(ctx: Context, at: { readonly user: User; readonly number: string | null; readonly purpose: Purpose }, typed: string): Promise<Finding>;
}

const DIGITS = 6;
const SALT_BYTES = 16;
const MAC = "sms code";
const FORM = /^\d{6}$/;

/** What a code is bound to besides the browser session and the epoch, which the storer looks at. */
const bound = (purpose: Purpose, pid: string, number: string, salt: string, code: string): string =>
  JSON.stringify([purpose, pid, number, salt, code]);

export function codesOf(core: Core, settings: SmsSettings): Codes {
  const { random, keys, clock, challenges } = core;
  const { tries, lasts, patience } = settings;
  const useLimits = limitsOf(core, settings);

  const waiting: Codes["waiting"] = async (ctx, user, purpose) => {
    const challenge = await challenges.find(ctx, purpose);
    return challenge?.pid === user.pid ? challenge : null;
  };

  return {
    waiting,

    async send(ctx, { user, number, purpose }) {
      const older = await waiting(ctx, user, purpose);
      // A new code does not buy new tries.
      if (older && older.triesLeft < 1) return refuse(429, "too_many_attempts", { retryAfter: secondsTo(older.expiresAt, clock.now()) });
      const limited = await useLimits(ctx, user, number);
      if (limited) return limited;
      // In one step: whoever tries the older code meanwhile spends a try of both, or finds none.
      const voided = await challenges.consume(ctx, purpose);
      const code = randomDigits(random, DIGITS);
      const salt = randomText(random, SALT_BYTES);
      const data = `${salt}.${keys.mac(MAC, bound(purpose, user.pid, number, salt, code))}`;
      const left = voided?.pid === user.pid ? voided.triesLeft : tries;
      await challenges.make(ctx, { user, purpose, destination: number, data, tries: left, lasts });
      const text = messageOf(core, ctx, code);
      try {
        await within(patience, core.sms.send({ to: number, text }));
      } catch (error) {
        // The code stays: some messages arrive after all, and nobody else knows it. What was counted stays counted, for the same reason.
        core.logger.warn("a text message could not be sent", { pid: user.pid, error: withoutWords(error, [text, code, number]) });
        return refuse(503, "sms_failed");
      }
      return null;
    },

    async look(ctx, { user, number, purpose }, typed) {
      const challenge = await challenges.admitTry(ctx, purpose);
      if (challenge?.pid !== user.pid || (number !== null && challenge.destination !== number)) return "expired";
      const [salt = "", mac = ""] = challenge.data.split(".");
      const code = typed.normalize("NFKC").replaceAll(/[\s-]/g, "");
      const isRight = FORM.test(code) && keys.recognises(MAC, bound(purpose, user.pid, challenge.destination, salt, code), mac);
      if (!isRight) return "wrong";
      return (await challenges.consume(ctx, purpose)) ? "right" : "late";
    },
  };
}

const secondsTo = (end: Date, now: Date): number => Math.max(1, Math.ceil((end.getTime() - now.getTime()) / 1000));

/** The last line lets a phone offer the code on our own pages alone ("origin-bound one-time codes", WICG). */
function messageOf(core: Core, ctx: Context, code: string): string {
  const { hostname } = new URL(core.url("/"));
  return `${ctx.t("sms.message", { code, application: hostname })}\n\n@${hostname} #${code}`;
}

/**
 * Counts one message, before it is sent, by number, account, network and all together. None of this lives in the session. What a later limit refuses is taken back from the earlier ones: nothing was sent.
 */
function limitsOf(core: Core, { dailyCap }: SmsSettings): (ctx: Context, user: User, number: string) => Promise<RefusalReply | null> {
  const byNumber = [
    core.limit("number", "destination", 1, minutes(1)),
    core.limit("number/hour", "destination", 5, hours(1)),
    core.limit("number/day", "destination", 10, days(1)),
  ];
  const byAccount = [
    core.limit("account", "subject", 1, minutes(1)),
    core.limit("account/hour", "subject", 5, hours(1)),
    core.limit("account/day", "subject", 10, days(1)),
  ];
  const byNetwork = core.limit("network", "network", 20, days(1));
  const together = core.limit("everybody", "everybody", dailyCap, days(1));

  return async (ctx, user, number) => {
    // Not the number itself: it lies in the counters for a day, also where nobody set it up.
    const of = core.keys.mac("sms number", number);
    const { key } = subjectOfUser(user);
    const uses: readonly (readonly [Limit, string])[] = [
      ...byNumber.map((limit) => [limit, of] as const),
      ...byAccount.map((limit) => [limit, key] as const),
      [byNetwork, ctx.network],
      [together, ""],
    ];
    const counted: (readonly [Limit, string])[] = [];
    for (const [limit, who] of uses) {
      const admission = await core.use(limit, who);
      if (!admission.admitted) {
        if (limit === together) core.logger.error("the daily cap of text messages is reached: no code is sent", { limit: limit.name });
        for (const [earlier, whose] of counted) await core.takeBack(earlier, whose);
        return refuse(429, "sms_limited", admission);
      }
      counted.push([limit, who]);
    }
    return null;
  };
}
