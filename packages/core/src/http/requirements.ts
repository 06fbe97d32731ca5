/** What `gate.require()` asks of whoever is signed in, why somebody is not let in, and which screen helps. @module */
import type { FactorProof } from "../capabilities/server-storer.ts";
import type { Engine } from "../engine.ts";
import type { RequireOptions } from "../gate-types.ts";
import type { Current } from "../sign-ins.ts";
import { before } from "../time.ts";
import type { User } from "../users.ts";

/**
 * Where somebody who is signed in in full gives a proof afresh: a path below the mount whose GET shows a form, or `null` when this screen cannot help this user. `methods` are those of which one will do;
 * `null`: any proof will.
 */
export type StepUpScreen = (user: User, methods: ReadonlySet<string> | null) => string | null;

/** Why somebody is not let in. */
export interface Lack {
  readonly reason: string;
  /** What a proof afresh must be of; `null` where any will do. */
  readonly methods: ReadonlySet<string> | null;
}

/** What `current` lacks, or `null`. */
export function lackOf<U extends User>(engine: Engine<U>, current: Current<U> | null, options: RequireOptions): Lack | null {
  const { level = "half", twoFactored = false, factors, within } = options;
  const methods = factors ? new Set(factors) : twoFactored ? new Set(engine.secondFactors.keys()) : null;
  if (!current) return { reason: "login_required", methods };
  const { signIn } = current;
  const isFull = signIn.level === "full";
  if (level === "full" && !isFull) return { reason: "full_login_required", methods };
  const given = isFull ? signIn.factors.filter(({ method }) => methods?.has(method) ?? true) : [];
  if (methods !== null && given.length === 0) return { reason: "second_factor_missing", methods };
  if (within === undefined) return null;
  const oldest = before(engine.clock.now(), within);
  const isFresh = ({ at }: FactorProof): boolean => at >= oldest;
  return given.some(isFresh) ? null : { reason: "recent_login_required", methods };
}

export const hasSecondFactor = <U extends User>({ secondFactors }: Engine<U>, { signIn }: Current<U>): boolean =>
  signIn.level === "full" && signIn.factors.some(({ method }) => secondFactors.has(method));

/** The screen that helps, below the mount. Half a sign-in becomes a whole one at the login page only. */
export function screenFor<U extends User>({ screens }: Engine<U>, current: Current<U> | null, { methods }: Lack): string | null {
  if (current?.signIn.level !== "full") return null;
  for (const screen of screens) {
    const path = screen(current.user, methods);
    if (path !== null) return path;
  }
  return null;
}
