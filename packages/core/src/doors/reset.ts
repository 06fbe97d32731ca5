/** The door to a new password by a mailed link. @module */
import { authable } from "../capabilities/authable.ts";
import { meets } from "../capabilities/capability.ts";
import type { TokenProof } from "../capabilities/mailed-tokens.ts";
import { type RecoverOperations, recoverable } from "../capabilities/recoverable.ts";
import type { Engine } from "../engine.ts";
import { ConfigError } from "../errors.ts";
import { changePassword as changePasswordChannel, finishRecovery as finishRecoveryChannel } from "../events.ts";
import type { Context } from "../http/context.ts";
import { refuse, refuseFields } from "../replies.ts";
import type { User } from "../users.ts";
import { problemOfPassword } from "./passwords.ts";
import type { Outcome } from "./proof.ts";

function recovering(engine: Engine): RecoverOperations {
  if (!meets(engine.storer, authable) || !meets(engine.storer, recoverable)) {
    throw new ConfigError([`recovery needs a storer with the capabilities "authable" and "recoverable": add their operations`]);
  }
  return engine.storer;
}

/** Mailed to an address that is not the user's any more, a link proves nothing. */
function isAddressOf(user: User, destination: string): boolean {
  const more: unknown = Reflect.get(user, "secondaryEmails");
  return Reflect.get(user, "email") === destination || (Array.isArray(more) && more.includes(destination));
}

/** Unknown, used, too old, made under another password: nobody is told which. */
export const linkInvalid = () => refuse(410, "link_invalid");

/**
 * Spends the token and sets the password in one step, which ends every sign-in, every remembered browser and every other link. What is wrong with the password stands on the field `password` and
 * leaves the token alive.
 */
export async function finishReset<U extends User>(
  engine: Engine<U>,
  ctx: Context<U> | null,
  proof: TokenProof | null,
  to: string,
): Promise<Outcome<U>> {
  const { storer, bus, clock, hasher } = engine;
  const rows = recovering(engine);
  const found = proof && (await rows.findRecovery(proof, clock.now()));
  const before = found && (await storer.load(found.pid));
  if (!proof || !before || !isAddressOf(before, found.destination)) return { refused: linkInvalid() };
  const problem = await problemOfPassword(engine, "password", to, before.login);
  if (problem) return { refused: refuseFields([problem]) };
  const event = { user: before, ctx, by: "reset" } as const;
  const refused = await bus.before(changePasswordChannel, event, ["guard"]);
  if (refused) return { refused };
  const done = await rows.finishRecovery(proof, await hasher.hash(to), clock.now());
  if (!done) return { refused: linkInvalid() };
  await storer.endSignIns(done.pid, null);
  const user = await storer.load(done.pid);
  if (!user) return { refused: linkInvalid() };
  engine.checkUser(user);
  const finished = { user, ctx, address: done.destination };
  await bus.record(finishRecoveryChannel, finished);
  await bus.record(changePasswordChannel, { ...event, user });
  await bus.notify(finishRecoveryChannel, finished);
  await bus.notify(changePasswordChannel, { ...event, user });
  return { ok: user };
}
