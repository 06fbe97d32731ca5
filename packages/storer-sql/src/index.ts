/** What all SQL storers share: their users, and the seam that a further database fills. The storers themselves have an entry each. @module */
export type { Awaitable, Database, Statement, Value } from "./database.ts";
export type { SqlUser } from "./operations/users.ts";
