/** The second factors of one gate: each factor's module registers here, and the module `twofactor` goes by what is registered. @module */
import { type Context, type Core, defineShared, type User } from "@castellan/core";
import type { FactorFlows } from "./flows.ts";

/** A second factor, as its module registers it. */
export interface SecondFactor {
  /** The method of its proofs, for example `"totp"`. */
  readonly method: string;
  /** Text key of its name. */
  readonly label: string;
  /** The strongest that a person has is offered first: 20 for TOTP, 10 for SMS. */
  readonly strength: number;
  /** Paths below the mount: where a code is given, where it is set up, and where it is removed. */
  readonly paths: { readonly validate: string; readonly setup: string; readonly remove: string };
  isSetUp(user: User): boolean;
  /** What tells a person which one it is (the end of a number), never whole; `null` for nothing. */
  detail(user: User): string | null;
  /** A login waits for this factor: for example sends a code. Answers the reason why that failed, or `null`. Never throws for what the world does. */
  offer(ctx: Context, user: User): Promise<string | null>;
  /** Turns it off for this user as loaded, in one step that advances the epoch. Answers the new epoch, or `null` when nothing changed. */
  disable(user: User): Promise<number | null>;
}

/** What the factors of one gate and the module `twofactor` share. */
export class FactorDesk {
  readonly #factors: SecondFactor[] = [];
  #flows: FactorFlows | null = null;

  /** Called by a factor's module when it starts. */
  register(core: Core, factor: SecondFactor): void {
    core.challenges.counts(factor.method, (user) => factor.isSetUp(user));
    this.#factors.push(factor);
    this.#factors.sort((one, other) => other.strength - one.strength);
  }

  /** Every factor that the application offers, the strongest first. */
  get all(): readonly SecondFactor[] {
    return this.#factors;
  }

  /** Those that the user has, the strongest first. */
  of(user: User): readonly SecondFactor[] {
    return this.#factors.filter((factor) => factor.isSetUp(user));
  }

  /** Called by the module `twofactor`, once. */
  open(flows: FactorFlows): void {
    this.#flows = flows;
  }

  /** What every factor's routes go through. Known once all modules have started. */
  get flows(): FactorFlows {
    if (!this.#flows) throw new TypeError("the module `twofactor` has not started: ask for its flows in a handler, not in `start`");
    return this.#flows;
  }
}

const desk = defineShared("twofactor", () => new FactorDesk());

/** The desk of this gate. */
export const factorDesk = (core: Core): FactorDesk => core.shared(desk);
