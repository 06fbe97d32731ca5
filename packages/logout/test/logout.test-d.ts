/** What must not compile: options that the module does not know, and a storer that is none. @module */
import { logout } from "@castellan/logout";
import { castellan, type Reply, type ServerStorer, type SessionAdapter, type User } from "castellan";
import type { Request } from "express";

declare const sessions: SessionAdapter;
declare const req: Request;
const options = { rootUrl: "https://app.example.com", keys: ["k"], sessions };

/** Signing out asks for nothing beyond what every storer has. */
declare const plain: ServerStorer<User>;
const gate = castellan({ ...options, storer: plain, modules: { logout: logout({ afterLogout: "/bye" }) } });
gate.logout.logout(req) satisfies Promise<Reply | null>;

/** A storer whose sign-ins cannot be ended. */
declare const endless: Omit<ServerStorer<User>, "endSignIn">;
castellan({
  ...options,
  // @ts-expect-error: endSignIn is missing; without it a sign-out would be a wish
  storer: endless,
  modules: { logout: logout() },
});

// @ts-expect-error: there is no such option; GET is switched on by a name that a reviewer sees
logout({ allowGet: true });
