/** Waits for others, but not for ever. @module */
import type { Duration } from "@castellan/core";

/** What `work` resolves to; rejects when that takes longer than `patience`. The work itself goes on: nobody can call it back. */
export async function within<T>(patience: Duration, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patience / 1000} seconds`)), patience);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
