import assert from "node:assert/strict";
import { minutes, randomText } from "@castellan/core";
import { manualClock, seededRandom } from "@castellan/testkit";
import { describe, it } from "vitest";

describe("a manual clock", () => {
  it("stands still until it is moved", () => {
    const clock = manualClock();
    assert.deepEqual(clock.now(), new Date("2026-01-01T00:00:00.000Z"));
    clock.advance(minutes(5));
    assert.deepEqual(clock.now(), new Date("2026-01-01T00:05:00.000Z"));
    clock.set(new Date(7));
    assert.deepEqual(clock.now(), new Date(7));
  });

  it("hands out moments that nobody can move it by", () => {
    const start = new Date(1_000);
    const clock = manualClock(start);
    start.setTime(0);
    clock.now().setTime(0);
    assert.deepEqual(clock.now(), new Date(1_000));
  });
});

describe("seeded random", () => {
  it("repeats itself for the same seed, and not within itself", () => {
    const [one, two] = [seededRandom("a"), seededRandom("a")];
    const texts = Array.from({ length: 100 }, () => randomText(one, 16));
    assert.deepEqual(
      Array.from({ length: 100 }, () => randomText(two, 16)),
      texts,
    );
    assert.equal(new Set(texts).size, 100);
    assert.notEqual(randomText(seededRandom("b"), 16), texts[0]);
  });

  it("gives as many bytes as it is asked for", () => {
    const random = seededRandom("a");
    for (const count of [0, 1, 31, 32, 33, 1_000]) assert.equal(random.bytes(count).length, count);
  });
});
