/** One session of express-session in the hands of core. @module */
import type { IncomingMessage, ServerResponse } from "node:http";
import { cookieLine, type JsonValue, type Session, setCookie } from "@castellan/core";
import type session from "express-session";

/** Where express-session puts what it loads: the request, or a view of it. */
export interface Carrier extends IncomingMessage {
  session?: (session.Session & { castellan?: Record<string, JsonValue> }) | undefined;
  sessionID?: string;
  sessionStore?: session.Store;
}

export interface CookieSettings {
  readonly name: string;
  readonly secure: boolean;
}

type Callback = (error?: unknown) => void;

const settled = (run: (done: Callback) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    run((error) => (error ? reject(error) : resolve()));
  });

const GONE = "the session was destroyed in this request";

/** Runs what ends the session `id`. */
export type Ending = (id: string, work: () => void) => void;

/** The session that `carrier` holds. What the suite keeps lives under one key, so that it never meets the application's own. */
export function loadedSession(carrier: Carrier, res: ServerResponse, cookie: CookieSettings, ending: Ending): Session {
  const current = (): NonNullable<Carrier["session"]> => {
    if (!carrier.session) throw new Error(GONE);
    return carrier.session;
  };
  const kept = (keep: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(keep.filter((key) => Object.hasOwn(current(), key)).map((key) => [key, Reflect.get(current(), key)]));
  let isChanged = false;

  const renew = async (values: Record<string, unknown>): Promise<Session> => {
    await settled((done) => ending(current().id, () => current().regenerate(done)));
    Object.assign(current(), values);
    return loadedSession(carrier, res, cookie, ending);
  };

  return {
    id: current().id,
    get: (key) => current().castellan?.[key],
    put(key, value) {
      const session = current();
      session.castellan = { ...session.castellan, [key]: value };
      isChanged = true;
    },
    delete(key) {
      const { [key]: _, ...others } = current().castellan ?? {};
      current().castellan = others;
      isChanged = true;
    },
    async save() {
      if (!isChanged || !carrier.session) return;
      await settled((done) => current().save(done));
      isChanged = false;
    },
    regenerate: (keep) => renew(kept(keep)),
    async destroy(keep) {
      const values = kept(keep);
      if (Object.keys(values).length > 0) {
        const next = await renew(values);
        await next.save();
        return;
      }
      await settled((done) => ending(current().id, () => current().destroy(done)));
      setCookie(res, cookie.name, cookieLine(cookie.name, "", { secure: cookie.secure, maxAge: 0 }));
    },
  };
}
