/**
 * The way to a provider and back, kept in rows of the storer. The browser holds a random secret in a sealed cookie, of which the row has a hash: so no session must exist before somebody signs in, and
 * nobody can finish in one browser what began in another. @module
 */
import { after, type Context, type Core, type Duration, digest, minutes, type OAuth2ServerStorer, randomText } from "@castellan/core";

const COOKIE = "oauth2";
const SECRET_BYTES = 32;
const STATE_BYTES = 32;
/** A state of ours, and nothing longer that somebody made up. */
const STATE = /^[\w-]{43}$/;
const COOKIE_LASTS = minutes(40);

/** How long somebody may stay at the provider. */
export const WAY_LASTS = minutes(10);
/** How long somebody may take to prove a mailbox. */
export const MAIL_LASTS = minutes(30);

/** What the browser's cookie holds. */
interface Held {
  readonly secret: string;
  /** The handle of the step that waits in this browser after the way back; `null` for none. */
  readonly step: string | null;
}

export interface Flows {
  /** Begins a way to a provider, in two steps: what is kept of it is known when the `state` is. */
  begin(ctx: Context): { readonly state: string; store(purpose: string, data: object): Promise<void> };
  /** Takes the way of this `state` and this browser, once. */
  take<Data>(ctx: Context, purpose: string, state: string | null): Promise<Data | null>;
  /** Lets a step wait in this browser, in the place of one that waits. */
  wait(ctx: Context, purpose: string, data: object, lasts: Duration): Promise<void>;
  /** The step of this purpose that waits here; it stays. */
  waiting<Data>(ctx: Context, purpose: string): Promise<Data | null>;
  /** The same, once. */
  takeWaiting<Data>(ctx: Context, purpose: string): Promise<Data | null>;
  /** Nothing waits here any more, and what begins next has another secret. */
  forget(ctx: Context): void;
}

export function flowsOf(core: Core<OAuth2ServerStorer>): Flows {
  const { storer, keys, clock, random } = core;

  const heldBy = (ctx: Context): Held | null => {
    const text = ctx.cookies.get(COOKIE);
    return text === null ? null : (JSON.parse(text) as Held); // sealed by `hold`
  };
  const hold = (ctx: Context, held: Held): void => ctx.cookies.put(COOKIE, JSON.stringify(held), { maxAge: COOKIE_LASTS / 1000 });
  const browserKey = (secret: string): string => digest("oauth2 browser", secret);
  const keyOf = (state: string): string => digest("oauth2 state", state);

  const store = async (secret: string, handle: string, purpose: string, data: object, lasts: Duration): Promise<void> => {
    const [key, now] = [keyOf(handle), clock.now()];
    const sealed = keys.seal("oauth2/flow", `${key} ${purpose}`, JSON.stringify(data));
    await storer.startFlow({ key, browserKey: browserKey(secret), purpose, data: sealed, createdAt: now, expiresAt: after(now, lasts) });
  };
  const ask = async <Data>(step: "findFlow" | "takeFlow", secret: string, handle: string, purpose: string): Promise<Data | null> => {
    const flow = await storer[step](keyOf(handle), browserKey(secret), purpose, clock.now());
    const text = flow && keys.open("oauth2/flow", `${flow.key} ${purpose}`, flow.data);
    return text === null ? null : (JSON.parse(text) as Data); // sealed by `store` for this purpose
  };
  const askWaiting = async <Data>(ctx: Context, step: "findFlow" | "takeFlow", purpose: string): Promise<Data | null> => {
    const held = heldBy(ctx);
    return held?.step ? ask<Data>(step, held.secret, held.step, purpose) : null;
  };
  const begin: Flows["begin"] = (ctx) => {
    const held = heldBy(ctx) ?? { secret: randomText(random, SECRET_BYTES), step: null };
    // Also where it was there: it lasts from now on.
    hold(ctx, held);
    const state = randomText(random, STATE_BYTES);
    return { state, store: (purpose, data) => store(held.secret, state, purpose, data, WAY_LASTS) };
  };

  return {
    begin,
    async take(ctx, purpose, state) {
      const held = heldBy(ctx);
      return held && state !== null && STATE.test(state) ? ask("takeFlow", held.secret, state, purpose) : null;
    },
    async wait(ctx, purpose, data, lasts) {
      const secret = heldBy(ctx)?.secret ?? randomText(random, SECRET_BYTES);
      const handle = randomText(random, STATE_BYTES);
      await store(secret, handle, purpose, data, lasts);
      hold(ctx, { secret, step: handle });
    },
    waiting: (ctx, purpose) => askWaiting(ctx, "findFlow", purpose),
    takeWaiting: (ctx, purpose) => askWaiting(ctx, "takeFlow", purpose),
    forget(ctx) {
      if (ctx.cookies.get(COOKIE) !== null) ctx.cookies.delete(COOKIE);
    },
  };
}
