/** Channels: the event bus. A channel is a typed value; handlers subscribe in a phase, and phases run in a fixed order. @module */
import { ConfigError } from "./errors.ts";
import type { Reply } from "./replies.ts";

/**
 * `guard` (before) may refuse: the first reply ends everything, the action included. `challenge` (before, after the guards) may ask for more. Then the action.
 * `record` (after) writes what must be written: a throw takes the action back where it can be. `notify` (after) tells others: a throw is reported, and the request goes on.
 */
export type Phase = "guard" | "challenge" | "record" | "notify";
export type BeforePhase = Extract<Phase, "guard" | "challenge">;
export type AfterPhase = Extract<Phase, "record" | "notify">;

const BEFORE: readonly BeforePhase[] = ["guard", "challenge"];
const AFTER: readonly AfterPhase[] = ["record", "notify"];

declare const carries: unique symbol;

/** A typed event: what handlers before the action get, and what those after it get. Make one with {@link defineChannel}, once, and import it. */
export interface Channel<Before, After = Before> {
  /** A verb. */
  readonly name: string;
  readonly [carries]?: readonly [Before, After];
}

export const defineChannel = <Before, After = Before>(name: string): Channel<Before, After> => ({ name });

export type BeforeHandler<Event> = (event: Event) => Reply | null | undefined | Promise<Reply | null | undefined>;
export type AfterHandler<Event> = (event: Event) => void | Promise<void>;

/** Where a guard stands among guards, whichever order modules are listed in. Lower comes first. */
export const rank = { disabled: 0, locked: 100, confirmed: 200, application: 300 } as const;

export interface SubscribeOptions {
  /** @default rank.application */
  readonly rank?: number;
}

/** What `gate.on(channel)` and `core.on(channel)` answer. */
export interface Subscription<Before, After = Before> {
  before(phase: BeforePhase, handler: BeforeHandler<Before>, options?: SubscribeOptions): Subscription<Before, After>;
  after(phase: AfterPhase, handler: AfterHandler<After>, options?: SubscribeOptions): Subscription<Before, After>;
}

interface Subscriber {
  readonly phase: Phase;
  readonly rank: number;
  readonly owner: string;
  // Each channel's handlers are added and run with that channel's event type only: see `on` and `#handlers`.
  readonly handler: (event: never) => unknown;
}

/** All subscriptions of one gate. Inside a phase: by rank, then in the order in which they came, which is the order of `modules`. */
export class Bus {
  readonly #subscribers = new Map<Channel<unknown, unknown>, Subscriber[]>();
  readonly #report: (error: unknown, channel: string) => void;

  constructor(report: (error: unknown, channel: string) => void) {
    this.#report = report;
  }

  on<Before, After>(channel: Channel<Before, After>, owner: string): Subscription<Before, After> {
    const add = (phase: Phase, handler: (event: never) => unknown, options: SubscribeOptions = {}): Subscription<Before, After> => {
      if (typeof handler !== "function") throw new ConfigError([`channel "${channel.name}": a handler must be a function`]);
      const known = this.#subscribers.get(channel) ?? [];
      const next = [...known, { phase, rank: options.rank ?? rank.application, owner, handler }];
      this.#subscribers.set(
        channel,
        next.toSorted((one, other) => one.rank - other.rank),
      );
      return subscription;
    };
    // In plain JavaScript a phase may be misspelt: a guard that never runs lets everybody in.
    const only =
      <P extends Phase>(phases: readonly P[]) =>
      (phase: P, handler: (event: never) => unknown, options?: SubscribeOptions): Subscription<Before, After> => {
        if (phases.includes(phase)) return add(phase, handler, options);
        throw new ConfigError([`channel "${channel.name}": there is no phase "${phase}" here, only ${phases.join(" and ")}`]);
      };
    const subscription: Subscription<Before, After> = { before: only(BEFORE), after: only(AFTER) };
    return subscription;
  }

  /** Runs the guards and then the challenges; answers the first reply. */
  async before<Before>(channel: Channel<Before, unknown>, event: Before, phases: readonly BeforePhase[] = BEFORE): Promise<Reply | null> {
    for (const phase of phases) {
      for (const handler of this.#handlers<Before>(channel, phase)) {
        const reply = await handler(event);
        if (reply) return reply as Reply; // only before-handlers are stored under these phases
      }
    }
    return null;
  }

  /** Runs the records; the first throw ends it and is thrown on. */
  async record<After>(channel: Channel<unknown, After>, event: After): Promise<void> {
    for (const handler of this.#handlers<After>(channel, "record")) await handler(event);
  }

  /** Runs every notify handler; what one throws is reported and keeps no other from running. */
  async notify<After>(channel: Channel<unknown, After>, event: After): Promise<void> {
    for (const handler of this.#handlers<After>(channel, "notify")) {
      try {
        await handler(event);
      } catch (error) {
        this.#report(error, channel.name);
      }
    }
  }

  hears(channel: Channel<unknown, unknown>): boolean {
    return this.#subscribers.has(channel);
  }

  /** Who is subscribed where, in the order in which they run. */
  describe(): { readonly channel: string; readonly plan: readonly string[] }[] {
    const order: readonly Phase[] = [...BEFORE, ...AFTER];
    return [...this.#subscribers].map(([channel, subscribers]) => ({
      channel: channel.name,
      plan: order.flatMap((phase) => subscribers.filter((one) => one.phase === phase).map((one) => `${phase} ${one.rank} ${one.owner}`)),
    }));
  }

  #handlers<Event>(channel: Channel<unknown, unknown>, phase: Phase): ((event: Event) => unknown)[] {
    const subscribers = this.#subscribers.get(channel) ?? [];
    // `on` stored them with this very channel, so they take its event.
    return subscribers.filter((one) => one.phase === phase).map((one) => one.handler as (event: Event) => unknown);
  }
}
