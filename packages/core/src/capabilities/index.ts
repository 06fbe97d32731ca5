/** Every capability that core knows of. @module */
export * from "./authable.ts";
export * from "./capability.ts";
export * from "./challenging.ts";
export * from "./counting.ts";
export * from "./creating.ts";
export * from "./disableable.ts";
export * from "./server-storer.ts";
export * from "./session-keeping.ts";
