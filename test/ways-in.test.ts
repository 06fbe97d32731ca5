/**
 * Every way in, in every state of an account: none is full without the second factor, and none opens what is locked or unconfirmed. The ways are found in the sources: a package that signs people in and has no
 * entry here fails the first test. @module
 */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Answer, BrowserClient } from "@castellan/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ANN, type EveryWay, levelOf, PASSWORD, PID, type State, startEveryWay } from "./support/every-way.ts";

const PACKAGES = fileURLToPath(new URL("../packages/", import.meta.url));

/** The doors by which somebody gets in who was nobody before. */
const DOOR = /\bcore\.(login|signIn|establishHalf)\(/;

const sourcesOf = (name: string): readonly string[] => {
  const folder = join(PACKAGES, name, "src");
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => readFileSync(join(folder, path), "utf8"));
};

/** Names of packages whose sources go through one of the doors. */
const packagesWithDoors = readdirSync(PACKAGES).filter((name) => name !== "core" && sourcesOf(name).some((source) => DOOR.test(source)));

interface Way {
  /** As far as it leads when nothing stands against it. */
  readonly leadsTo: "half" | "full";
  /** What is done before the account gets into its state; answers what is needed to get in. */
  readonly prepare: (app: EveryWay, browser: BrowserClient) => Promise<string>;
  readonly enter: (browser: BrowserClient, prepared: string, app: EveryWay) => Promise<Answer>;
}

/** Signs in in full, with whatever is asked for. */
async function signIn(app: EveryWay, browser: BrowserClient, more: object = {}): Promise<void> {
  await browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD, ...more });
  if ((await levelOf(browser)) === "nobody") await giveFactor(app, browser);
  assert.equal(await levelOf(browser), "full");
}

/** Gives a right code of whichever factor there is, the stronger first. */
const giveFactor = (app: EveryWay, browser: BrowserClient): Promise<Answer> =>
  app.state.totp
    ? browser.json("POST", "/auth/2fa/totp/validate", { code: app.appCode() })
    : browser.json("POST", "/auth/2fa/sms/validate", { code: app.sentCode() });

/** Goes to the provider and comes back as `subject`. */
async function comeBack(browser: BrowserClient, subject: string): Promise<Answer> {
  const begun = (await browser.json("POST", "/auth/oauth2/demo", {})).json();
  assert.ok(typeof begun === "object" && begun !== null && "location" in begun);
  const state = new URL(String(begun.location)).searchParams.get("state");
  return browser.json("GET", `/auth/oauth2/callback/demo?code=${subject}&state=${state}`);
}

/** By the name of the package; one that has several ways has several entries. */
const WAYS: Readonly<Record<string, Readonly<Record<string, Way>>>> = {
  auth: {
    "a password": {
      leadsTo: "full",
      prepare: async () => "",
      enter: (browser) => browser.json("POST", "/auth/login", { email: ANN, password: PASSWORD }),
    },
  },
  otp: {
    "a one-time password": {
      leadsTo: "full",
      async prepare(app) {
        const inside = app.browser();
        await signIn(app, inside);
        const made = (await inside.json("POST", "/auth/otp/add", {})).json();
        assert.ok(typeof made === "object" && made !== null && "password" in made);
        return String(made.password);
      },
      enter: (browser, one_time_password) => browser.json("POST", "/auth/otp/login", { email: ANN, one_time_password }),
    },
  },
  remember: {
    "a remembered browser": {
      leadsTo: "half",
      async prepare(app, browser) {
        await signIn(app, browser, { remember: true });
        browser.jar.delete("__Host-castellan-sid");
        return "";
      },
      enter: (browser) => browser.json("GET", "/half"),
    },
  },
  recover: {
    "a recovery that signs in": {
      leadsTo: "full",
      async prepare(app) {
        await app.browser().json("POST", "/auth/recover", { email: ANN });
        return app.mailedLink();
      },
      async enter(browser, link) {
        await browser.get(link);
        return browser.json("POST", "/auth/recover/end", { password: "another horse battery staple" });
      },
    },
  },
  oauth2: {
    "an account at a provider": {
      leadsTo: "full",
      async prepare({ storer, clock }) {
        const user = await storer.load(PID);
        assert.ok(user);
        const identity = {
          issuer: "https://id.example",
          subject: "ann",
          provider: "demo",
          email: null,
          tokens: null,
          linkedAt: clock.now(),
        };
        assert.ok(await storer.linkIdentity(PID, user.epoch, identity));
        return "ann";
      },
      enter: comeBack,
    },
    "a new account at a provider, and the password": {
      leadsTo: "full",
      prepare: async () => "stranger",
      async enter(browser, subject) {
        await comeBack(browser, subject);
        return browser.json("POST", "/auth/oauth2/connect", { password: PASSWORD });
      },
    },
    "a new account at a provider, and a link that was mailed": {
      leadsTo: "full",
      prepare: async () => "stranger",
      async enter(browser, subject, app) {
        await comeBack(browser, subject);
        const asked = await browser.json("POST", "/auth/oauth2/connect/mail", {});
        // Nothing waits for a proof any more: connected on an earlier way.
        if (asked.status !== 200) return asked;
        await browser.get(await app.mailedLink());
        return browser.json("POST", "/auth/oauth2/connect/end", {});
      },
    },
  },
  register: {
    "a registration under a login that is taken": {
      leadsTo: "full",
      prepare: async () => "",
      enter: (browser) => browser.json("POST", "/auth/register", { email: ANN, password: PASSWORD }),
    },
  },
};

const allWays = Object.values(WAYS).flatMap((ways) => Object.entries(ways));
const STATES: fc.Arbitrary<State> = fc.record({ locked: fc.boolean(), unconfirmed: fc.boolean(), totp: fc.boolean(), sms: fc.boolean() });
const ALL_STATES: readonly State[] = [false, true].flatMap((locked) =>
  [false, true].flatMap((unconfirmed) => [false, true].flatMap((totp) => [false, true].map((sms) => ({ locked, unconfirmed, totp, sms })))),
);
const named = (state: State): string =>
  Object.entries(state)
    .filter(([, is]) => is)
    .map(([name]) => name)
    .join(", ") || "open";

/** How far somebody may get in this state by this way alone, and with a right code after it. */
function allowed({ leadsTo }: Way, title: string, { locked, unconfirmed, totp, sms }: State) {
  // A recovery ends a lock by attempts: this one was set as an administrator sets it, and stays.
  const isShut = locked || unconfirmed;
  const isAsked = totp || sms;
  if (isShut || title.startsWith("a registration")) return { alone: "nobody", withCode: "nobody" } as const;
  if (leadsTo === "half") return { alone: "half", withCode: "half" } as const;
  return { alone: isAsked ? "nobody" : "full", withCode: "full" } as const;
}

/** Goes in by this way, in this state, and says how far it led: alone, after a wrong code, and after a right one. */
async function tryIt(title: string, way: Way, state: State): Promise<void> {
  const app = await startEveryWay(state);
  try {
    const browser = app.browser();
    const prepared = await way.prepare(app, browser);
    await app.shut(state);
    const may = allowed(way, title, state);
    await way.enter(browser, prepared, app);
    expect([title, named(state), await levelOf(browser)]).toEqual([title, named(state), may.alone]);
    const wrong = await browser.json("POST", "/auth/2fa/totp/validate", { code: "000000" });
    expect(wrong.status).not.toBe(200);
    expect([title, named(state), await levelOf(browser)]).toEqual([title, named(state), may.alone]);
    if (state.totp || state.sms) await giveFactor(app, browser);
    expect([title, named(state), "with a right code", await levelOf(browser)]).toEqual([
      title,
      named(state),
      "with a right code",
      may.withCode,
    ]);
  } finally {
    await app.close();
  }
}

describe("the ways in", () => {
  it("are those of the packages that go through a door: a new one has to be told here", () => {
    assert.deepEqual(Object.keys(WAYS).sort(), packagesWithDoors.sort());
  });

  describe.each(allWays)("by %s", (title, way) => {
    it.each(ALL_STATES.map((state) => [named(state), state] as const))("lead as far as they may: %s", (_, state) =>
      tryIt(title, way, state),
    );
  });

  it("lead no further one after the other in one browser, whatever the order", async () => {
    await fc.assert(
      fc.asyncProperty(STATES, fc.shuffledSubarray(allWays, { minLength: 2 }), async (state, ways) => {
        const app = await startEveryWay(state);
        try {
          const browser = app.browser();
          const prepared: string[] = [];
          // A recovery ends what was prepared before it: its link is asked for, and used last.
          const ordered = ways.toSorted(([one], [other]) => Number(one.includes("recovery")) - Number(other.includes("recovery")));
          for (const [, way] of ordered) prepared.push(await way.prepare(app, browser));
          await app.shut(state);
          browser.jar.delete("__Host-castellan-sid");
          for (const [index, [, way]] of ordered.entries()) {
            await way.enter(browser, prepared[index] ?? "", app);
            const level = await levelOf(browser);
            if (state.locked || state.unconfirmed) assert.equal(level, "nobody");
            else if (state.totp || state.sms) assert.notEqual(level, "full");
          }
        } finally {
          await app.close();
        }
      }),
      { numRuns: 25, seed: 4 },
    );
  });
});

describe("following the link that confirms an address", () => {
  it("signs nobody in", async () => {
    const app = await startEveryWay({ locked: false, unconfirmed: false, totp: false, sms: false });
    try {
      const browser = app.browser();
      await browser.json("POST", "/auth/register", { email: "new@example.com", password: PASSWORD });
      assert.equal(await levelOf(browser), "nobody");
      await browser.get(await app.mailedLink());
      assert.equal((await browser.json("POST", "/auth/confirm", {})).status, 200);
      assert.equal(await levelOf(browser), "nobody");
    } finally {
      await app.close();
    }
  });
});
