/** Castellan's core. @module */

export * from "./addresses.ts";
export * from "./capabilities/index.ts";
export * from "./errors.ts";
export * from "./hasher.ts";
export * from "./http/fields.ts";
export * from "./identifier.ts";
export * from "./keys.ts";
export * from "./logger.ts";
export * from "./messages.ts";
export * from "./pages/html.ts";
export * from "./pages/view.ts";
export * from "./random.ts";
export * from "./texts.ts";
export * from "./time.ts";
export * from "./tokens.ts";
export * from "./users.ts";
