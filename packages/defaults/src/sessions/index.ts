export { type AdoptedSessionOptions, adoptedSession } from "./adopted-session.ts";
export { type ExpressSessionsOptions, expressSessions } from "./express-sessions.ts";
