/** The doors out: one browser, some, all, and for good. @module */
import { meets } from "../capabilities/capability.ts";
import { disableable } from "../capabilities/disableable.ts";
import type { Engine } from "../engine.ts";
import { ConfigError } from "../errors.ts";
import {
  disable as disableChannel,
  enable as enableChannel,
  leaveBrowser as leaveBrowserChannel,
  logout as logoutChannel,
  revoke as revokeChannel,
} from "../events.ts";
import type { Context } from "../http/context.ts";
import type { Reply } from "../replies.ts";
import { signInKey } from "../sign-ins.ts";
import type { User } from "../users.ts";
import { endHeld } from "./held.ts";

/** Ends this browser's sign-in, its session and what waits in it, also where nobody is signed in yet. A guard may refuse. Answers the refusal, or `null`. */
export async function logout<U extends User>(engine: Engine<U>, ctx: Context<U>): Promise<Reply | null> {
  const { bus } = engine;
  const current = await ctx.current();
  const event = current && { user: current.user, signIn: current.signIn, ctx };
  const refused = event && (await bus.before(logoutChannel, event, ["guard"]));
  if (refused) return refused;
  // The rows first: from here on the browser is signed out, whatever happens to the session.
  await endHeld(engine, ctx);
  await ctx.dropSession();
  ctx.becomes(null);
  if (event) await bus.record(logoutChannel, event);
  await bus.record(leaveBrowserChannel, { ctx });
  if (event) await bus.notify(logoutChannel, event);
  return null;
}

/** Which sign-ins of a user to end. */
export type Which = "all" | { readonly id: string } | { readonly exceptThatOf: Context };

/** Ends one, the other or all sign-ins of a user. `"all"` advances the epoch too, so that mailed tokens and pending logins end as well. Answers how many rows ended. */
export async function revoke<U extends User>(engine: Engine<U>, pid: string, which: Which): Promise<number> {
  const { storer, bus } = engine;
  const ctx = typeof which === "object" && "exceptThatOf" in which ? which.exceptThatOf : null;
  const event = { pid, ctx, which: which === "all" ? "all" : ctx ? "others" : "one" } as const;
  if (which === "all") await storer.advanceEpoch(pid);
  const ended = await endRows(engine, pid, which);
  await bus.record(revokeChannel, event);
  await bus.notify(revokeChannel, event);
  return ended;
}

async function endRows<U extends User>({ storer }: Engine<U>, pid: string, which: Which): Promise<number> {
  if (which === "all") return storer.endSignIns(pid, null);
  if ("id" in which) return (await storer.endSignInOf(pid, which.id)) ? 1 : 0;
  const id = which.exceptThatOf.sessionId;
  return storer.endSignIns(pid, id === null ? null : signInKey(id));
}

const NEEDS_DISABLING = `disabling users needs a storer with the capability "disableable": add its operations and the field \`disabledAt\``;

/** Puts a user out: ends every sign-in and refuses new ones. Answers whether there is such a user. */
export async function disable<U extends User>(engine: Engine<U>, pid: string): Promise<boolean> {
  const { storer, bus, clock } = engine;
  if (!meets(storer, disableable)) throw new ConfigError([NEEDS_DISABLING]);
  if (!(await storer.disableUser(pid, clock.now()))) return false;
  await storer.endSignIns(pid, null);
  await bus.record(disableChannel, { pid });
  await bus.notify(disableChannel, { pid });
  return true;
}

/** Lets a user sign in again. Answers whether there is such a user. */
export async function enable<U extends User>(engine: Engine<U>, pid: string): Promise<boolean> {
  const { storer, bus } = engine;
  if (!meets(storer, disableable)) throw new ConfigError([NEEDS_DISABLING]);
  if (!(await storer.enableUser(pid))) return false;
  await bus.record(enableChannel, { pid });
  await bus.notify(enableChannel, { pid });
  return true;
}
