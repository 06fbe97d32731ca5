/** Castellan's test kit: conformance suites, a storer in memory, and the parts of a test harness. @module */

export type { CounterRow, TableUser as MemoryUser, UserRow } from "@castellan/storer-file/tables";
export {
  type Answer,
  type BrowserClient,
  type BrowserOptions,
  browserClient,
  type FormValues,
  type Headers,
  type RequestHabits,
  type RequestOptions,
  type SubmitOptions,
} from "./browser/client.ts";
export type { Cookie, SameSite } from "./browser/cookie.ts";
export { type CookieJar, type CookieJarOptions, cookieJar, type SendContext } from "./browser/cookie-jar.ts";
export type { Button, Entered, Field, FormParts } from "./browser/form.ts";
export type { Mode } from "./browser/initiator.ts";
export type { Form, Link, Page, Problem } from "./browser/page.ts";
export { type ManualClock, manualClock } from "./clock.ts";
export * from "./conformance/index.ts";
export { type Harness, type HarnessOptions, type HarnessParts, harness, type LogLine, TEST_SECRET } from "./harness.ts";
export { type CountingHasher, countingHasher } from "./hasher.ts";
export { type Listening, listen } from "./listen.ts";
export { type MemoryDump, type MemoryStorer, memoryStorer } from "./memory-storer.ts";
export { seededRandom } from "./random.ts";
