import { type Limit, minutes, seconds } from "@castellan/core";
import { conformance, countingConformance, manualClock, memoryStorer } from "@castellan/testkit";
import { describe, expect, it } from "vitest";
import { Limiter, memoryCounts } from "../dist/limits.js";

/** Counters in memory have nothing to sweep and nothing to close. */
const ofStorers = [
  "sweeps counters whose window has ended, and forgets none that is running",
  "rejects once it is closed, and never says that a use was admitted",
];
const counters = { ...countingConformance, cases: countingConformance.cases.filter(({ title }) => !ofStorers.includes(title)) };

describe("counters in memory", () => {
  it("keep every promise of the capability but those two", () => {
    expect(counters.cases).toHaveLength(countingConformance.cases.length - ofStorers.length);
  });

  conformance(() => ({ ...memoryStorer(), ...memoryCounts() }), { describe, it }, [counters]);
});

describe("a use that is taken back", () => {
  it("makes room for exactly one, however many were refused before", async () => {
    const [counts, now] = [memoryCounts(), new Date(0)];
    const use = async () => (await counts.countUse("key", 2, 1000, now)).admitted;
    expect([await use(), await use(), await use(), await use()]).toEqual([true, true, false, false]);
    await counts.takeBackUse("key", now);
    expect([await use(), await use()]).toEqual([true, false]);
  });
});

describe("the memory that counters take", () => {
  const use = (counts: ReturnType<typeof memoryCounts>, key: string, at: number, windowMs = 1000) =>
    counts.countUse(key, 1, windowMs, new Date(at));
  /** How many of `keys` are still counted: their one use is spent. */
  const remembered = async (counts: ReturnType<typeof memoryCounts>, keys: readonly string[], at: number) => {
    let known = 0;
    for (const key of keys) if (!(await use(counts, key, at)).admitted) known += 1;
    return known;
  };
  const keysOf = (count: number, name = "key") => Array.from({ length: count }, (_, index) => `${name} ${index}`);

  it("is bounded: of more keys than fit, some are forgotten", async () => {
    const counts = memoryCounts(100);
    for (const key of keysOf(100)) await use(counts, key, 0);
    await use(counts, "one more", 0);
    expect(await remembered(counts, ["one more"], 0)).toBe(1);
    // Looking at a forgotten key would push out another one: ask for those that must still be there.
    expect(await remembered(counts, keysOf(100).slice(10), 0)).toBe(90);
  });

  it("is first made free of windows that have ended, and then nothing that runs is forgotten", async () => {
    const counts = memoryCounts(100);
    for (const key of keysOf(50, "over")) await use(counts, key, 0, 10);
    for (const key of keysOf(50, "running")) await use(counts, key, 0, 1000);
    for (const key of keysOf(50, "new")) await use(counts, key, 10, 1000);
    expect(await remembered(counts, [...keysOf(50, "running"), ...keysOf(50, "new")], 20)).toBe(100);
  });

  it("forgets first what would have ended soonest, so that a flood of short windows does not free a long one", async () => {
    const counts = memoryCounts(100);
    for (const key of keysOf(10, "locked")) await use(counts, key, 0, 100_000);
    for (const key of keysOf(5000, "flood")) await use(counts, key, 1, 1000);
    expect(await remembered(counts, keysOf(10, "locked"), 2)).toBe(10);
  });

  it("takes a flood of keys without growing slow", async () => {
    const counts = memoryCounts(10_000);
    for (const key of keysOf(100_000)) await use(counts, key, 0);
    expect(await remembered(counts, keysOf(100_000).slice(-9000), 0)).toBe(9000);
  });

  it("may be as little as one key", async () => {
    const counts = memoryCounts(1);
    expect((await use(counts, "a", 0)).admitted).toBe(true);
    expect((await use(counts, "a", 0)).admitted).toBe(false);
    expect((await use(counts, "b", 0)).admitted).toBe(true);
    expect((await use(counts, "b", 0)).admitted).toBe(false);
  });
});

describe("a limit", () => {
  const limit: Limit = { name: "auth/login", by: "network", max: 2, per: minutes(1) };
  const limiter = () => {
    const clock = manualClock();
    return { clock, limiter: new Limiter(memoryCounts(), clock) };
  };

  it("admits as often as it says, and tells in how many seconds to come back", async () => {
    const { clock, limiter: limits } = limiter();
    expect(await limits.use(limit, "a")).toEqual({ admitted: true });
    clock.advance(seconds(10));
    expect(await limits.use(limit, "a")).toEqual({ admitted: true });
    expect(await limits.use(limit, "a")).toEqual({ admitted: false, retryAfter: 50 });
    clock.advance(seconds(49.5));
    expect(await limits.use(limit, "a")).toEqual({ admitted: false, retryAfter: 1 });
    clock.advance(seconds(0.5));
    expect(await limits.use(limit, "a")).toEqual({ admitted: true });
  });

  it("counts each for themselves, and each limit for itself", async () => {
    const { limiter: limits } = limiter();
    await limits.use(limit, "a");
    await limits.use(limit, "a");
    expect(await limits.use(limit, "b")).toEqual({ admitted: true });
    expect(await limits.use({ ...limit, name: "auth/other" }, "a")).toEqual({ admitted: true });
    expect((await limits.use(limit, "a")).admitted).toBe(false);
  });

  it("takes a use back, and forgets them all", async () => {
    const { limiter: limits } = limiter();
    await limits.use(limit, "a");
    await limits.use(limit, "a");
    await limits.takeBack(limit, "a");
    expect((await limits.use(limit, "a")).admitted).toBe(true);
    expect((await limits.use(limit, "a")).admitted).toBe(false);
    await limits.forget(limit, "a");
    expect((await limits.use(limit, "a")).admitted).toBe(true);
  });

  it("gives the storer keys of at most 200 characters, and never the same one to two people", async () => {
    const keys: string[] = [];
    const counts = memoryCounts();
    const countUse: typeof counts.countUse = (key, ...rest) => {
      keys.push(key);
      return counts.countUse(key, ...rest);
    };
    const limits = new Limiter({ ...counts, countUse }, manualClock());
    const people = ["a", "b", `${"x".repeat(500)}1`, `${"x".repeat(500)}2`, "x".repeat(100), "x".repeat(101)];
    for (const who of people) await limits.use(limit, who);
    expect(new Set(keys).size).toBe(people.length);
    for (const key of keys) expect(key.length).toBeLessThanOrEqual(200);
  });
});
