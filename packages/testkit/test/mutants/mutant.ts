/** Storers that are broken on purpose, each in one way: a suite that lets one of them pass proves nothing. @module */
import assert from "node:assert/strict";
import { failuresOf, type MemoryStorer, memoryStorer, type Suite } from "@castellan/testkit";
import { describe, it } from "vitest";

/** What is wrong, and the operations that make it so, written over those of a storer that is right. */
export type Mutants = Readonly<Record<string, (storer: MemoryStorer) => Partial<MemoryStorer>>>;

/** Lets everything else that is waiting go first, as a second round trip to a database would. */
export const roundTrip = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const LONG_AGO = new Date(0);
export const earlier = (moment: Date): Date => new Date(moment.getTime() - 1);
export const later = (moment: Date): Date => new Date(moment.getTime() + 1);
export const wholeSeconds = (moment: Date): Date => new Date(Math.floor(moment.getTime() / 1_000) * 1_000);

export function catches(suite: Suite<MemoryStorer>, mutants: Mutants): void {
  describe(`the suite "${suite.name}" catches a storer that`, () => {
    for (const [fault, change] of Object.entries(mutants)) {
      it(fault, async () => {
        const make = (): MemoryStorer => {
          const storer = memoryStorer();
          return { ...storer, ...change(storer) };
        };
        const failures = await failuresOf({ make, removeUser: (storer, pid) => storer.removeUser(pid) }, suite);
        assert.ok(failures.length > 0, "nothing was found wrong");
        // It must be found by an assertion, and not because the broken storer itself crashed.
        for (const { title, error } of failures) assert.equal(error instanceof assert.AssertionError, true, `${title}: ${error}`);
      });
    }
  });
}
