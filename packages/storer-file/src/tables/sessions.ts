/** Rows for express-session in the memory storer. @module */
import type { SessionOperations } from "@castellan/core";
import { isOver, type Operation, type Tables } from "./tables.ts";

export function sessionOperations({ sessions }: Tables, operation: Operation): SessionOperations {
  return {
    loadSession: operation("loadSession", (key, now) => {
      const session = sessions.get(key);
      return session && !isOver(session.expiresAt, now) ? session : null;
    }),
    saveSession: operation("saveSession", (key, { data, expiresAt }) => {
      sessions.set(key, { data, expiresAt });
    }),
    touchSession: operation("touchSession", (key, expiresAt) => {
      const session = sessions.get(key);
      if (session) sessions.set(key, { ...session, expiresAt });
    }),
    destroySession: operation("destroySession", (key) => {
      sessions.delete(key);
    }),
  };
}
