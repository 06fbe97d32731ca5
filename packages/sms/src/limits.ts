/** How many messages go out. Nothing of it lives in the session: a new one buys no message. @module */
import {
  type Context,
  type Core,
  days,
  hours,
  type Limit,
  minutes,
  type RefusalReply,
  refuse,
  subjectOfUser,
  type User,
} from "@castellan/core";
import type { SmsSettings } from "./settings.ts";

/** Whom a message would go to. */
export interface Recipient {
  readonly user: User;
  readonly number: string;
  /** Whether the user has shown that the number is theirs. */
  readonly isProved: boolean;
}

/** Counts one message before it is sent; answers why it may not be. */
export type CountMessage = (ctx: Context, recipient: Recipient) => Promise<RefusalReply | null>;

type Use = readonly [limit: Limit, who: string];

/**
 * Limits by number, account, network, and for everybody together. Messages to a number that nobody has proved yet are counted apart, for each account that names it and, more generously, for all together: else
 * a stranger who sets up somebody's number, again and again, would shut its owner out. What a later limit refuses is taken back from the earlier ones: nothing was sent.
 */
export function messageLimits(core: Core, { dailyCap }: SmsSettings): CountMessage {
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
  const byNewNumber = [
    core.limit("new-number/hour", "destination", 10, hours(1)),
    core.limit("new-number/day", "destination", 20, days(1)),
  ];
  const byNetwork = core.limit("network", "network", 20, days(1));
  const together = core.limit("everybody", "everybody", dailyCap, days(1));

  return async (ctx, { user, number, isProved }) => {
    const { key } = subjectOfUser(user);
    // Not the number itself: it lies in the counters for a day, also where nobody set it up.
    const named = (who: string): string => core.keys.mac("sms number", `${who} ${number}`);
    const [to, toAnybody] = [named(isProved ? "proved" : `new ${key}`), named("new")];
    const uses: readonly Use[] = [
      ...byNumber.map((limit): Use => [limit, to]),
      ...(isProved ? [] : byNewNumber.map((limit): Use => [limit, toAnybody])),
      ...byAccount.map((limit): Use => [limit, key]),
      [byNetwork, ctx.network],
      [together, ""],
    ];
    const counted: Use[] = [];
    for (const use of uses) {
      const admission = await core.use(...use);
      if (admission.admitted) {
        counted.push(use);
        continue;
      }
      const [limit] = use;
      if (limit === together) core.logger.error("the daily cap of text messages is reached: no code is sent", { limit: limit.name });
      for (const earlier of counted) await core.takeBack(...earlier);
      return refuse(429, "sms_limited", admission);
    }
    return null;
  };
}
