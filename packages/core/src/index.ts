/** Castellan's core. @module */
export * from "./capabilities/index.ts";
export * from "./errors.ts";
export * from "./hasher.ts";
export * from "./logger.ts";
export * from "./messages.ts";
export * from "./random.ts";
export * from "./time.ts";
export * from "./users.ts";
