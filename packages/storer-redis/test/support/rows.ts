/** Storers on a server of the test, and sample rows for them. @module */
import { type RedisOptions, type RedisStorer, redis } from "@castellan/storer-redis";
import { onTestFinished } from "vitest";

export * from "../../../../test/support/sample-rows.ts";

/** A storer in a prefix of its own, closed when the test is over. */
export async function openStorer(options: RedisOptions): Promise<RedisStorer> {
  const storer = await redis({ prefix: newPrefix(), dangerouslyAllowLoss: true, onWarning: () => {}, ...options });
  onTestFinished(() => storer.close());
  return storer;
}

let prefixes = 0;

export const newPrefix = (): string => `test-${prefixes++}`;
