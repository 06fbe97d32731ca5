import { after, before, days, hours, minutes, seconds, systemClock } from "@castellan/core";
import { manualClock } from "@castellan/testkit";
import { describe, expect, it } from "vitest";

describe("a duration", () => {
  it("is a whole number of milliseconds, whatever its unit", () => {
    expect([seconds(1), minutes(1), hours(1), days(1)]).toEqual([1000, 60_000, 3_600_000, 86_400_000]);
    expect([seconds(0.0014), minutes(0.5), days(0)]).toEqual([1, 30_000, 0]);
  });

  it.each([-1, -0.001, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("is neither negative nor endless: %s", (count) => {
    for (const make of [seconds, minutes, hours, days]) expect(() => make(count)).toThrow(RangeError);
  });

  it.each([undefined, "x", {}, Number.MAX_VALUE])("is a number, in plain JavaScript too: %s", (count) => {
    expect(() => Reflect.apply(days, null, [count])).toThrow(RangeError);
  });
});

describe("a moment", () => {
  const noon = new Date("2026-03-29T12:00:00.000Z");

  it("lies after and before another by exact milliseconds, summer time or not", () => {
    expect(after(noon, days(1))).toEqual(new Date("2026-03-30T12:00:00.000Z"));
    expect(before(noon, days(1))).toEqual(new Date("2026-03-28T12:00:00.000Z"));
    expect(before(after(noon, hours(7)), hours(7))).toEqual(noon);
  });

  it("is not moved by asking", () => {
    after(noon, days(1));
    before(noon, days(1));
    expect(noon.toISOString()).toBe("2026-03-29T12:00:00.000Z");
  });
});

describe("a clock", () => {
  it("hands out a moment of its own each time", () => {
    for (const clock of [systemClock, manualClock()]) {
      const moment = clock.now();
      moment.setTime(0);
      expect(clock.now().getTime()).toBeGreaterThan(0);
    }
  });
});
