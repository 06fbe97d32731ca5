/** The tables and their operations, for whoever keeps them elsewhere than in a file: the testkit keeps them in memory. @module */
export { type TableStorer, tableOperations } from "./operations.ts";
export {
  type AttemptRow,
  type CounterRow,
  emptyTables,
  type LinkRow,
  type Operation,
  type SeriesRow,
  type Tables,
  type UserRow,
} from "./tables.ts";
export type { TableUser } from "./users.ts";
