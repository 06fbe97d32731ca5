/** Browser sessions that the application loads itself. @module */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type SessionAdapter, type SessionSetup, type Sessions, Unavailable } from "@castellan/core";
import { type Carrier, loadedSession } from "./loaded-session.ts";

export interface AdoptedSessionOptions {
  /** The name of the application's session cookie, to be removed at sign-out. @default "connect.sid" */
  readonly cookieName?: string;
}

/**
 * For an application that mounts express-session itself, before `gate.clientState()`. Not promised then: that sessions are loaded only when somebody looks, that their ids are stored
 * hashed, and the cookie's attributes.
 */
export function adoptedSession(options: AdoptedSessionOptions = {}): SessionAdapter {
  return { problems: () => [], start: (setup) => adopted(options.cookieName ?? "connect.sid", setup) };
}

function adopted(name: string, { secure }: SessionSetup): Sessions {
  const carrierOf = (req: IncomingMessage): Carrier => {
    const carrier: Carrier = req;
    // Missing too when the store is away: express-session then goes on without one, and nobody must get in by that.
    if (!carrier.session)
      throw new Unavailable("req.session is missing: mount express-session before gate.clientState(), and see whether its store is up");
    return carrier;
  };
  return {
    cookieName: name,
    idOf(req) {
      const { session, sessionID } = carrierOf(req);
      return session?.castellan && sessionID !== undefined ? sessionID : null;
    },
    attach: () => undefined,
    open: async (req: IncomingMessage, res: ServerResponse) => loadedSession(carrierOf(req), res, { name, secure }, (_, work) => work()),
  };
}
