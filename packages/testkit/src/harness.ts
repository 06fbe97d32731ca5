/** An application with a gate, a browser in front of it, and everything that a test wants to hold in its hands. @module */
import type { RequestListener } from "node:http";
import type { GateBase, LogFields, Logger, Random, User } from "@castellan/core";
import { type BrowserClient, type BrowserOptions, browserClient } from "./browser/client.ts";
import { type ManualClock, manualClock } from "./clock.ts";
import { type CountingHasher, countingHasher } from "./hasher.ts";
import { listen } from "./listen.ts";
import { type MemoryStorer, memoryStorer } from "./memory-storer.ts";
import { seededRandom } from "./random.ts";

export interface LogLine {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: LogFields;
}

/** Options of a gate that suit a test: an `https:` address, fixed time and chance, a storer in memory, a hasher that costs nothing. */
export interface HarnessOptions {
  readonly rootUrl: string;
  readonly keys: readonly string[];
  readonly storer: MemoryStorer;
  readonly hasher: CountingHasher;
  readonly clock: ManualClock;
  readonly random: Random;
  readonly logger: Logger;
  readonly sweepEvery: null;
}

/** A secret for sessions, as long as it must be. For tests only. */
export const TEST_SECRET = "a-secret-of-the-tests-0123456789-abcdefghijkl";
const TEST_KEY = "a-key-of-the-tests-9876543210-zyxwvutsrqponm";

export interface HarnessParts<G> {
  /** Makes the gate from the given options; change what the test is about. */
  readonly gate: (options: HarnessOptions) => G;
  /** Makes the application around the gate. */
  readonly app: (gate: G) => RequestListener;
  /** @default "https://app.example.test" */
  readonly rootUrl?: string;
}

export interface Harness<G> extends Omit<HarnessOptions, "logger" | "sweepEvery" | "keys"> {
  readonly gate: G;
  /** Where the application listens. */
  readonly url: string;
  readonly log: readonly LogLine[];
  /** A new browser, with an empty jar, that reaches the application at `rootUrl`. */
  browser(options?: BrowserOptions): BrowserClient;
  close(): Promise<void>;
}

/** Starts an application on a free port. Close it at the end of the test. */
export async function harness<G extends Pick<GateBase<User>, "ready" | "close">>(parts: HarnessParts<G>): Promise<Harness<G>> {
  const rootUrl = parts.rootUrl ?? "https://app.example.test";
  const log: LogLine[] = [];
  const line =
    (level: keyof Logger) =>
    (message: string, fields: LogFields = {}): void => {
      log.push({ level, message, fields });
    };
  const logger: Logger = { info: line("info"), warn: line("warn"), error: line("error") };
  const options: HarnessOptions = {
    rootUrl,
    keys: [TEST_KEY],
    storer: memoryStorer(),
    hasher: countingHasher(),
    clock: manualClock(),
    random: seededRandom("harness"),
    logger,
    sweepEvery: null,
  };
  const gate = parts.gate(options);
  const server = await listen(parts.app(gate));
  const { storer, hasher, clock, random } = options;
  return {
    gate,
    rootUrl,
    storer,
    hasher,
    clock,
    random,
    log,
    url: server.url,
    browser: (habits = {}) => browserClient(server.url, { origin: new URL(rootUrl).origin, clock, ...habits }),
    async close() {
      await server.close();
      await gate.close();
    },
  };
}
