/** Every capability that core knows of. @module */
export * from "./authable.ts";
export * from "./capability.ts";
export * from "./challenging.ts";
export * from "./confirmable.ts";
export * from "./counting.ts";
export * from "./creating.ts";
export * from "./disableable.ts";
export * from "./expirable.ts";
export * from "./lockable.ts";
export * from "./mail-queueing.ts";
export * from "./mailed-tokens.ts";
export * from "./recoverable.ts";
export * from "./rememberable.ts";
export * from "./server-storer.ts";
export * from "./session-keeping.ts";
