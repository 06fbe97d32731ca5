import { ConfigError, defineChannel, rank, redirect, refuse } from "@castellan/core";
import { beforeEach, describe, expect, it } from "vitest";
import { Bus } from "../dist/channels.js";

interface Happening {
  readonly who: string;
}

const happen = defineChannel<Happening>("happen");
const event: Happening = { who: "ann" };

let seen: string[] = [];
let reported: { readonly error: unknown; readonly channel: string }[] = [];
let bus = new Bus(() => undefined);
const note = (what: string) => () => void seen.push(what);
/** A before-handler that has nothing to say. */
const pass = (what: string) => () => {
  seen.push(what);
  return undefined;
};

beforeEach(() => {
  seen = [];
  reported = [];
  bus = new Bus((error, channel) => reported.push({ error, channel }));
});

describe("a channel", () => {
  it("runs guards, then challenges, then the action, then records, then what is only told, whoever came first", async () => {
    bus.on(happen, "a").after("notify", note("notify")).after("record", note("record"));
    bus.on(happen, "b").before("challenge", pass("challenge")).before("guard", pass("guard"));
    expect(await bus.before(happen, event)).toBeNull();
    note("action")();
    await bus.record(happen, event);
    await bus.notify(happen, event);
    expect(seen).toEqual(["guard", "challenge", "action", "record", "notify"]);
  });

  it("runs handlers of a side only when that side is fired (T04.01)", async () => {
    bus.on(happen, "a").before("guard", pass("before")).after("record", note("after"));
    await bus.before(happen, event);
    expect(seen).toEqual(["before"]);
    await bus.record(happen, event);
    expect(seen).toEqual(["before", "after"]);
    await bus.notify(happen, event);
    expect(seen).toEqual(["before", "after"]);
  });

  it("runs only the phases that are asked for: a second factor runs the guards again, and no challenge", async () => {
    bus.on(happen, "a").before("guard", pass("guard")).before("challenge", pass("challenge"));
    await bus.before(happen, event, ["guard"]);
    await bus.before(happen, event, ["challenge"]);
    expect(seen).toEqual(["guard", "challenge"]);
  });

  it("keeps its handlers to itself, also from a channel of the same name", async () => {
    const namesake = defineChannel<Happening>("happen");
    bus.on(happen, "a").before("guard", () => refuse(403, "no"));
    expect(await bus.before(namesake, event)).toBeNull();
    expect(await new Bus(() => undefined).before(happen, event)).toBeNull();
    expect([bus.hears(happen), bus.hears(namesake)]).toEqual([true, false]);
  });

  it("hands every handler the event itself", async () => {
    const got: Happening[] = [];
    bus
      .on(happen, "a")
      .before("guard", (one) => void got.push(one))
      .after("record", (one) => void got.push(one))
      .after("notify", (one) => void got.push(one));
    await bus.before(happen, event);
    await bus.record(happen, event);
    await bus.notify(happen, event);
    expect(got.every((one) => one === event)).toBe(true);
    expect(got).toHaveLength(3);
  });

  it("does nothing where nobody listens", async () => {
    expect(await bus.before(happen, event)).toBeNull();
    await bus.record(happen, event);
    await bus.notify(happen, event);
    expect(bus.describe()).toEqual([]);
  });

  it("is called by its own name (T04.04)", () => {
    expect(happen.name).toBe("happen");
  });
});

describe("the order inside a phase", () => {
  it("is by rank, whichever order modules are listed in", async () => {
    bus.on(happen, "application").before("guard", pass("application"));
    bus.on(happen, "confirm").before("guard", pass("confirmed"), { rank: rank.confirmed });
    bus.on(happen, "lock").before("guard", pass("locked"), { rank: rank.locked });
    bus.on(happen, "core").before("guard", pass("disabled"), { rank: rank.disabled });
    await bus.before(happen, event);
    expect(seen).toEqual(["disabled", "locked", "confirmed", "application"]);
  });

  it("is the order of coming where ranks are equal, however many there are", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `${index}`);
    for (const name of names) bus.on(happen, name).before("guard", pass(name));
    bus.on(happen, "early").before("guard", pass("early"), { rank: -1 });
    await bus.before(happen, event);
    expect(seen).toEqual(["early", ...names]);
  });

  it("waits for each handler before the next one begins", async () => {
    bus.on(happen, "slow").after("notify", async () => {
      for (const _ of Array(10)) await Promise.resolve();
      seen.push("slow");
    });
    bus.on(happen, "fast").after("notify", note("fast"));
    await bus.notify(happen, event);
    expect(seen).toEqual(["slow", "fast"]);
  });

  it("can be read from its description", () => {
    bus.on(happen, "mail").after("notify", note("x"));
    bus.on(happen, "lock").before("guard", pass("x"), { rank: rank.locked }).after("record", note("x"));
    bus.on(happen, "application").before("guard", pass("x")).before("challenge", pass("x"), { rank: 5 });
    expect(bus.describe()).toEqual([
      {
        channel: "happen",
        plan: ["guard 100 lock", "guard 300 application", "challenge 5 application", "record 300 lock", "notify 300 mail"],
      },
    ]);
  });

  it("does not change for a walk that is under way when somebody subscribes", async () => {
    bus.on(happen, "a").before("guard", () => {
      seen.push("a");
      bus.on(happen, "late").before("guard", pass("late"), { rank: -1 });
      return null;
    });
    await bus.before(happen, event);
    expect(seen).toEqual(["a"]);
    await bus.before(happen, event);
    expect(seen).toEqual(["a", "late", "a"]);
  });
});

describe("before the action", () => {
  it("the first reply ends everything: no later guard, no challenge (T04.02)", async () => {
    bus.on(happen, "a").before("guard", pass("first"));
    bus.on(happen, "b").before("guard", () => refuse(403, "second"));
    bus.on(happen, "c").before("guard", pass("third")).before("challenge", pass("challenge"));
    expect(await bus.before(happen, event)).toEqual(refuse(403, "second"));
    expect(seen).toEqual(["first"]);
  });

  it("a guard refuses before a challenge asks, whoever subscribed first", async () => {
    bus.on(happen, "factor").before("challenge", () => redirect("/code"), { rank: -1000 });
    bus.on(happen, "lock").before("guard", () => refuse(403, "locked"), { rank: 1000 });
    expect(await bus.before(happen, event)).toEqual(refuse(403, "locked"));
  });

  it("a reply may take its time, and null and nothing both let pass", async () => {
    bus
      .on(happen, "a")
      .before("guard", () => null)
      .before("guard", async () => undefined)
      .before("challenge", async () => redirect("/code"));
    expect(await bus.before(happen, event)).toEqual(redirect("/code"));
  });

  it("a throw stops the walk and is thrown on: nothing is let in by a guard that failed (T04.03)", async () => {
    bus.on(happen, "a").before("guard", () => {
      throw new Error("away");
    });
    bus.on(happen, "b").before("guard", pass("later"));
    await expect(bus.before(happen, event)).rejects.toThrow("away");
    expect(seen).toEqual([]);
    expect(reported).toEqual([]);
  });
});

describe("after the action", () => {
  it("a record that throws ends the walk and is thrown on (T04.03)", async () => {
    bus
      .on(happen, "a")
      .after("record", note("first"))
      .after("record", async () => Promise.reject(new Error("away")))
      .after("record", note("third"));
    await expect(bus.record(happen, event)).rejects.toThrow("away");
    expect(seen).toEqual(["first"]);
  });

  it("a notice that throws is reported with its channel, and keeps no other from being given", async () => {
    const [at, later] = [new Error("at once"), new Error("later")];
    bus
      .on(happen, "a")
      .after("notify", () => {
        throw at;
      })
      .after("notify", async () => Promise.reject(later))
      .after("notify", note("third"));
    await bus.notify(happen, event);
    expect(seen).toEqual(["third"]);
    expect(reported).toEqual([
      { error: at, channel: "happen" },
      { error: later, channel: "happen" },
    ]);
  });

  it("what a handler answers changes nothing", async () => {
    bus.on(happen, "a").after("record", () => refuse(403, "no") as never);
    bus.on(happen, "a").after("record", note("second"));
    await bus.record(happen, event);
    expect(seen).toEqual(["second"]);
  });
});

describe("a subscription in plain JavaScript", () => {
  // The compiler refuses these; who has none is to hear of it at once, and not by a guard that lets everybody in.
  const loose = (side: "before" | "after", phase: string, handler: unknown) => () =>
    Reflect.apply(Reflect.get(bus.on(happen, "a"), side), null, [phase, handler]);

  it.each([
    ["before", "gaurd"],
    ["before", "record"],
    ["before", undefined],
    ["after", "guard"],
    ["after", "Notify"],
    ["after", "toString"],
  ] as const)("%s a phase that is none there (%s) is an error that lists those there are", (side, phase) => {
    expect(loose(side, String(phase), () => null)).toThrow(ConfigError);
    expect(loose(side, String(phase), () => null)).toThrow(side === "before" ? "only guard and challenge" : "only record and notify");
    expect(bus.hears(happen)).toBe(false);
  });

  it("without a handler is an error", () => {
    expect(loose("before", "guard", undefined)).toThrow("a handler must be a function");
  });
});
