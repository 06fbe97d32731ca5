/** What a browser holds by its session id: a sign-in, and challenges that wait. It ends before the browser gets another id. @module */
import { meets } from "../capabilities/capability.ts";
import { challenging } from "../capabilities/challenging.ts";
import type { Engine } from "../engine.ts";
import type { Context } from "../http/context.ts";
import { digest } from "../keys.ts";
import { signInKey } from "../sign-ins.ts";

/** What a challenge is bound to: this browser's session, of which only a hash is stored. */
export const challengeKey = (sessionId: string): string => digest("challenge", sessionId);

/** Ends the sign-in of this browser session and what waits in it, so that nobody gets in by the old id. The sign-in first: it is worth more. */
export async function endHeld({ storer }: Engine, ctx: Context): Promise<void> {
  const id = ctx.sessionId;
  if (id === null) return;
  await storer.endSignIn(signInKey(id));
  if (meets(storer, challenging)) await storer.endChallengesOfSession(challengeKey(id));
}
