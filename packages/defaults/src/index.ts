/** What Castellan's seams are filled with. @module */
export * from "./mail/index.ts";
export * from "./pages/index.ts";
export * from "./passwords/index.ts";
export * from "./sessions/index.ts";
export * from "./sms/index.ts";
export * from "./storers/index.ts";
