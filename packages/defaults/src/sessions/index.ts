export { type AdoptedSessionOptions, adoptedSession } from "./adopted-session.ts";
export { type ExpressSessionsOptions, expressSessions } from "./express-sessions.ts";
export { readHttpauthCookie } from "./httpauth-cookie.ts";
export { type CookieHolder, type SealedCookie, type SealedCookieOptions, sealedCookie } from "./sealed-cookie.ts";
export { type SealedSessionsOptions, sealedSessions } from "./sealed-sessions.ts";
