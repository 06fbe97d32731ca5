import { auth } from "@castellan/auth";
import { defineCapability, type User, wholeNumber } from "@castellan/core";
import { logout } from "@castellan/logout";
import { memoryStorer } from "@castellan/testkit";
import { castellan } from "castellan";
import { describe, expect, it, onTestFinished } from "vitest";
import { good, makeOf, problemsOf, small } from "./support/wiring.ts";

describe("modules", () => {
  it("that were not called are found, with the call that is missing", () => {
    expect(problemsOf({ modules: { auth, logout: logout() } })).toEqual([
      "`modules.auth` is not a module: call its function, for example auth: auth()",
    ]);
  });

  it.each([
    null,
    undefined,
    42,
    {},
    { start: () => ({}) },
    { start: () => ({}), requires: [] },
    { start: () => ({}), requires: [], name: "x" },
    { start: () => ({}), requires: [undefined], name: "x", reasons: [] },
    { start: () => ({}), requires: ["authable"], name: "x", reasons: [] },
    { start: () => ({}), requires: [{ name: "x" }], name: "x", reasons: [] },
    { requires: [], name: "x", reasons: [], texts: {} },
  ])("that are none are found: %o", (module) => {
    expect(problemsOf({ modules: { thing: module } })).toEqual([expect.stringContaining("`modules.thing` is not a module")]);
  });

  it("stand under names that the gate itself does not have, whichever those are", async () => {
    const gate = castellan(good());
    onTestFinished(() => gate.close());
    const members = Object.keys(gate);
    expect(members.length).toBeGreaterThan(20);
    for (const name of members) {
      expect(problemsOf({ modules: { [name]: logout() } }), name).toEqual([
        `\`modules.${name}\`: the gate has a member of that name; choose another one`,
      ]);
    }
  });

  it("claim each route once, and every clash is told", () => {
    const modules = { one: small("one", "/x"), two: small("two", "/x"), three: small("three", "/x"), four: small("four", "/y") };
    expect(problemsOf({ modules })).toEqual([
      'GET /x is claimed by both "one" and "two": leave one of them out',
      'GET /x is claimed by both "one" and "three": leave one of them out',
    ]);
  });

  it("have a text for each reason, and every clash and missing text is told at once", () => {
    const silent = { ...small("silent", "/silent"), reasons: ["done", "unheard_of"] };
    expect(problemsOf({ modules: { silent, one: small("one", "/x"), two: small("two", "/x") } })).toEqual([
      'module "silent": the reason "unheard_of" has no text "reason.unheard_of"',
      'GET /x is claimed by both "one" and "two": leave one of them out',
    ]);
  });

  it("may fail by themselves, which is no matter of wiring", () => {
    const broken = { ...small("broken", "/broken"), start: () => Reflect.get(Object(undefined), "x").y };
    expect(() => makeOf({ modules: { broken } })).toThrow(TypeError);
  });
});

describe("a storer", () => {
  const without = (...names: readonly string[]) =>
    Object.fromEntries(Object.entries(memoryStorer()).filter(([name]) => !names.includes(name)));

  it.each([null, undefined, 42, "sqlite", () => null])("that is none is one problem, whatever modules would need of it: %s", (storer) => {
    expect(problemsOf({ storer, modules: { auth: auth() } })).toEqual([expect.stringContaining("`storer` is missing")]);
  });

  it("that is still a promise is one problem, which says what was forgotten", () => {
    expect(problemsOf({ storer: Promise.resolve(memoryStorer()), modules: { auth: auth() } })).toEqual([
      "`storer` is a promise: wait for it, for example await sqlite(file)",
    ]);
  });

  it("that is an address is told to be opened", () => {
    expect(problemsOf({ storer: "postgres://app:secret@db/app" })).toEqual([
      "`storer` is missing, and an address is none: open it, for example await openStorer(address)",
    ]);
  });

  it("has every operation that core needs", () => {
    expect(problemsOf({ storer: without("findSignIn", "sweep") })).toEqual([
      'the storer has no operation `sweep` (capability "server"): add it',
      'the storer has no operation `findSignIn` (capability "server"): add it',
    ]);
    expect(problemsOf({ storer: {} }).filter((problem) => problem.includes('(capability "server")'))).toHaveLength(12);
  });

  it("has every operation and field that a module needs, each named with the module", () => {
    const storer = { ...without("setPasswordHash"), userFields: ["pid", "login", "epoch"] };
    expect(problemsOf({ storer, modules: { auth: auth() } })).toEqual([
      'module "auth": the storer has no operation `setPasswordHash` (capability "authable"): add it, or leave the module out',
      'module "auth": the storer\'s users have no field `passwordHash` (capability "authable"): load it as a string or null and list it in `userFields`, or leave the module out',
    ]);
  });

  it("that lists no fields has none", () => {
    for (const userFields of [undefined, null, "passwordHash", {}]) {
      expect(problemsOf({ storer: { ...memoryStorer(), userFields }, modules: { auth: auth() } })).toEqual([
        expect.stringContaining("have no field `passwordHash`"),
      ]);
    }
  });

  it("may have its operations on a class", async () => {
    const plain = memoryStorer();
    class Storer {
      readonly userFields = plain.userFields;
    }
    Object.assign(Storer.prototype, without("userFields"));
    const gate = castellan({ ...good(), storer: new Storer() as never, modules: { auth: auth() } });
    await gate.close();
  });

  it("is checked for the capability of a module of one's own as well", () => {
    interface RatedUser extends User {
      readonly stars: number;
    }
    const rated = defineCapability<RatedUser, { rate(pid: string): Promise<void> }>("rated", {
      user: { stars: wholeNumber },
      operations: { rate: true },
    });
    const rating = { ...small("rating", "/rating"), requires: [rated] };
    expect(problemsOf({ modules: { rating } })).toEqual([
      'module "rating": the storer has no operation `rate` (capability "rated"): add it, or leave the module out',
      'module "rating": the storer\'s users have no field `stars` (capability "rated"): load it as a whole number, not negative and list it in `userFields`, or leave the module out',
    ]);
  });
});
