/** Ends sign-ins that were not used for a while, or that are too old. The limits are kept on the server. @module */

import {
  ConfigError,
  type Core,
  type Duration,
  days,
  defineChannel,
  defineModule,
  type ExpiringServerStorer,
  expirable,
  hours,
  isDuration,
  type Module,
  type SignIn,
} from "@castellan/core";
import type { Request } from "express";

export interface ExpireOptions {
  /** How long a sign-in may go unused. @default hours(1) */
  readonly idle?: Duration;
  /** How long a sign-in may last at all, however much it is used. @default days(1) */
  readonly absolute?: Duration;
}

const DEFAULTS = { idle: hours(1), absolute: days(1) } as const satisfies Required<ExpireOptions>;

/** A sign-in was found to be over. Told once for each. */
export const expired = defineChannel<{ readonly signIn: SignIn }>("expire");

/** What an application can ask. */
export interface ExpireApi {
  /** When this browser's sign-in ends if it is not used before; `null` when nobody is signed in. */
  endsAt(req: Request): Promise<Date | null>;
}

/**
 * The module. Use is written at most once a minute, so the idle limit is exact to a minute. A visitor whose sign-in is over is an anonymous one, with a message on the next page; where a remembered browser comes back, it
 * does so by half, as after any other end.
 */
export function expire(options: ExpireOptions = {}): Module<ExpiringServerStorer, ExpireApi> {
  const { idle, absolute } = { ...DEFAULTS, ...options };
  return defineModule({
    name: "expire",
    requires: [expirable],
    reasons: ["session_expired"],
    texts: { "reason.session_expired": "You were away for a while, so we signed you out." },
    start(core: Core<ExpiringServerStorer>): ExpireApi {
      const problems = Object.entries({ idle, absolute })
        .filter(([, duration]) => !isDuration(duration))
        .map(([name]) => `expire: \`${name}\` must be a duration, for example hours(1)`);
      if (problems.length > 0) throw new ConfigError(problems);
      core.setLifetime({ idle, absolute });
      // Before a remembered browser is let in again: its new sign-in takes the place of the one that has ended.
      core.whenNobody(async (ctx, deadKey) => {
        // After the answer was sent no cookie can be changed: the next request will notice.
        if (deadKey === null || ctx.res.headersSent) return null;
        const signIn = await core.storer.takeExpiredSignIn(deadKey, core.clock.now());
        if (!signIn) return null;
        // What the application kept for this person is not for whoever uses the browser next.
        await ctx.dropSession();
        if (!ctx.json) ctx.leaveFlash("failure", "session_expired");
        await core.emit.after(expired, { signIn });
        return null;
      }, "first");
      return {
        async endsAt(req) {
          const current = await core.contextOf(req).current();
          return current ? current.signIn.idleEndsAt : null;
        },
      };
    },
  });
}
