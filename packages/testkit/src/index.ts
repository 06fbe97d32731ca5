/** Castellan's test kit: conformance suites, a storer in memory, and the parts of a test harness. @module */
export * from "./conformance/index.ts";
export { type MemoryDump, type MemoryStorer, memoryStorer } from "./memory/storer.ts";
export type { CounterRow, UserRow } from "./memory/tables.ts";
export type { MemoryUser } from "./memory/users.ts";
